// System calls of 32-bit programs: INT 0x80 (Linux: arch/x86/entry/common.c, do_int80_syscall_32).
//
// Guarantees: the number is bounds-checked; registers count by their lower halves, also when a 64-bit program calls; while
// the call runs, task_struct::call_layout says how its structures lie in memory.
#include "arch/x86_64/thread.h"
#include "syscall/call_handler.h"
#include "syscall/dispatch.h"
#include "syscall/fs_syscalls.h"
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/entry.h"
#include "task/task.h"

namespace {

struct Ia32 {
    static constexpr u64 pt_regs::*arguments[] = {&pt_regs::rbx, &pt_regs::rcx, &pt_regs::rdx,
                                                  &pt_regs::rsi, &pt_regs::rdi, &pt_regs::rbp};
    /// By the lower half of a register.
    template <class T>
    static T argument(u64 value) {
        const u32 half = static_cast<u32>(value);
        if constexpr (std::is_class_v<T>)
            return T(u64{half});
        else if constexpr (std::is_signed_v<T>)
            return static_cast<T>(static_cast<i32>(half));
        else
            return static_cast<T>(half);
    }
};

constexpr CallLayout SMALL = CallLayout::kIa32, LARGE = CallLayout::kIa32Large;

struct Ia32Call {
    SyscallEntry entry = nullptr;
    CallLayout layout = SMALL;
};
struct Table {
    Ia32Call calls[kIa32SyscallMax] = {};
    constexpr Table() {
#define IA32(number, name, handler, count, layout)                                                    \
    static_assert(arity(handler) == (count), #name ": the argument count differs in table_ia32.def"); \
    calls[number] = {syscall_entry<Ia32, handler>, layout};
#include "syscall/table_ia32.def"
#undef IA32
    }
};

UnknownCalls<kIa32SyscallMax> unknown;

}  // namespace

extern "C" constinit const Table ia32_sys_call_table{};

CallLayout call_layout() {
    return current()->call_layout;
}

extern "C" void do_int80_syscall_32(pt_regs* regs) {
    task_struct* task = current();
    const u32 n = static_cast<u32>(regs->orig_rax);
    regs->orig_rax = n;
    const Ia32Call* call = n < kIa32SyscallMax ? &ia32_sys_call_table.calls[n] : nullptr;
    task->call_layout = call ? call->layout : SMALL;
    syscall_enter_from_user_mode(n);
    regs->rax = static_cast<u64>(call && call->entry ? call->entry(regs) : unknown.answer(n, "32-bit "));
    exit_to_user_mode(regs);  // which looks at the layout when the call is to go on after a signal
    task->call_layout = CallLayout::kNative;
}
