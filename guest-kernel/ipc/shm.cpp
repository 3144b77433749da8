// shmget, shmat, shmdt, shmctl.
//
// An area that maps a segment has a file of its own kind, which counts the areas: fork, a split and an exit
// attach and detach as the calls do.
#include "ipc/shm.h"

#include "fs/open_file.h"
#include "mm/mlock.h"
#include "mm/mm_struct.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr int kShmHugetlb = 04000;
constexpr int kShmRdonly = 010000, kShmRnd = 020000, kShmRemap = 040000, kShmExec = 0100000;
constexpr int kShmLock = 11, kShmUnlock = 12, kShmStat = 13, kShmInfo = 14, kShmStatAny = 15;

u64 pages_of_all(const IpcTable<ShmSegment>& table) {
    u64 pages = 0;
    table.for_each([&](const ShmSegment& s) { pages += s.page_count(); });
    return pages;
}

}  // namespace

class ShmFile final : public File {
  public:
    ShmFile(IpcNamespace& ns, RefPtr<ShmSegment> segment)
        : File(*segment->pages), ns_(&ns), segment_(std::move(segment)) {}

    void mapped() override {
        const auto table = ns_->shm.lock();
        segment_->attached++;
        segment_->atime = ipc_now();
        segment_->last = current()->vtgid;
    }
    void unmapped() override {
        RefPtr<ShmSegment> gone;
        auto table = ns_->shm.lock();
        segment_->attached--;
        segment_->dtime = ipc_now();
        segment_->last = current()->vtgid;
        if (segment_->attached == 0 && segment_->mode & kShmDest && !segment_->deleted) {
            gone = table->remove(*segment_);  // segment_ still refers to it: nothing is freed under the lock
        }
    }
    const ShmFile* as_shm_file() const override { return this; }

  private:
    RefPtr<IpcNamespace> ns_;  // which may end before the last area
    RefPtr<ShmSegment> segment_;
};

namespace {

Result<RefPtr<ShmSegment>> make_segment(u64 size, int flags) {
    IpcNamespace& ns = current_ipc();
    if (size < 1 || size > ns.shmmax) return Errno::EINVAL;
    RefPtr<ShmSegment> segment = TRY(make_ref<ShmSegment>());
    segment->size = size;
    const u64 pages = segment->page_count();
    if (pages << kPageShift < size) return Errno::ENOSPC;
    const u64 used = pages_of_all(*ns.shm.lock());
    if (used + pages < used || used + pages > ns.shmall) return Errno::ENOSPC;
    if (flags & kShmHugetlb) {
        return current()->cred.has(kCapIpcLock) ? Errno::ENOMEM
                                                : Errno::EPERM;  // huge pages cannot be had this way
    }
    segment->pages = TRY(make_nameless_tmpfs_file(false));
    segment->pages->pages->set_size(size);
    segment->pages->size = size;
    segment->pages->mode = S_IFREG | 0777;
    segment->creator = current()->vtgid;
    return segment;
}

UserShmidDs describe(const ShmSegment& s) {
    UserShmidDs ds = {};
    ds.perm = ipc_perm_of(s);
    ds.size = s.size;
    ds.atime = s.atime;
    ds.dtime = s.dtime;
    ds.ctime = s.ctime;
    ds.cpid = s.creator;
    ds.lpid = s.last;
    ds.nattch = s.attached;
    return ds;
}

SysResult stat(int id, int command, UserBytes buffer) {
    UserShmidDs ds;
    long result = 0;
    {
        auto table = current_ipc().shm.lock();
        RefPtr<ShmSegment> segment;
        if (command == kIpcStat) {
            segment = TRY(table->find(id));
        } else {
            segment = table->at(id);
            if (!segment) return Errno::EINVAL;
            result = segment->id;
        }
        if (command != kShmStatAny) TRY(ipc_may(*segment, kIpcRead));
        ds = describe(*segment);
    }
    TRY(UserPtr<UserShmidDs>(buffer.address()).write(ds));
    return long{result};
}

SysResult limits(UserBytes buffer) {
    IpcNamespace& ns = current_ipc();
    TRY(UserPtr<UserShmInfo64>(buffer.address()).write({ns.shmmax, 1, ns.shmmni, ns.shmmni, ns.shmall, {}}));
    return long{ns.shm.lock()->highest()};
}

SysResult usage(UserBytes buffer) {
    UserShmInfo info = {};
    long highest;
    {
        auto table = current_ipc().shm.lock();
        info.used_ids = static_cast<i32>(table->count());
        info.total = pages_of_all(*table);
        table->for_each([&](const ShmSegment& s) { info.resident += s.pages->pages->page_count(); });
        highest = table->highest();
    }
    TRY(UserPtr<UserShmInfo>(buffer.address()).write(info));
    return long{highest};
}

SysResult remove(int id) {
    RefPtr<ShmSegment> segment, gone;
    auto table = current_ipc().shm.lock();
    segment = TRY(table->find(id));
    TRY(ipc_may_control(*segment));
    if (segment->attached == 0) {
        gone = table->remove(*segment);
    } else {
        segment->mode |= kShmDest;
        segment->key = kIpcPrivate;  // nobody else finds it any more
    }
    return 0L;
}

SysResult set(int id, UserBytes buffer) {
    const UserShmidDs ds = TRY(UserPtr<UserShmidDs>(buffer.address()).read());
    auto table = current_ipc().shm.lock();
    const RefPtr<ShmSegment> segment = TRY(table->find(id));
    TRY(ipc_may_control(*segment));
    TRY(ipc_set(*segment, ds.perm));
    return 0L;
}

SysResult set_locked(int id, bool on) {
    auto table = current_ipc().shm.lock();
    const RefPtr<ShmSegment> segment = TRY(table->find(id));
    const Credentials& cred = current()->cred;
    if (!cred.has_in(current_ipc().owner, kCapIpcLock)) {
        if (cred.euid != segment->uid && cred.euid != segment->cuid) return Errno::EPERM;
        if (on && task_rlimit(kRlimitMemlock) == 0) return Errno::EPERM;
    }
    segment->mode = on ? segment->mode | kShmLocked : segment->mode & ~kShmLocked;
    return 0L;
}

/// The file of one shmat.
Result<RefPtr<File>> attach_file(int id, int flags) {
    IpcNamespace& ns = current_ipc();
    RefPtr<ShmSegment> segment;
    {
        auto table = ns.shm.lock();
        segment = TRY(table->find(id));
        const u32 wanted = kIpcRead | (flags & kShmRdonly ? 0 : kIpcWrite) | (flags & kShmExec ? 0111u : 0);
        TRY(ipc_may(*segment, wanted));
        segment->pages->ino = static_cast<u64>(id);  // what /proc/PID/maps shows
    }
    RefPtr<ShmFile> file = TRY(make_ref<ShmFile>(ns, segment));
    char label[24];
    snprintf(label, sizeof(label), "/SYSV%08x", static_cast<unsigned>(segment->key));
    TRY(set_detached(*file, label, flags & kShmRdonly ? O_RDONLY : O_RDWR));
    return RefPtr<File>(file);
}

}  // namespace

SysResult sys_shmget(i32 key, u64 size, int flags) {
    IpcNamespace& ns = current_ipc();
    return long{TRY(ipc_get(
        ns.shm, key, flags, ns.shmmni, [&] { return make_segment(size, flags); },
        [&](const ShmSegment& s) { return size > s.size ? Result<void>(Errno::EINVAL) : Result<void>(); }))};
}

SysResult sys_shmat(int id, u64 address, int flags) {
    if (id < 0) return Errno::EINVAL;
    const bool fixed = address != 0;
    if (fixed && address & ~kPageMask) {
        if (!(flags & kShmRnd)) return Errno::EINVAL;
        address &= kPageMask;
        if (address == 0 && flags & kShmRemap) return Errno::EINVAL;
    } else if (!fixed && flags & kShmRemap) {
        return Errno::EINVAL;
    }
    RefPtr<File> file = TRY(attach_file(id, flags));
    const u64 size = align_up(file->inode->size, kPageSize);
    u64 vm_flags = VM_READ | VM_MAYREAD | VM_MAYEXEC | VM_MAYSHARE;
    if (!(flags & kShmRdonly)) vm_flags |= VM_WRITE | VM_MAYWRITE | VM_SHARED;
    if (flags & kShmExec) vm_flags |= VM_EXEC;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    TRY(check_vm_limit(mm, vm_flags, size >> kPageShift));
    if (fixed) {
        if (address + size < address || address + size > mm->task_size) return Errno::EINVAL;
        const vm_area_struct* there = find_vma(mm, address);
        const bool taken = there && there->vm_start < address + size;
        if (taken && !(flags & kShmRemap)) return Errno::EINVAL;
        if (taken) TRY(unmap_range(mm, address, address + size));
    } else {
        address = TRY(find_free_range(mm, 0, size));
    }
    RefPtr<MemoryObject> object(file->memory_object());
    TRY(insert_area(mm, address, address + size, vm_flags | mm->def_flags, std::move(file), std::move(object),
                    0));
    return static_cast<long>(address);
}

// Detaches what one shmat mapped there: the areas of the same file that begin where that file's first page would
// lie at `address`.
SysResult sys_shmdt(u64 address) {
    if (address & ~kPageMask) return Errno::EINVAL;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    RefPtr<File> file;
    for (;;) {
        const vm_area_struct* found = nullptr;
        for_each_vma(mm, [&](const vm_area_struct& vma) {
            const bool ours = vma.vm_file && vma.vm_file->as_shm_file() && (!file || vma.vm_file == file);
            if (!found && ours && vma.vm_start >= address &&
                vma.vm_start - address == vma.vm_pgoff << kPageShift) {
                found = &vma;
            }
        });
        if (!found) return file ? SysResult(0L) : SysResult(Errno::EINVAL);
        file = found->vm_file;
        TRY(unmap_range(mm, found->vm_start, found->vm_end));
    }
}

SysResult sys_shmctl(int id, int command, UserBytes buffer) {
    if (command < 0 || id < 0) return Errno::EINVAL;
    switch (command) {
        case kIpcInfo:
            return limits(buffer);
        case kShmInfo:
            return usage(buffer);
        case kIpcStat:
        case kShmStat:
        case kShmStatAny:
            return stat(id, command, buffer);
        case kIpcSet:
            return set(id, buffer);
        case kIpcRmid:
            return remove(id);
        case kShmLock:
        case kShmUnlock:
            return set_locked(id, command == kShmLock);
        default:
            return Errno::EINVAL;
    }
}
