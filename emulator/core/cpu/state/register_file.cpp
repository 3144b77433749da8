#include "emulator/core/cpu/state/register_file.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <string>

#include "emulator/core/cpu/state/control_registers.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/state/msr.h"
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/vector/fp_env.h"
#include "emulator/core/cpu/x87/float80.h"

namespace orrery {

namespace {

constexpr unsigned kCount = static_cast<unsigned>(RegisterId::Count);
constexpr u32 kMsrEfer = 0xc000'0080, kMsrFsBase = 0xc000'0100, kMsrGsBase = 0xc000'0101,
              kMsrKernelGsBase = 0xc000'0102;

constexpr unsigned number(RegisterId id) {
    return static_cast<unsigned>(id);
}
// Whether `id` is one of the `count` from `first` on; then `index` is its place among them.
bool among(RegisterId id, RegisterId first, unsigned count, unsigned& index) {
    index = number(id) - number(first);
    return index < count;
}

std::array<std::string, kCount> make_names() {
    std::array<std::string, kCount> names;
    const char* const general[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                   "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "eflags"};
    const char* const system[] = {"es",        "cs",  "ss",  "ds",  "fs",  "gs",  "fs_base", "gs_base",
                                  "k_gs_base", "cr0", "cr2", "cr3", "cr4", "cr8", "efer"};
    const char* const x87[] = {"fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop", "mxcsr"};
    const char* const debug[] = {"dr0", "dr1", "dr2", "dr3", "dr6", "dr7"};
    auto at = [&names](RegisterId id, unsigned i) -> std::string& { return names[number(id) + i]; };
    for (unsigned i = 0; i < std::size(general); ++i) at(RegisterId::Rax, i) = general[i];
    for (unsigned i = 0; i < std::size(system); ++i) at(RegisterId::Es, i) = system[i];
    for (unsigned i = 0; i < 8; ++i) at(RegisterId::St0, i) = "st" + std::to_string(i);
    for (unsigned i = 0; i < std::size(x87); ++i) at(RegisterId::Fctrl, i) = x87[i];
    for (unsigned i = 0; i < 16; ++i) {
        at(RegisterId::Xmm0, i) = "xmm" + std::to_string(i);
        at(RegisterId::Ymm0h, i) = "ymm" + std::to_string(i) + "h";
    }
    for (unsigned i = 0; i < std::size(debug); ++i) at(RegisterId::Dr0, i) = debug[i];
    return names;
}

const std::array<std::string, kCount>& names() {
    static const std::array<std::string, kCount> made = make_names();
    return made;
}

unsigned top(const X87State& x87) {
    return x87.status >> 11 & 7;
}

// SDM vol. 1, 8.1.7: two bits for each physical register: valid, zero, special, empty.
u16 full_tags(const X87State& x87) {
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; ++i) {
        const f80::Kind kind = f80::classify(x87.reg[i]);
        unsigned tag = kind == f80::Kind::Normal ? 0 : kind == f80::Kind::Zero ? 1 : 2;
        if ((x87.empty >> i & 1) != 0) tag = 3;
        tags |= tag << (2 * i);
    }
    return static_cast<u16>(tags);
}

// Registers of at most 8 bytes.
u64 read_scalar(const Cpu& cpu, RegisterId id) {
    unsigned i = 0;
    if (among(id, RegisterId::Rax, 16, i)) return cpu.gpr[i];
    if (among(id, RegisterId::Es, 6, i)) return cpu.seg[i].selector;
    if (among(id, RegisterId::Dr0, 4, i)) return cpu.dr[i];
    const X87State& x87 = cpu.x87;
    switch (id) {
        case RegisterId::Rip:
            return cpu.rip();
        case RegisterId::Rflags:
            return cpu.rflags();
        case RegisterId::FsBase:
            return cpu.seg[kFs].base;
        case RegisterId::GsBase:
            return cpu.seg[kGs].base;
        case RegisterId::KernelGsBase:
            return cpu.msr.kernel_gs_base;
        case RegisterId::Cr0:
            return cpu.cr0;
        case RegisterId::Cr2:
            return cpu.cr2;
        case RegisterId::Cr3:
            return cpu.cr3;
        case RegisterId::Cr4:
            return cpu.cr4;
        case RegisterId::Cr8:
            return read_cr8(&cpu);
        case RegisterId::Efer:
            return cpu.msr.efer;
        case RegisterId::Fctrl:
            return x87.control;
        case RegisterId::Fstat:
            return x87.status;
        case RegisterId::Ftag:
            return full_tags(x87);
        case RegisterId::Fiseg:
            return x87.last_ip >> 32 & 0xffff;
        case RegisterId::Fioff:
            return x87.last_ip & 0xffff'ffff;
        case RegisterId::Foseg:
            return x87.last_dp >> 32 & 0xffff;
        case RegisterId::Fooff:
            return x87.last_dp & 0xffff'ffff;
        case RegisterId::Fop:
            return x87.last_opcode;
        case RegisterId::Mxcsr:
            return cpu.mxcsr;
        case RegisterId::Dr6:
            return cpu.dr[6];
        case RegisterId::Dr7:
            return cpu.dr[7];
        default:
            return 0;
    }
}

// Does what an instruction would, at an instruction boundary. False where it would fault: `write` raises
// before it has changed anything.
template <typename Write>
bool without_fault(Cpu& cpu, Write write) {
    HostFpScope fp(&cpu);
    jmp_buf here;
    cpu.unwind = &here;
    volatile bool done = false;
    if (_setjmp(here) == 0) {
        write();
        done = true;
    }
    cpu.unwind = nullptr;
    cpu.pending = {};
    return done;
}

bool write_flags(Cpu& cpu, u64 value) {
    if (((value ^ cpu.eflags) & rflags::kVm) != 0) return false;
    cpu.set_rflags(static_cast<u32>(value));
    return true;
}

bool write_selector(Cpu& cpu, unsigned index, u64 value) {
    if (value > 0xffff) return false;
    const u16 selector = static_cast<u16>(value);
    Segment& segment = cpu.seg[index];
    if (cpu.virtual_8086()) {
        segment = virtual_8086_segment(selector);
    } else if ((cpu.cr0 & cr0::kPe) == 0) {
        segment = real_segment(selector, segment);
    } else {
        segment.selector = selector;
    }
    return true;
}

// SDM vol. 2, MOV to debug registers: the upper halves of DR6 and DR7 are zero, some bits fixed.
bool write_debug(Cpu& cpu, unsigned index, u64 value) {
    if (index >= 6 && value >> 32 != 0) return false;
    if (index == 6) value = (value & 0xe00f) | 0xffff'0ff0;
    if (index == 7) value = (value & 0xffff'2bff) | 0x400;
    cpu.dr[index] = value;
    update_breakpoints(&cpu);
    return true;
}

void replace(u64& pointer, u64 mask, u64 bits) {
    pointer = (pointer & ~mask) | (bits & mask);
}

void update_summary(X87State& x87) {
    x87.status &= static_cast<u16>(~(f80::kErrorSummary | f80::kBusy));
    if ((x87.status & ~x87.control & f80::kExceptions) != 0) x87.status |= f80::kErrorSummary | f80::kBusy;
}

bool write_x87(X87State& x87, RegisterId id, u64 value) {
    constexpr u64 kUpper = 0xffff'0000'0000, kLower = 0xffff'ffff;
    const bool is_offset = id == RegisterId::Fioff || id == RegisterId::Fooff;
    if (!is_offset && value > 0xffff) return false;
    switch (id) {
        case RegisterId::Fctrl:
            x87.control = (value & 0x1f3f) | 0x40;
            update_summary(x87);
            return true;
        case RegisterId::Fstat:
            x87.status = static_cast<u16>(value);
            update_summary(x87);
            return true;
        case RegisterId::Ftag:
            x87.empty = 0;
            for (unsigned i = 0; i < 8; ++i)
                if ((value >> (2 * i) & 3) == 3) x87.empty |= static_cast<u8>(1u << i);
            return true;
        case RegisterId::Fiseg:
            replace(x87.last_ip, kUpper, value << 32);
            return true;
        case RegisterId::Fioff:
            replace(x87.last_ip, kLower, value);
            return true;
        case RegisterId::Foseg:
            replace(x87.last_dp, kUpper, value << 32);
            return true;
        case RegisterId::Fooff:
            replace(x87.last_dp, kLower, value);
            return true;
        default:
            x87.last_opcode = value & 0x7ff;
            return true;
    }
}

bool write_mxcsr(Cpu& cpu, u64 value) {
    if ((value & ~u64{mxcsr::kDefined}) != 0) return false;
    cpu.mxcsr = static_cast<u32>(value);
    return true;
}

bool write_scalar(Cpu& cpu, RegisterId id, u64 value) {
    unsigned i = 0;
    if (among(id, RegisterId::Es, 6, i)) return write_selector(cpu, i, value);
    if (among(id, RegisterId::Dr0, 4, i)) return write_debug(cpu, i, value);
    if (among(id, RegisterId::Fctrl, 8, i)) return write_x87(cpu.x87, id, value);
    switch (id) {
        case RegisterId::Rip:
            // Of another width it would not survive the next instruction.
            if (cpu.code64() ? !is_canonical(&cpu, value) : value >> 32 != 0) return false;
            cpu.rip() = value;
            return true;
        case RegisterId::Rflags:
            return write_flags(cpu, value);
        case RegisterId::FsBase:
            return write_msr(&cpu, kMsrFsBase, value);
        case RegisterId::GsBase:
            return write_msr(&cpu, kMsrGsBase, value);
        case RegisterId::KernelGsBase:
            return write_msr(&cpu, kMsrKernelGsBase, value);
        case RegisterId::Efer:
            return write_msr(&cpu, kMsrEfer, value);
        case RegisterId::Cr0:
            return without_fault(cpu, [&] { write_cr0(&cpu, nullptr, value); });
        case RegisterId::Cr2:
            cpu.cr2 = value;
            return true;
        case RegisterId::Cr3:
            return without_fault(cpu, [&] { write_cr3(&cpu, nullptr, value); });
        case RegisterId::Cr4:
            return without_fault(cpu, [&] { write_cr4(&cpu, nullptr, value); });
        case RegisterId::Cr8:
            return without_fault(cpu, [&] { write_cr8(&cpu, nullptr, value); });
        case RegisterId::Mxcsr:
            return write_mxcsr(cpu, value);
        case RegisterId::Dr6:
            return write_debug(cpu, 6, value);
        case RegisterId::Dr7:
            return write_debug(cpu, 7, value);
        default:
            cpu.gpr[number(id)] = value;
            return true;
    }
}

}  // namespace

size_t register_size(RegisterId id) {
    unsigned i = 0;
    if (number(id) >= kCount) return 0;
    if (among(id, RegisterId::St0, 8, i)) return 10;
    if (among(id, RegisterId::Xmm0, 32, i)) return 16;
    const bool is_narrow = among(id, RegisterId::Es, 6, i) || among(id, RegisterId::Fctrl, 9, i);
    return is_narrow || id == RegisterId::Rflags ? 4 : 8;
}

std::string_view register_name(RegisterId id) {
    return number(id) < kCount ? std::string_view(names()[number(id)]) : std::string_view();
}

std::optional<RegisterId> find_register(std::string_view name) {
    if (name == "rflags") return RegisterId::Rflags;
    const auto found = std::find(names().begin(), names().end(), name);
    if (found == names().end()) return std::nullopt;
    return static_cast<RegisterId>(found - names().begin());
}

size_t read_register(const Cpu& cpu, RegisterId id, std::span<u8> out) {
    const size_t size = register_size(id);
    unsigned i = 0;
    if (among(id, RegisterId::St0, 8, i)) {
        const Float80& value = cpu.x87.reg[(top(cpu.x87) + i) & 7];
        std::memcpy(out.data(), &value.significand, 8);
        std::memcpy(out.data() + 8, &value.sign_exponent, 2);
    } else if (among(id, RegisterId::Xmm0, 32, i)) {
        std::memcpy(out.data(), &cpu.xmm[i % 16].q[i < 16 ? 0 : 2], 16);
    } else {
        const u64 value = read_scalar(cpu, id);
        std::memcpy(out.data(), &value, size);
    }
    return size;
}

bool write_register(Cpu& cpu, RegisterId id, std::span<const u8> value) {
    if (number(id) >= kCount || value.size() != register_size(id)) return false;
    unsigned i = 0;
    if (among(id, RegisterId::St0, 8, i)) {
        Float80& to = cpu.x87.reg[(top(cpu.x87) + i) & 7];
        std::memcpy(&to.significand, value.data(), 8);
        std::memcpy(&to.sign_exponent, value.data() + 8, 2);
        return true;
    }
    if (among(id, RegisterId::Xmm0, 32, i)) {
        if (i >= 16 && !cpu.features.has(Feature::Avx)) return false;
        std::memcpy(&cpu.xmm[i % 16].q[i < 16 ? 0 : 2], value.data(), 16);
        return true;
    }
    u64 scalar = 0;
    std::memcpy(&scalar, value.data(), value.size());
    if (!write_scalar(cpu, id, scalar)) return false;
    cpu.update_mode();
    return true;
}

}  // namespace orrery
