// struct rt_sigframe: the return address, ucontext (flags, link, stack, sigcontext, mask), siginfo. Every
// 64-bit signal frame of Linux has this shape (arch/x86/include/asm/sigframe.h); a handler gets (signal,
// &siginfo, &ucontext).
#include "emulator/guestos/syscalls/signal_frame.h"

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/syscall_terminal.h"

namespace orrery {
namespace {

constexpr u64 kUcontext = 8;
constexpr u64 kSigcontext = kUcontext + 8 + 8 + 24;  // flags, link, stack_t
constexpr u64 kSavedRax = kSigcontext + 13 * 8;      // r8-r15 rdi rsi rbp rbx rdx rax
constexpr u64 kSavedRip = kSigcontext + 16 * 8;      // rcx rsp rip
constexpr u64 kSiginfo = kSigcontext + 256 + 8;      // sigcontext, mask

}  // namespace

std::optional<SignalFrame> find_signal_frame(const GuestMemory& memory, u64 rdi, u64 rsi, u64 rdx, u64 rsp) {
    if (rdi == 0 || rdi > 64 || rdx != rsp + kUcontext || rsi != rsp + kSiginfo) return std::nullopt;
    const std::optional<u32> number = memory.value<u32>(rsi);
    const std::optional<u64> rip = memory.value<u64>(rsp + kSavedRip);
    const std::optional<u64> rax = memory.value<u64>(rsp + kSavedRax);
    SignalFrame frame;
    if (!number || *number != rdi || !rip || !rax || !siginfo_text(memory, rsi, frame.info))
        return std::nullopt;
    frame.number = rdi;
    frame.rip = *rip;
    frame.rax = *rax;
    return frame;
}

}  // namespace orrery
