// Restartable sequences (task/rseq.h; Linux's uapi/linux/rseq.h for the layouts and kernel/rseq.c for the
// rules).
//
// Guarantees: a thread that was switched out, or is about to run a signal handler, inside a registered
// critical section goes on at its abort address, provided the four bytes before that are the registered
// signature.
#include "task/rseq.h"

#include "core/string.h"
#include "syscall/syscalls.h"
#include "task/signal.h"

namespace {

constexpr u32 kAreaSize = 32;
constexpr int kUnregister = 1;

struct RseqArea {
    u32 cpu_id_start, cpu_id;
    u64 rseq_cs;
    u32 flags;
};
struct CriticalSection {
    u32 version, flags;
    u64 start_ip, post_commit_offset, abort_ip;
};

Result<void> write_cpu_ids(u64 area, u32 start, u32 id) {
    TRY(UserPtr<u32>(area).write(start));
    return UserPtr<u32>(area + offsetof(RseqArea, cpu_id)).write(id);
}

Result<void> fix_ip(pt_regs* regs) {
    const task_struct* task = current();
    const UserPtr<u64> pointer(task->rseq + offsetof(RseqArea, rseq_cs));
    const u64 address = TRY(pointer.read());
    if (!address) return {};
    const CriticalSection section = TRY(UserPtr<CriticalSection>(address).read());
    if (section.start_ip >= kTaskSize || section.start_ip + section.post_commit_offset >= kTaskSize ||
        section.abort_ip >= kTaskSize || section.version > 0 ||
        section.abort_ip - section.start_ip < section.post_commit_offset) {
        return Errno::EINVAL;
    }
    if (TRY(UserPtr<u32>(section.abort_ip - sizeof(u32)).read()) != task->rseq_signature)
        return Errno::EINVAL;
    TRY(pointer.write(0));
    if (regs->rip - section.start_ip < section.post_commit_offset) regs->rip = section.abort_ip;
    return {};
}

}  // namespace

void rseq_handle(pt_regs* regs) {
    task_struct* task = current();
    task->work.clear(kWorkRseq);
    if (!task->rseq) return;
    if (!fix_ip(regs).ok() || !write_cpu_ids(task->rseq, task->cpu, task->cpu).ok()) force_sig(kSigSegv);
}

SysResult sys_rseq(u64 area, u32 size, int flags, u32 signature) {
    task_struct* task = current();
    if (flags & kUnregister) {
        if (flags != kUnregister || !task->rseq || task->rseq != area || size != kAreaSize)
            return Errno::EINVAL;
        if (task->rseq_signature != signature) return Errno::EPERM;
        TRY(write_cpu_ids(area, 0, ~0u));
        task->rseq = 0;
        return 0;
    }
    if (flags) return Errno::EINVAL;
    if (task->rseq) {
        if (task->rseq != area || size != kAreaSize) return Errno::EINVAL;
        if (task->rseq_signature != signature) return Errno::EPERM;
        return Errno::EBUSY;
    }
    if (area % kAreaSize || size != kAreaSize) return Errno::EINVAL;
    if (!access_ok(area, size)) return Errno::EFAULT;
    task->rseq = area;
    task->rseq_signature = signature;
    task->work.set(kWorkRseq);
    return 0;
}
