#include "tests/isa/canonical_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace orrery::testing {
namespace {

constexpr const char* kGpr64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* kGpr8[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
constexpr const char* kGpr8High[] = {"ah", "ch", "dh", "bh"};
constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs", "?", "?"};

std::string gpr_name(unsigned reg, unsigned size, bool high8) {
    if (reg >= 8) {
        return std::string(kGpr64[reg]) + (size == 8 ? "" : size == 4 ? "d" : size == 2 ? "w" : "b");
    }
    if (size == 1) return high8 ? kGpr8High[reg - 4] : kGpr8[reg];
    std::string name = kGpr64[reg];
    if (size == 8) return name;
    return size == 4 ? "e" + name.substr(1) : name.substr(1);
}

u64 cut(u64 value, unsigned bytes) {
    return bytes >= 8 || bytes == 0 ? value : value & ((u64{1} << (8 * bytes)) - 1);
}

struct Address {
    unsigned size = 0;
    std::string segment;  // "" if none is written
    std::string base;
    std::string index;
    unsigned scale = 1;
    u64 disp = 0;
};

std::string address_text(Address a, const Insn& insn, bool string_dest) {
    static const std::set<std::string> kStackBases = {"rsp", "esp", "rbp", "ebp", "bp"};
    // A lone index with scale 1 reads like a base.
    if (a.base.empty() && a.scale == 1) std::swap(a.base, a.index);
    std::string standard = string_dest ? "es" : kStackBases.count(a.base) ? "ss" : "ds";
    if (insn.mode_bits == 64 && a.segment != "fs" && a.segment != "gs") a.segment.clear();
    if (a.segment == standard) a.segment.clear();
    std::string text = fmt::format("m{}:{}{}[", a.size, a.segment, a.segment.empty() ? "" : ":");
    text += a.base;
    if (!a.index.empty()) text += fmt::format("{}{}*{}", a.base.empty() ? "" : "+", a.index, a.scale);
    u64 disp = cut(a.disp, insn.asize);
    if (disp || (a.base.empty() && a.index.empty())) text += fmt::format("+{:#x}", disp);
    return text + "]";
}

std::string number(u64 value) {
    return fmt::format("{:#x}", value);
}

// Width to which an immediate is compared: what the instruction computes with.
unsigned immediate_width(const Insn& insn, unsigned i) {
    const OperandSpec& spec = insn.row->operands[i];
    if (spec.kind == 'I' && spec.size == SizeCode::Z) return insn.opsize;
    return insn.operands[i].size;
}

u64 branch_target(const Insn& insn, u64 address) {
    return cut(address + insn.length + static_cast<u64>(insn.imm), insn.opsize);
}

std::string own_memory(const Insn& insn, const Operand& op) {
    Address a;
    a.size = op.size;
    if (insn.segment_override) a.segment = kSegments[insn.segment];
    if (op.kind == OperandKind::Memory) {
        if (insn.base == kRipRegister) {
            a.base = insn.asize == 8 ? "rip" : "eip";
        } else if (insn.base != kNoRegister) {
            a.base = gpr_name(insn.base, insn.asize, false);
        }
        if (insn.vsib != 0) {
            a.index = fmt::format("{}mm{}", insn.vsib == 32 ? 'y' : 'x', insn.index);
        } else if (insn.index != kNoRegister) {
            a.index = gpr_name(insn.index, insn.asize, false);
        }
        a.scale = 1u << insn.scale_log2;
        a.disp = static_cast<u64>(insn.disp);
    } else {
        a.base = gpr_name(op.kind == OperandKind::StringSource ? 6 : 7, insn.asize, false);
        if (op.kind == OperandKind::StringDest) a.segment.clear();
    }
    return address_text(a, insn, op.kind == OperandKind::StringDest);
}

std::string own_operand(const Insn& insn, unsigned i, u64 address) {
    const Operand& op = insn.operands[i];
    switch (op.kind) {
        case OperandKind::Gpr:
            return gpr_name(op.reg, op.size, op.high8);
        case OperandKind::Memory:
        case OperandKind::StringSource:
        case OperandKind::StringDest:
            return own_memory(insn, op);
        case OperandKind::Immediate:
            return number(cut(static_cast<u64>(insn.imm), immediate_width(insn, i)));
        case OperandKind::Constant:
            return number(static_cast<u64>(insn.imm));
        case OperandKind::Immediate2:
            return number(static_cast<u64>(insn.imm2));
        case OperandKind::Relative:
            return number(branch_target(insn, address));
        case OperandKind::FarPointer:
            return number(static_cast<u64>(insn.imm2)) + ":" + number(static_cast<u64>(insn.imm));
        case OperandKind::Segment:
            return kSegments[op.reg];
        case OperandKind::Control:
            return fmt::format("cr{}", op.reg);
        case OperandKind::Debug:
            return fmt::format("dr{}", op.reg);
        case OperandKind::Xmm:
            return fmt::format("{}mm{}", op.size == 32 ? 'y' : 'x', op.reg);
        case OperandKind::Mmx:
            return fmt::format("mm{}", op.reg);
        case OperandKind::St:
            return fmt::format("st({})", op.reg);
        case OperandKind::None:
            break;
    }
    return "?";
}

std::string lower(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

std::string own_mnemonic(const Insn& insn) {
    std::string name = lower(insn.row->mnemonic);
    auto by_size = [](unsigned size, const char* two, const char* four, const char* eight) {
        return std::string(size == 2 ? two : size == 4 ? four : eight);
    };
    if (name == "cbw") return by_size(insn.opsize, "cbw", "cwde", "cdqe");
    if (name == "cwd") return by_size(insn.opsize, "cwd", "cdq", "cqo");
    if (name == "jrcxz") return by_size(insn.asize, "jcxz", "jecxz", "jrcxz");
    return name;
}

// Spellings of the same instruction, ours on the right.
const std::map<std::string, std::string, std::less<>>& aliases() {
    static const std::map<std::string, std::string, std::less<>> table = {
#define ALIAS(theirs, ours) {theirs, ours},
#include "tests/isa/mnemonic_aliases.def"
#undef ALIAS
    };
    return table;
}

bool is_prefix_word(std::string_view word) {
    static const std::set<std::string, std::less<>> kWords = {
        "lock", "rep", "repz", "repe", "repnz", "repne", "data16",  "data32",   "addr16",   "addr32", "cs",
        "ds",   "es",  "ss",   "fs",   "gs",    "bnd",   "notrack", "xacquire", "xrelease", "rex"};
    return kWords.count(word) || word.starts_with("rex.");
}

// Splits "rep movs BYTE PTR …" into mnemonic and rest, dropping prefixes, hints (",pn") and comments.
std::pair<std::string, std::string> split_line(std::string_view foreign) {
    std::string line = lower(foreign.substr(0, foreign.find('#')));
    std::size_t at = 0;
    while (true) {
        at = line.find_first_not_of(" \t", at);
        if (at == line.npos) return {"", ""};
        std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
        std::string word = line.substr(at, end - at);
        if (!is_prefix_word(word)) {
            if (std::size_t hint = word.find(','); hint != word.npos) word.resize(hint);
            return {word, line.substr(end)};
        }
        at = end;
    }
}

bool starts_with_string_name(const std::string& m) {
    for (const char* name : {"movs", "cmps", "stos", "lods", "scas", "ins", "outs"}) {
        std::size_t n = std::string_view(name).size();
        if (m.rfind(name, 0) == 0 &&
            (m.size() == n ||
             (m.size() == n + 1 && std::string_view("bwdq").find(m[n]) != std::string_view::npos))) {
            return true;
        }
    }
    return false;
}

std::string clean_mnemonic(std::string m, const std::string& rest) {
    if (starts_with_string_name(m) && rest.find("xmm") == rest.npos && m != "movsx") {
        return m.rfind("ins", 0) == 0 ? "ins" : m.substr(0, 4);
    }
    auto it = aliases().find(m);
    return it == aliases().end() ? m : it->second;
}

bool parse_number(std::string_view s, u64& value) {
    bool negative = s.starts_with('-');
    if (negative || s.starts_with('+')) s.remove_prefix(1);
    if (s.empty() || !std::isdigit(static_cast<unsigned char>(s[0]))) return false;
    value = std::stoull(std::string(s), nullptr, s.starts_with("0x") ? 16 : 10);
    if (negative) value = 0 - value;
    return true;
}

unsigned memory_size(std::string_view word) {
    static const std::map<std::string, unsigned, std::less<>> kSizes = {
        {"byte", 1},   {"word", 2},   {"dword", 4},    {"fword", 6},  {"qword", 8},
        {"tbyte", 10}, {"xword", 10}, {"xmmword", 16}, {"oword", 16}, {"ymmword", 32}};
    auto it = kSizes.find(word);
    return it == kSizes.end() ? 0 : it->second;
}

std::string foreign_operand(std::string text, const Insn& insn, unsigned i) {
    Address a;
    bool is_memory = false;
    if (text.starts_with("ptr ")) text.insert(0, " ");
    if (std::size_t ptr = text.find(" ptr"); ptr != text.npos) {
        std::size_t begin = std::min(text.find_first_not_of(' '), ptr);
        a.size = memory_size(std::string_view(text).substr(begin, ptr - begin));
        text = text.substr(ptr + 4);
        is_memory = true;
    }
    std::erase(text, ' ');
    if (text == "st") return "st(0)";
    std::size_t colon = text.find(':');
    if (colon == 2 && std::isalpha(static_cast<unsigned char>(text[0]))) {
        a.segment = text.substr(0, 2);
        text = text.substr(3);
        is_memory = true;
    }
    if (text.starts_with('[')) {
        is_memory = true;
        text = text.substr(1, text.size() - 2);
    }
    u64 value = 0;
    u64 offset = 0;
    if (colon = text.find(':');
        colon != text.npos && parse_number(text, value) && parse_number(text.substr(colon + 1), offset)) {
        return number(value) + ":" + number(offset);
    }
    if (!is_memory) {
        if (parse_number(text, value)) {
            if (insn.row && i < insn.operand_count && insn.operands[i].kind == OperandKind::Relative) {
                return number(cut(value, insn.opsize));
            }
            return number(insn.row && i < insn.operand_count ? cut(value, immediate_width(insn, i)) : value);
        }
        return text;
    }
    while (!text.empty()) {
        std::size_t end = text.find_first_of("+-", 1);
        if (end == text.npos) end = text.size();
        std::string term = text.substr(0, end);
        text.erase(0, end);
        if (parse_number(term, value)) {
            a.disp += value;
            continue;
        }
        if (term.starts_with('+')) term.erase(0, 1);
        std::size_t star = term.find('*');
        if (star != term.npos) {
            a.index = term.substr(0, star);
            a.scale = static_cast<unsigned>(std::stoul(term.substr(star + 1)));
        } else if (a.base.empty() && a.index.empty()) {
            a.base = term;
        } else {
            a.index = term;
        }
    }
    // A SIB byte without an index, as some write it.
    if (a.index == "riz" || a.index == "eiz") a.index.clear();
    if (a.index.empty()) a.scale = 1;
    bool string_dest = insn.row && i < insn.operand_count && insn.operands[i].kind == OperandKind::StringDest;
    return address_text(a, insn, string_dest);
}

}  // namespace

std::string CanonicalText::str() const {
    std::string out = mnemonic;
    for (std::size_t i = 0; i < operands.size(); ++i) out += (i ? ", " : " ") + operands[i];
    return out;
}

std::string canonical_mnemonic(const Row& row) {
    return lower(row.mnemonic);
}

CanonicalText canonical(const Insn& insn, u64 address) {
    CanonicalText out;
    out.mnemonic = own_mnemonic(insn);
    for (unsigned i = 0; i < insn.operand_count; ++i) out.operands.push_back(own_operand(insn, i, address));
    return out;
}

std::string foreign_mnemonic(std::string_view foreign) {
    auto [mnemonic, rest] = split_line(foreign);
    return clean_mnemonic(mnemonic, rest);
}

CanonicalText canonical(std::string_view foreign, const Insn& insn) {
    auto [mnemonic, rest] = split_line(foreign);
    CanonicalText out;
    out.mnemonic = clean_mnemonic(mnemonic, rest);
    std::size_t at = 0;
    unsigned i = 0;
    if (rest.find_first_not_of(" \t") == rest.npos) return out;
    while (at <= rest.size()) {
        std::size_t end = std::min(rest.find(',', at), rest.size());
        std::size_t begin = rest.find_first_not_of(" \t", at);
        if (begin > end) begin = end;
        out.operands.push_back(foreign_operand(rest.substr(begin, end - begin), insn, i++));
        at = end + 1;
    }
    return out;
}

bool agree(const CanonicalText& ours, const CanonicalText& theirs) {
    if (ours.mnemonic != theirs.mnemonic || ours.operands.size() != theirs.operands.size()) return false;
    for (std::size_t i = 0; i < ours.operands.size(); ++i) {
        std::string_view a = ours.operands[i], b = theirs.operands[i];
        if (a == b) continue;
        // Memory operands may differ in size if one side names none.
        std::size_t colon_a = a.find(':'), colon_b = b.find(':');
        if (!a.starts_with('m') || !b.starts_with('m') || colon_a == a.npos || colon_b == b.npos)
            return false;
        if (a.substr(colon_a) != b.substr(colon_b)) return false;
        if (!a.starts_with("m0:") && !b.starts_with("m0:")) return false;
    }
    return true;
}

}  // namespace orrery::testing
