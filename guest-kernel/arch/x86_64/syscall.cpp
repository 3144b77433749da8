// The system call path in C++: do_syscall_64, the table, and what is not in it.
//
// Guarantees: the number is bounds-checked; an unknown call answers ENOSYS, is counted, and is named once in
// the log. SYSRET is used only where it returns exactly what IRET would (Intel SDM vol. 2, SYSRET).
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/thread.h"
#include "core/printk.h"
#include "syscall/call_handler.h"
#include "syscall/dispatch.h"
#include "syscall/fs_syscalls.h"
#include "syscall/syscalls.h"
#include "task/entry.h"
#include "task/task.h"

namespace {

struct Native {
    static constexpr u64 pt_regs::*arguments[] = {&pt_regs::rdi, &pt_regs::rsi, &pt_regs::rdx,
                                                  &pt_regs::r10, &pt_regs::r8,  &pt_regs::r9};
    template <class T>
    static T argument(u64 value) {
        if constexpr (std::is_class_v<T>)
            return T(value);
        else
            return static_cast<T>(value);
    }
};

UnknownCalls<kSyscallMax> unknown;

enum class Status { FULL, PART, REFUSED };

struct Table {
    SyscallEntry entries[kSyscallMax] = {};
    constexpr Table() {
#define SYSCALL(number, name, handler, count, arguments, status, test, ...)                             \
    static_assert(arity(handler) == (count), #name ": the argument count differs in table.def");        \
    static_assert(Status::status != Status::FULL || sizeof(test) > 1, #name ": FULL without a test");   \
    static_assert((Status::status == Status::FULL) == (sizeof("" __VA_ARGS__) == 1), #name              \
                  ": PART and REFUSED say in a note what differs from Linux, FULL has nothing to say"); \
    entries[number] = syscall_entry<Native, handler>;
#include "syscall/table.def"
#undef SYSCALL
    }
};

}  // namespace

u64 unknown_syscall_count;

long unknown_syscall(u64 number, const char* kind, bool named_before) {
    __atomic_add_fetch(&unknown_syscall_count, 1, __ATOMIC_RELAXED);
    if (!named_before) {
        printk(KERN_INFO "%s[%d]: unknown %ssystem call %ld\n", current()->comm, current()->pid, kind,
               static_cast<i64>(number));
    }
    return -static_cast<long>(Errno::ENOSYS);
}

extern "C" constinit const Table sys_call_table{};

pt_regs* current_pt_regs() {
    return reinterpret_cast<pt_regs*>(static_cast<u8*>(current()->stack) + kThreadSize) - 1;
}

/// From entry_SYSCALL_64. True if SYSRET may be used to return.
extern "C" bool do_syscall_64(pt_regs* regs, i64 number) {
    syscall_enter_from_user_mode(number);
    const u64 n = static_cast<u64>(number);
    const SyscallEntry handler = n < kSyscallMax ? sys_call_table.entries[n] : nullptr;
    regs->rax = static_cast<u64>(handler ? handler(regs) : unknown.answer(n, ""));
    exit_to_user_mode(regs);
    return regs->rcx == regs->rip && regs->r11 == regs->eflags && regs->rip < kTaskSize &&
           regs->cs == USER_CS && regs->ss == USER_DS && !(regs->eflags & 0x10100);
}
