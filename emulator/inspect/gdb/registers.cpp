#include "emulator/inspect/gdb/registers.h"

#include <fmt/format.h>

#include <vector>

namespace orrery {

namespace {

struct RegisterSet {
    const char* name;
    unsigned first, count;  // of its registers in gdb's order
};

struct Flag {
    const char* name;
    unsigned bit;
};

std::vector<RegisterId> make_order() {
    using Id = RegisterId;
    std::vector<Id> order;
    // rax rbx rcx rdx rsi rdi rbp rsp: not the order of their encoding.
    for (const unsigned i : {0, 3, 1, 2, 6, 7, 5, 4}) order.push_back(nth(Id::Rax, i));
    for (unsigned i = 8; i < 16; ++i) order.push_back(nth(Id::Rax, i));
    for (const Id id : {Id::Rip, Id::Rflags, Id::Cs, Id::Ss, Id::Ds, Id::Es, Id::Fs, Id::Gs})
        order.push_back(id);
    for (unsigned i = 0; i < 16; ++i) order.push_back(nth(Id::St0, i));  // and fctrl to fop
    for (unsigned i = 0; i < 16; ++i) order.push_back(nth(Id::Xmm0, i));
    order.push_back(Id::Mxcsr);
    for (const Id id : {Id::FsBase, Id::GsBase}) order.push_back(id);
    for (const Id id : {Id::KernelGsBase, Id::Cr0, Id::Cr2, Id::Cr3, Id::Cr4, Id::Cr8, Id::Efer, Id::Dr0,
                        Id::Dr1, Id::Dr2, Id::Dr3, Id::Dr6, Id::Dr7})
        order.push_back(id);
    for (unsigned i = 0; i < 16; ++i) order.push_back(nth(Id::Ymm0h, i));
    return order;
}

constexpr unsigned kCore = 40, kSse = 17, kSegments = 2, kSystem = 13, kAvx = 16;
constexpr RegisterSet kSets[] = {
    {"org.gnu.gdb.i386.core", 0, kCore},
    {"org.gnu.gdb.i386.sse", kCore, kSse},
    {"org.gnu.gdb.i386.segments", kCore + kSse, kSegments},
    {"org.orrery.x86.system", kCore + kSse + kSegments, kSystem},
    {"org.gnu.gdb.i386.avx", kCore + kSse + kSegments + kSystem, kAvx},
};
constexpr unsigned kSegmentsSet = 2, kSystemSet = 3, kAvxSet = 4;

// The registers of 32-bit code; gdb looks for them by these names.
constexpr struct {
    const char* name;
    RegisterId id;
} kLowerHalves[] = {
    {"eax", nth(RegisterId::Rax, kRax)},
    {"ecx", nth(RegisterId::Rax, kRcx)},
    {"edx", nth(RegisterId::Rax, kRdx)},
    {"ebx", nth(RegisterId::Rax, kRbx)},
    {"esp", nth(RegisterId::Rax, kRsp)},
    {"ebp", nth(RegisterId::Rax, kRbp)},
    {"esi", nth(RegisterId::Rax, kRsi)},
    {"edi", nth(RegisterId::Rax, kRdi)},
    {"eip", RegisterId::Rip},
};

bool has_avx(const CpuFeatures& features) {
    return features.has(Feature::Avx);
}

std::string flags_type(const char* id, unsigned size, std::initializer_list<Flag> flags) {
    std::string text = fmt::format("    <flags id=\"{}\" size=\"{}\">\n", id, size);
    for (const Flag& flag : flags)
        text += fmt::format("      <field name=\"{0}\" start=\"{1}\" end=\"{1}\"/>\n", flag.name, flag.bit);
    return text + "    </flags>\n";
}

// What xmm registers can be looked at as.
std::string vector_types() {
    struct Lane {
        const char* name;
        const char* type;
        unsigned count;
    };
    constexpr Lane kLanes[] = {{"v4_float", "ieee_single", 4}, {"v2_double", "ieee_double", 2},
                               {"v16_int8", "int8", 16},       {"v8_int16", "int16", 8},
                               {"v4_int32", "int32", 4},       {"v2_int64", "int64", 2}};
    std::string vectors, fields;
    for (const Lane& lane : kLanes) {
        vectors += fmt::format("    <vector id=\"{0}_lanes\" type=\"{1}\" count=\"{2}\"/>\n", lane.name,
                               lane.type, lane.count);
        fields += fmt::format("      <field name=\"{0}\" type=\"{0}_lanes\"/>\n", lane.name);
    }
    fields += "      <field name=\"uint128\" type=\"uint128\"/>\n";
    return vectors + "    <union id=\"xmm_lanes\">\n" + fields + "    </union>\n";
}

std::string types_of(unsigned set) {
    switch (set) {
        case 0:
            return flags_type("rflags_bits", 4,
                              {{"CF", 0},
                               {"PF", 2},
                               {"AF", 4},
                               {"ZF", 6},
                               {"SF", 7},
                               {"TF", 8},
                               {"IF", 9},
                               {"DF", 10},
                               {"OF", 11},
                               {"NT", 14},
                               {"RF", 16},
                               {"VM", 17},
                               {"AC", 18},
                               {"VIF", 19},
                               {"VIP", 20},
                               {"ID", 21}});
        case 1:
            return vector_types() + flags_type("mxcsr_bits", 4,
                                               {{"IE", 0},
                                                {"DE", 1},
                                                {"ZE", 2},
                                                {"OE", 3},
                                                {"UE", 4},
                                                {"PE", 5},
                                                {"DAZ", 6},
                                                {"IM", 7},
                                                {"DM", 8},
                                                {"ZM", 9},
                                                {"OM", 10},
                                                {"UM", 11},
                                                {"PM", 12},
                                                {"FZ", 15}});
        case 3:
            return flags_type("cr0_bits", 8,
                              {{"PE", 0},
                               {"MP", 1},
                               {"EM", 2},
                               {"TS", 3},
                               {"ET", 4},
                               {"NE", 5},
                               {"WP", 16},
                               {"AM", 18},
                               {"NW", 29},
                               {"CD", 30},
                               {"PG", 31}}) +
                   flags_type("cr4_bits", 8,
                              {{"VME", 0},
                               {"PVI", 1},
                               {"TSD", 2},
                               {"DE", 3},
                               {"PSE", 4},
                               {"PAE", 5},
                               {"MCE", 6},
                               {"PGE", 7},
                               {"PCE", 8},
                               {"OSFXSR", 9},
                               {"OSXMMEXCPT", 10},
                               {"UMIP", 11},
                               {"LA57", 12},
                               {"FSGSBASE", 16},
                               {"PCIDE", 17},
                               {"OSXSAVE", 18},
                               {"SMEP", 20},
                               {"SMAP", 21},
                               {"PKE", 22}}) +
                   flags_type("efer_bits", 8, {{"SCE", 0}, {"LME", 8}, {"LMA", 10}, {"NXE", 11}});
        default:
            return "";
    }
}

// `pointers`: whether gdb's pointers are known to have 64 bits; a register is as wide as its type.
const char* type_of(RegisterId id, bool pointers) {
    const unsigned n = static_cast<unsigned>(id);
    const auto within = [n](RegisterId first, unsigned count) {
        return n - static_cast<unsigned>(first) < count;
    };
    if (pointers && id == RegisterId::Rip) return "code_ptr";
    if (pointers && (id == nth(RegisterId::Rax, kRsp) || id == nth(RegisterId::Rax, kRbp))) return "data_ptr";
    if (id == RegisterId::Rflags) return "rflags_bits";
    if (id == RegisterId::Cr0) return "cr0_bits";
    if (id == RegisterId::Cr4) return "cr4_bits";
    if (id == RegisterId::Efer) return "efer_bits";
    if (id == RegisterId::Mxcsr) return "mxcsr_bits";
    if (within(RegisterId::St0, 8)) return "i387_ext";
    if (within(RegisterId::Xmm0, 16)) return "xmm_lanes";
    if (within(RegisterId::Ymm0h, 16)) return "uint128";
    if (within(RegisterId::Es, 6) || within(RegisterId::Fctrl, 8)) return "int32";
    return "int64";
}

std::string entry(const GdbLayout& layout, size_t number, const char* type, const char* group) {
    const GdbRegister& reg = layout.registers[number];
    return fmt::format("    <reg name=\"{}\" bitsize=\"{}\" regnum=\"{}\" type=\"{}\"{}/>\n", reg.name,
                       8 * reg.size, number, type, group);
}

GdbLayout make_layout(bool avx, bool lower_halves) {
    GdbLayout layout;
    const std::vector<RegisterId> order = make_order();
    for (size_t i = 0; i < order.size() - (avx ? 0 : kAvx); ++i)
        layout.registers.push_back({order[i], register_size(order[i]), std::string(register_name(order[i]))});
    const size_t halves_from = layout.registers.size();
    if (lower_halves)
        for (const auto& half : kLowerHalves) layout.registers.push_back({half.id, 4, half.name});

    std::string& text = layout.description;
    text =
        "<?xml version=\"1.0\"?>\n"
        "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n";
    if (!lower_halves) text += "  <architecture>i386:x86-64</architecture>\n";
    for (unsigned i = 0; i < (avx ? kAvxSet + 1 : kAvxSet); ++i) {
        const RegisterSet& set = kSets[i];
        // gdb's i386 has no place for the standard feature's two registers, and ends over it.
        const bool renamed = lower_halves && i == kSegmentsSet;
        text += fmt::format("  <feature name=\"{}\">\n", renamed ? "org.orrery.x86.segments" : set.name) +
                types_of(i);
        for (size_t number = set.first; number < set.first + set.count; ++number) {
            const RegisterId id = layout.registers[number].id;
            const bool is_x87 = static_cast<unsigned>(id) - static_cast<unsigned>(RegisterId::Fctrl) < 8;
            text += entry(layout, number, type_of(id, !lower_halves),
                          is_x87            ? " group=\"float\""
                          : i == kSystemSet ? " group=\"system\""
                                            : "");
        }
        if (i == 0)
            for (size_t number = halves_from; number < layout.registers.size(); ++number)
                text += entry(layout, number, "int32", "");
        text += "  </feature>\n";
    }
    text += "</target>\n";
    return layout;
}

}  // namespace

const GdbLayout& gdb_layout(const CpuFeatures& features, bool kernel_is_32_bit) {
    static const GdbLayout layouts[2][2] = {{make_layout(false, false), make_layout(false, true)},
                                            {make_layout(true, false), make_layout(true, true)}};
    return layouts[has_avx(features)][kernel_is_32_bit];
}

}  // namespace orrery
