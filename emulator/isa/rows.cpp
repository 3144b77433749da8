// Builds the instruction table from the .def files: parses the encoding and operand columns (notation.h).
#include "emulator/isa/row.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {
namespace {

[[noreturn]] void bad_row(const Row& row, const char* what) {
    std::fprintf(stderr, "instruction table: %s \"%s\" \"%s\": %s\n", row.mnemonic, row.encoding_text,
                 row.operands_text, what);
    std::abort();
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// "0F" → 15; -1 if these are not two upper-case hex digits.
int hex_byte(std::string_view s) {
    if (s.size() < 2 || hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0) return -1;
    return hex_digit(s[0]) * 16 + hex_digit(s[1]);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> out;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(separators, at)) != text.npos) {
        std::size_t end = text.find_first_of(separators, at);
        if (end == text.npos) end = text.size();
        out.push_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

// "VEX.256.66.0F38.W0".
void parse_vex(Row& row, std::string_view word) {
    Encoding& e = row.encoding;
    e.vex = true;
    e.prefix = Encoding::Prefix::None;
    for (std::string_view part : split(word.substr(3), ".")) {
        if (part == "128" || part == "LZ") {
            e.vex_l = Encoding::VexL::Zero;
        } else if (part == "256") {
            e.vex_l = Encoding::VexL::One;
        } else if (part == "66") {
            e.prefix = Encoding::Prefix::P66;
        } else if (part == "F3") {
            e.prefix = Encoding::Prefix::PF3;
        } else if (part == "F2") {
            e.prefix = Encoding::Prefix::PF2;
        } else if (part == "0F") {
            e.map = 1;
        } else if (part == "0F38") {
            e.map = 2;
        } else if (part == "0F3A") {
            e.map = 3;
        } else if (part == "W0") {
            e.vex_w = Encoding::VexW::Zero;
        } else if (part == "W1") {
            e.vex_w = Encoding::VexW::One;
        } else if (part != "LIG" && part != "WIG") {
            bad_row(row, "unknown word after VEX");
        }
    }
    if (e.map == 0) bad_row(row, "VEX without a map");
}

void parse_encoding(Row& row) {
    Encoding& e = row.encoding;
    enum { Prefix, Map, Opcode, Tail } state = Prefix;
    std::vector<std::string_view> words = split(row.encoding_text, " ");
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view w = words[i];
        bool more_hex = i + 1 < words.size() && hex_byte(words[i + 1]) >= 0;
        if (state == Prefix) {
            // "66 0F …" and "F3 90" are prefixes; a lone "F3" would be an opcode, and no row has one.
            if (w.starts_with("VEX.")) {
                parse_vex(row, w);
                state = Opcode;
                continue;
            }
            if (w == "NP") {
                e.prefix = Encoding::Prefix::None;
                continue;
            }
            if (w == "66") {
                e.prefix = Encoding::Prefix::P66;
                continue;
            }
            if (w == "F3") {
                e.prefix = Encoding::Prefix::PF3;
                continue;
            }
            if (w == "F2") {
                e.prefix = Encoding::Prefix::PF2;
                continue;
            }
            if (w == "REX.W") {
                e.rex_w = true;
                continue;
            }
            if (w == "REX.B0") {
                e.rex_b_clear = true;
                continue;
            }
            state = Map;
        }
        if (state == Map) {
            if (w == "0F" && e.map == 0 && more_hex) {
                e.map = 1;
                continue;
            }
            if (w == "38" && e.map == 1 && more_hex) {
                e.map = 2;
                continue;
            }
            if (w == "3A" && e.map == 1 && more_hex) {
                e.map = 3;
                continue;
            }
            state = Opcode;
        }
        if (state == Opcode) {
            int byte = hex_byte(w);
            if (byte < 0) bad_row(row, "no opcode byte");
            e.opcode = static_cast<u8>(byte);
            std::string_view rest = w.substr(2);
            if (rest == "+r") {
                e.plus_r = true;
                if (byte & 7) bad_row(row, "+r needs an opcode divisible by 8");
            } else if (!rest.empty()) {
                bad_row(row, "unknown word after the opcode");
            }
            state = Tail;
            continue;
        }
        if (w == "/r") {
            e.modrm = Encoding::ModRm::Any;
        } else if (w.size() == 2 && w[0] == '/' && w[1] >= '0' && w[1] <= '7') {
            e.modrm = Encoding::ModRm::Digit;
            e.digit = static_cast<u8>(w[1] - '0');
        } else if (int byte = hex_byte(w); byte >= 0 && e.modrm == Encoding::ModRm::None) {
            e.modrm = Encoding::ModRm::Fixed;
            e.fixed = static_cast<u8>(byte);
            if (w.substr(2) == "+i") e.fixed_count = 8;
        } else if (w != "ib" && w != "iw" && w != "id" && w != "iz" && w != "iv" && w != "io" && w != "cb" &&
                   w != "cw" && w != "cd" && w != "cz" && w != "cp" && w != "mo" && w != "/is4") {
            bad_row(row, "unknown word in the encoding");
        }
    }
    if (state != Tail) bad_row(row, "no opcode");
}

struct FixedRegister {
    const char* name;
    OperandKind kind;
    u8 reg;
    SizeCode size;
};

constexpr FixedRegister kFixedRegisters[] = {
    {"AL", OperandKind::Gpr, 0, SizeCode::B},       {"CL", OperandKind::Gpr, 1, SizeCode::B},
    {"DX", OperandKind::Gpr, 2, SizeCode::W},       {"AX", OperandKind::Gpr, 0, SizeCode::W},
    {"eAX", OperandKind::Gpr, 0, SizeCode::Z},      {"rAX", OperandKind::Gpr, 0, SizeCode::V},
    {"ES", OperandKind::Segment, kEs, SizeCode::W}, {"CS", OperandKind::Segment, kCs, SizeCode::W},
    {"SS", OperandKind::Segment, kSs, SizeCode::W}, {"DS", OperandKind::Segment, kDs, SizeCode::W},
    {"FS", OperandKind::Segment, kFs, SizeCode::W}, {"GS", OperandKind::Segment, kGs, SizeCode::W},
    {"ST0", OperandKind::St, 0, SizeCode::T},       {"XMM0", OperandKind::Xmm, 0, SizeCode::DQ},
};

SizeCode parse_size(const Row& row, std::string_view s) {
    if (row.encoding.vex && (s == "x" || s == "ps" || s == "pd"))
        return row.encoding.vex_l == Encoding::VexL::One ? SizeCode::QQ : SizeCode::DQ;
    struct Name {
        const char* text;
        SizeCode code;
    };
    constexpr Name kNames[] = {
        {"", SizeCode::None}, {"b", SizeCode::B},   {"w", SizeCode::W},  {"d", SizeCode::D},
        {"q", SizeCode::Q},   {"dq", SizeCode::DQ}, {"t", SizeCode::T},  {"v", SizeCode::V},
        {"z", SizeCode::Z},   {"y", SizeCode::Y},   {"n", SizeCode::N},  {"p", SizeCode::P},
        {"s", SizeCode::S},   {"a", SizeCode::A},   {"c", SizeCode::C},  {"x", SizeCode::X},
        {"f", SizeCode::F},   {"e", SizeCode::E},   {"ss", SizeCode::D}, {"sd", SizeCode::Q},
        {"ps", SizeCode::DQ}, {"pd", SizeCode::DQ}, {"pi", SizeCode::Q}, {"qq", SizeCode::QQ}};
    for (const Name& name : kNames) {
        if (s == name.text) return name.code;
    }
    bad_row(row, "unknown operand size");
}

// Takes the mark off.
Access take_mark(std::string_view& text) {
    const Access access = text.starts_with('=')   ? Access::Write
                          : text.starts_with('+') ? Access::ReadWrite
                          : text.starts_with('&') ? Access::AddressOnly
                                                  : Access::Read;
    if (access != Access::Read) text.remove_prefix(1);
    return access;
}

OperandSpec parse_operand(const Row& row, std::string_view text) {
    OperandSpec spec;
    spec.access = take_mark(text);
    for (const FixedRegister& reg : kFixedRegisters) {
        if (text != reg.name) continue;
        spec.kind = 'f';
        spec.size = reg.size;
        spec.fixed_kind = reg.kind;
        spec.fixed_reg = reg.reg;
        return spec;
    }
    if (text == "STi") {
        spec.kind = 'i';
        spec.size = SizeCode::T;
        spec.allows_register = true;
        return spec;
    }
    if (text == "1") {
        spec.kind = '1';
        spec.size = SizeCode::B;
        return spec;
    }
    if (text == "Ibs") {
        spec.kind = 'I';
        spec.size = SizeCode::B;
        spec.sign_extend = true;
        return spec;
    }
    if (text.empty()) bad_row(row, "empty operand");
    if (text.starts_with("vm32") || text.starts_with("vm64")) {
        spec.vsib_index = text[2] == '3' ? 4 : 8;
        text.remove_prefix(4);
        if (!text.starts_with('x') && !text.starts_with('y')) bad_row(row, "VSIB wants x or y");
        spec.kind = 'v';
        spec.vsib = text[0] == 'x' ? 16 : 32;
        spec.size = spec.mem_size = parse_size(row, text.substr(1));
        spec.allows_memory = true;
        return spec;
    }
    spec.kind = text[0];
    std::string_view size = text.substr(1);
    if (std::size_t slash = size.find('/'); slash != size.npos) {
        std::string_view memory = size.substr(slash + 1);
        if (std::string_view("RUN").find(spec.kind) == std::string_view::npos || !memory.starts_with('M')) {
            bad_row(row, "only R?/M?, U?/M? and N?/M? have two forms");
        }
        spec.size = parse_size(row, size.substr(0, slash));
        spec.mem_size = parse_size(row, memory.substr(1));
        spec.allows_register = spec.allows_memory = true;
        return spec;
    }
    spec.size = spec.mem_size = parse_size(row, size);
    if (std::string_view("EWQ").find(spec.kind) != std::string_view::npos) {
        spec.allows_register = spec.allows_memory = true;
    } else if (std::string_view("RUN").find(spec.kind) != std::string_view::npos) {
        spec.allows_register = true;
    } else if (spec.kind == 'M') {
        spec.allows_memory = true;
    } else if (std::string_view("GZSCDVPIJAOXYHBL").find(spec.kind) == std::string_view::npos) {
        bad_row(row, "unknown operand letter");
    }
    return spec;
}

constexpr ImplicitSpec gpr(const char* name, u8 number, ImplicitSpec::Width width) {
    return {.name = name, .kind = ImplicitSpec::Kind::Gpr, .which = number, .width = width};
}
constexpr ImplicitSpec some(const char* name, ImplicitSpec::Kind kind, unsigned bits) {
    return {.name = name, .kind = kind, .bits = static_cast<u16>(bits)};
}
constexpr ImplicitSpec place(const char* name, ImplicitSpec::Place where) {
    return {.name = name, .kind = ImplicitSpec::Kind::Memory, .which = where};
}
constexpr ImplicitSpec top(const char* name, ImplicitSpec::Kind kind) {
    return {.name = name, .kind = kind};
}

using Is = ImplicitSpec;
using In = ImplicitSpec::Kind;
using Width = ImplicitSpec::Width;
constexpr ImplicitSpec kImplicit[] = {
    gpr("AL", 0, Width::B),
    {.name = "AH", .kind = In::Gpr, .which = 0, .width = Width::B, .high8 = true},
    gpr("AX", 0, Width::W),
    gpr("EAX", 0, Width::D),
    gpr("ECX", 1, Width::D),
    gpr("EDX", 2, Width::D),
    gpr("EBX", 3, Width::D),
    gpr("RAX", 0, Width::Q),
    gpr("RCX", 1, Width::Q),
    gpr("RDX", 2, Width::Q),
    gpr("RBX", 3, Width::Q),
    gpr("RSP", 4, Width::Q),
    gpr("R11", 11, Width::Q),
    gpr("rAX", 0, Width::V),
    gpr("rCX", 1, Width::V),
    gpr("rDX", 2, Width::V),
    gpr("rBX", 3, Width::V),
    gpr("rBP", 5, Width::V),
    gpr("rSI", 6, Width::V),
    gpr("rDI", 7, Width::V),
    gpr("yAX", 0, Width::Y),
    gpr("yDX", 2, Width::Y),
    gpr("aAX", 0, Width::Address),
    gpr("aCX", 1, Width::Address),
    gpr("aBX", 3, Width::Address),
    gpr("aDI", 7, Width::Address),
    gpr("SP", 4, Width::Stack),
    gpr("BP", 5, Width::Stack),
    some("XMM0", In::Vector, 1),
    some("XMM*", In::Vector, 0xffff),
    some("ST0", In::St, 1),
    some("ST1", In::St, 2),
    some("ST*", In::St, 0xff),
    some("ES", In::Segment, 1u << kEs),
    some("CS", In::Segment, 1u << kCs),
    some("SS", In::Segment, 1u << kSs),
    some("DS", In::Segment, 1u << kDs),
    some("FS", In::Segment, 1u << kFs),
    some("GS", In::Segment, 1u << kGs),
    some("SREG", In::Segment, 0x3f),
    some("GDTR", In::System, system_state::kGdtr),
    some("LDTR", In::System, system_state::kLdtr),
    some("IDTR", In::System, system_state::kIdtr),
    some("TR", In::System, system_state::kTr),
    some("CR", In::System, system_state::kControl),
    some("DR", In::System, system_state::kDebug),
    some("XCR0", In::System, system_state::kXcr0),
    some("PKRU", In::System, system_state::kPkru),
    some("MXCSR", In::System, system_state::kMxcsr),
    some("X87", In::System, system_state::kX87),
    some("MSR", In::System, system_state::kMsr),
    some("BASE", In::System, system_state::kBase),
    some("TLB", In::System, system_state::kTlb),
    place("[aBX+AL]", Is::AtTable),
    place("[aDI]", Is::AtRdi),
    place("[aAX]", Is::AtRax),
    place("[SP]", Is::AtStack),
    place("[BP]", Is::AtFrame),
    place("[*]", Is::AtSystem),
    top("push", In::Push),
    top("pop", In::Pop),
    top("TOP-", In::TopDown),
    top("TOP+", In::TopUp),
    top("TOP", In::SetTop),
};

ImplicitSpec parse_implicit(const Row& row, std::string_view text) {
    const Access access = take_mark(text);
    for (const ImplicitSpec& known : kImplicit) {
        if (text != known.name) continue;
        ImplicitSpec spec = known;
        spec.access = access;
        return spec;
    }
    bad_row(row, "unknown word in the implicit column");
}

bool needs_modrm(const OperandSpec& spec) {
    return std::string_view("EGRMSCDVWUPQNiv").find(spec.kind) != std::string_view::npos;
}

void parse(Row& row) {
    parse_encoding(row);
    for (std::string_view word : split(row.operands_text, ", ")) {
        if (row.operand_count == kMaxOperands) bad_row(row, "more than four operands");
        OperandSpec spec = parse_operand(row, word);
        if (needs_modrm(spec) && !row.has_modrm()) bad_row(row, "this operand needs a ModRM byte");
        const bool needs_vex = spec.kind == 'H' || spec.kind == 'B' || spec.kind == 'L' || spec.kind == 'v';
        if (needs_vex && !row.encoding.vex) bad_row(row, "this operand needs VEX");
        if (spec.kind == 'Z' && !row.encoding.plus_r) bad_row(row, "Z needs +r");
        row.operands[row.operand_count++] = spec;
    }
    for (std::string_view word : split(row.implicit_text, ", ")) {
        if (row.implicit_count == kMaxImplicit) bad_row(row, "too much in the implicit column");
        row.implicit[row.implicit_count++] = parse_implicit(row, word);
    }
    if (row.flags_written & row.flags_undefined) bad_row(row, "a flag both written and undefined");
}

// A line of the .def files as it stands there: a row, or, where it has no mnemonic, the beginning of a family.
struct RowText {
    const char* family = nullptr;
    const char* mnemonic = nullptr;
    const char* encoding = "";
    const char* operands = "";
    const char* implicit = "";
    u32 attrs = 0;
    Flow flow = Flow::Next;
    FlagSet flags_read = 0;
    FlagSet flags_written = 0;
    FlagSet flags_undefined = 0;
    ExceptionClass exceptions = ExceptionClass::None;
    Feature feature = Feature::None;
    Privilege privilege = Privilege::Any;
    Timing timing = Timing::Alu;
    const char* semantics = "";
};

using namespace row_words;

// Data, not code: a statement per row takes the compiler half a minute.
constexpr RowText kLines[] = {
#define ROW_FAMILY(name) {#name},
#define ROW(mnem, enc, ops, hidden, attribute_words, goes, read, written, undefined, exc, cpuid, priv, time, \
            sem)                                                                                             \
    {nullptr,                                                                                                \
     #mnem,                                                                                                  \
     enc,                                                                                                    \
     ops,                                                                                                    \
     hidden,                                                                                                 \
     attribute_words,                                                                                        \
     Flow::goes,                                                                                             \
     read,                                                                                                   \
     written,                                                                                                \
     undefined,                                                                                              \
     ExceptionClass::exc,                                                                                    \
     Feature::cpuid,                                                                                         \
     Privilege::priv,                                                                                        \
     Timing::time,                                                                                           \
     #sem},
#include "emulator/isa/rows.def"
};

std::vector<Row> build_rows() {
    std::vector<Row> table;
    table.reserve(std::size(kLines));
    const char* family = "";
    for (const RowText& line : kLines) {
        if (line.mnemonic == nullptr) {
            family = line.family;
            continue;
        }
        Row row;
        row.mnemonic = line.mnemonic;
        row.encoding_text = line.encoding;
        row.operands_text = line.operands;
        row.implicit_text = line.implicit;
        row.attrs = line.attrs;
        row.flow = line.flow;
        row.flags_read = line.flags_read;
        row.flags_written = line.flags_written;
        row.flags_undefined = line.flags_undefined;
        row.exceptions = line.exceptions;
        row.feature = line.feature;
        row.privilege = line.privilege;
        row.timing = line.timing;
        row.semantics = line.semantics;
        row.family = family;
        row.id = static_cast<RowId>(table.size());
        parse(row);
        table.push_back(row);
    }
    return table;
}

}  // namespace

std::span<const Row> rows() {
    static const std::vector<Row> table = build_rows();
    return table;
}

}  // namespace orrery
