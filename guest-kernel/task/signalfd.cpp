// signalfd(2): the signals of the reading process as records of a file.
//
// Guarantees: a queue of signals that an epoll set watches lives as long as the file, since the set outlives
// the process that added it.
#include "task/signalfd.h"
#include "fs/anon_inode.h"
#include "fs/eventpoll.h"
#include "fs/files_struct.h"
#include "fs/open_file.h"
#include "syscall/syscalls.h"
#include "task/signal.h"

namespace {

constexpr int kCloexec = O_CLOEXEC, kNonblock = O_NONBLOCK;

struct Record {  // struct signalfd_siginfo
    u32 signo;
    i32 err, code;
    u32 pid, uid;
    i32 fd;
    u32 tid, band, overrun, trapno;
    i32 status, value;
    u64 pointer, utime, stime, address;
    u16 address_lsb, pad2;
    i32 syscall;
    u64 call_address;
    u32 arch;
    u8 pad[28];
};
static_assert(sizeof(Record) == 128);

constexpr SigSet kFaults =
    sig_mask(kSigIll) | sig_mask(kSigFpe) | sig_mask(kSigSegv) | sig_mask(kSigBus) | sig_mask(kSigTrap);

void fill_sender(Record& r, const KSigInfo& info) {
    r.pid = static_cast<u32>(info.kill.pid);
    r.uid = info.kill.uid;
}

Record make_record(const KSigInfo& info) {
    Record r = {};
    r.signo = static_cast<u32>(info.signo);
    r.err = info.err;
    r.code = info.code;
    if (info.code == kSiTimer) {
        r.tid = static_cast<u32>(info.timer.timer_id);
        r.overrun = static_cast<u32>(info.timer.overrun);
        r.pointer = info.timer.value;
        r.value = static_cast<i32>(info.timer.value);
    } else if (info.code < 0) {
        fill_sender(r, info);
        r.pointer = info.kill.value;
        r.value = static_cast<i32>(info.kill.value);
    } else if (info.code == kSiUser || info.code == kSiKernel) {
        fill_sender(r, info);
    } else if (info.signo == kSigChld) {
        fill_sender(r, info);
        r.status = info.chld.status;
        r.utime = static_cast<u64>(info.chld.utime);
        r.stime = static_cast<u64>(info.chld.stime);
    } else if (kFaults & sig_mask(info.signo)) {
        r.address = info.fault.addr;
    } else if (info.signo == kSigIo) {
        r.band = static_cast<u32>(info.poll.band);
        r.fd = info.poll.fd;
    } else if (info.signo == kSigSys) {
        r.call_address = info.sys.call_addr;
        r.syscall = info.sys.syscall;
        r.arch = info.sys.arch;
    }
    return r;
}

SysResult install(int fd, SigSet mask, int flags) {
    mask &= ~kUnblockable;
    if (fd != -1) {
        RefPtr<File> file = TRY(get_file(fd));
        SignalFile* signals = file->as_signal_file();
        if (!signals) return Errno::EINVAL;
        signals->set_mask(mask);
        return long{fd};
    }
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<SignalFile> file = TRY(make_ref<SignalFile>(*inode, mask));
    TRY(set_detached(*file, "anon_inode:[signalfd]", O_RDWR | (flags & kNonblock)));
    return long{TRY(current()->files->install(RefPtr<File>(file), (flags & kCloexec) != 0))};
}

}  // namespace

void SignalFile::set_mask(SigSet mask) {
    __atomic_store_n(&mask_, mask, __ATOMIC_RELAXED);
    current()->signal->signalfd_wait.wake_all(POLLIN | POLLRDNORM);
}

bool SignalFile::ready() const {
    task_struct* task = current();
    IrqGuard guard(task->signal->lock);
    return ((task->pending.signal | task->signal->shared_pending.signal) & mask()) != 0;
}

Result<size_t> SignalFile::read(IovIter& to, loff_t&) {
    if (to.remaining() < sizeof(Record)) return Errno::EINVAL;
    size_t done = 0;
    while (to.remaining() >= sizeof(Record)) {
        KSigInfo info;
        if (dequeue_signal(~mask(), &info) == 0) {
            if (done != 0) break;
            if (nonblocking()) return Errno::EAGAIN;
            TRY(wait_event(current()->signal->signalfd_wait, [this] { return ready(); }));
            continue;
        }
        const Record record = make_record(info);
        if (to.copy_to(&record, sizeof(record)) != sizeof(record)) {
            return done != 0 ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        }
        done += sizeof(record);
    }
    return size_t{done};
}

// Entries that nobody but this list refers to, and that no one sleeps on, are of processes that are gone.
bool SignalFile::keep(SignalStruct* signal) {
    auto list = watched_.lock();
    for (size_t i = list->size(); i-- > 0;) {
        RefPtr<SignalStruct>& entry = (*list)[i];
        if (entry == signal) return true;
        if (entry->ref_count() == 1 && !entry->signalfd_wait.has_sleepers()) list->erase(i);
    }
    return list->push(RefPtr<SignalStruct>(signal)).ok();
}

u32 SignalFile::poll(PollTable* table) {
    SignalStruct* signal = current()->signal;
    if (table && keep(signal)) table->add(signal->signalfd_wait);
    return ready() ? POLLIN | POLLRDNORM : 0;
}

Result<void> SignalFile::show_fdinfo(KString& out) {
    return out.appendf("sigmask:\t%016llx\n", static_cast<unsigned long long>(mask()));
}

SysResult sys_signalfd4(int fd, UserPtr<SigSet> user_mask, u64 size, int flags) {
    if (size != sizeof(SigSet)) return Errno::EINVAL;
    const SigSet mask = TRY(user_mask.read());
    if (flags & ~(kCloexec | kNonblock)) return Errno::EINVAL;
    return install(fd, mask, flags);
}

SysResult sys_signalfd(int fd, UserPtr<SigSet> user_mask, u64 size) {
    return sys_signalfd4(fd, user_mask, size, 0);
}
