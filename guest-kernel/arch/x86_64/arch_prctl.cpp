// arch_prctl(2): the bases of FS and GS, which are a thread's local storage.
//
// Guarantees: only user addresses are accepted; other options answer EINVAL.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tls.h"
#include "syscall/syscalls.h"
#include "task/task.h"

SysResult sys_arch_prctl(int option, u64 address) {
    constexpr int kSetGs = 0x1001, kSetFs = 0x1002, kGetFs = 0x1003, kGetGs = 0x1004;
    thread_struct& thread = current()->thread;
    switch (option) {
        case kSetFs:
            if (address >= kTaskSize) return Errno::EPERM;
            if (save_segments(thread); thread.fs) load_segments(thread.ds, thread.es, 0, thread.gs);
            thread.fsbase = address;
            wrmsr(kMsrFsBase, address);
            return 0;
        case kSetGs:
            if (address >= kTaskSize) return Errno::EPERM;
            if (save_segments(thread); thread.gs) load_segments(thread.ds, thread.es, thread.fs, 0);
            thread.gsbase = address;
            wrmsr(kMsrKernelGsBase, address);
            return 0;
        case kGetFs:
            TRY(UserPtr<u64>(address).write(rdmsr(kMsrFsBase)));
            return 0;
        case kGetGs:
            TRY(UserPtr<u64>(address).write(rdmsr(kMsrKernelGsBase)));
            return 0;
        default:
            return Errno::EINVAL;
    }
}
