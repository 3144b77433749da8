// Every register of a CPU by a number and a name, as little-endian bytes: for debuggers, and for the inputs
// by which they write registers.
//
// Names and sizes are those of gdb's i386:x86-64 features (GDB manual, "i386 Features"). Reading changes
// nothing. Writing is done between instructions, and leaves what the CPU derives from its state right.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// The numbers are part of the format of recordings: new registers go to the end.
enum class RegisterId : u8 {
    Rax = 0,  // 16 general registers, in the order of their encoding (GprIndex)
    R15 = 15,
    Rip,
    Rflags,
    Es,  // selectors, in the order of SegmentIndex
    Cs,
    Ss,
    Ds,
    Fs,
    Gs,
    FsBase,
    GsBase,
    KernelGsBase,
    Cr0,
    Cr2,
    Cr3,
    Cr4,
    Cr8,
    Efer,
    St0,  // ST(i), whatever its tag
    Fctrl = St0 + 8,
    Fstat,
    Ftag,   // the full tag word, of physical registers
    Fiseg,  // bits 32-47 of the instruction pointer, as FXSAVE64 has them there
    Fioff,  // its lower half
    Foseg,  // of the data pointer
    Fooff,
    Fop,
    Mxcsr,
    Xmm0,
    Ymm0h = Xmm0 + 16,  // upper halves of the YMM registers
    Dr0 = Ymm0h + 16,
    Dr1,
    Dr2,
    Dr3,
    Dr6,
    Dr7,
    Count,
};

// One of a family: nth(RegisterId::Xmm0, 3) is XMM3.
constexpr RegisterId nth(RegisterId first, unsigned index) {
    return static_cast<RegisterId>(static_cast<unsigned>(first) + index);
}

inline constexpr size_t kLargestRegister = 16;

// In bytes: 4 for EFLAGS, selectors, MXCSR and the x87's control registers (gdb's widths), 10 for ST(i), 16
// for vector halves, else 8. 0 for a number that is no register's.
size_t register_size(RegisterId id);
// "rax", "eflags", "k_gs_base", "st3", "ymm7h"; empty for a number that is no register's.
std::string_view register_name(RegisterId id);
// By name; "rflags" too.
std::optional<RegisterId> find_register(std::string_view name);

// The value into `out`, which holds at least register_size(id) bytes; how many bytes those were.
size_t read_register(const Cpu& cpu, RegisterId id, std::span<u8> out);

// Sets a register. False, and nothing has changed, where `value` has not its size or is none that the
// register can have in the CPU's present mode: control registers and MSRs take what MOV and WRMSR would (SDM
// vol. 3A, 2.5; vol. 4), bases are canonical, EFLAGS.VM cannot be changed. Bits that do not exist are dropped
// where the CPU drops them.
//
// A selector: in real and virtual-8086 mode the segment's base follows it; in the others the visible part
// alone is set, and the descriptor cache stays what the last load has made it.
bool write_register(Cpu& cpu, RegisterId id, std::span<const u8> value);

}  // namespace orrery
