// The table of open files.
#include "fs/files_struct.h"

#include "fs/file_locks.h"
#include "task/task.h"

namespace {

u64 descriptor_limit() {
    return min<u64>(current()->signal->rlimits[kRlimitNofile].cur, 1u << 20);
}

}  // namespace

Result<RefPtr<FilesStruct>> FilesStruct::make() {
    return make_ref<FilesStruct>();
}

FilesStruct::~FilesStruct() {
    for (Slot& slot : slots_) {
        if (slot.file) finish_close(std::move(slot.file));
    }
}

void FilesStruct::finish_close(RefPtr<File> file) {
    file->flush();
    if (!file->is_path_only()) release_posix_locks(*file->inode, this);
}

Result<void> FilesStruct::grow_to(size_t count) {
    if (count <= slots_.size()) return {};
    size_t size = max<size_t>(slots_.size(), 64);
    while (size < count) size *= 2;
    return slots_.resize(size);
}

Result<RefPtr<FilesStruct>> FilesStruct::clone() {
    RefPtr<FilesStruct> copy = TRY(make());
    MutexGuard guard(lock_);
    size_t used = slots_.size();
    while (used > 0 && !slots_[used - 1].file) used--;
    TRY(copy->grow_to(max<size_t>(used, 1)));
    for (size_t i = 0; i < used; i++) {
        copy->slots_[i].file = slots_[i].file;
        copy->slots_[i].close_on_exec = slots_[i].close_on_exec;
    }
    return copy;
}

void FilesStruct::close_on_exec() {
    for (int fd = next_open(0); fd >= 0; fd = next_open(fd + 1)) {
        Result<bool> marked = cloexec(fd);
        if (marked.ok() && marked.value()) (void)close(fd);
    }
}

Result<RefPtr<File>> FilesStruct::get(int fd, bool path_too) {
    MutexGuard guard(lock_);
    if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return Errno::EBADF;
    const Slot& slot = slots_[static_cast<size_t>(fd)];
    if (!slot.file || (slot.file->is_path_only() && !path_too)) return Errno::EBADF;
    return RefPtr<File>(slot.file);
}

Result<int> FilesStruct::install(RefPtr<File> file, bool cloexec_flag, int lowest) {
    const u64 limit = descriptor_limit();
    if (lowest < 0 || static_cast<u64>(lowest) >= limit) return Errno::EINVAL;
    MutexGuard guard(lock_);
    size_t fd = static_cast<size_t>(lowest);
    while (fd < slots_.size() && slots_[fd].file) fd++;
    if (fd >= limit) return Errno::EMFILE;
    TRY(grow_to(fd + 1));
    slots_[fd].file = std::move(file);
    slots_[fd].close_on_exec = cloexec_flag;
    return static_cast<int>(fd);
}

Result<void> FilesStruct::install_at(int fd, RefPtr<File> file, bool cloexec_flag) {
    if (fd < 0 || static_cast<u64>(fd) >= descriptor_limit()) return Errno::EBADF;
    RefPtr<File> old;
    {
        MutexGuard guard(lock_);
        TRY(grow_to(static_cast<size_t>(fd) + 1));
        Slot& slot = slots_[static_cast<size_t>(fd)];
        old = std::move(slot.file);
        slot.file = std::move(file);
        slot.close_on_exec = cloexec_flag;
    }
    if (old) finish_close(std::move(old));
    return {};
}

Result<void> FilesStruct::close(int fd) {
    RefPtr<File> file;
    {
        MutexGuard guard(lock_);
        if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return Errno::EBADF;
        file = std::move(slots_[static_cast<size_t>(fd)].file);
        slots_[static_cast<size_t>(fd)].close_on_exec = false;
    }
    if (!file) return Errno::EBADF;
    finish_close(std::move(file));
    return {};
}

void FilesStruct::close_range(unsigned first, unsigned last) {
    for (int fd = first > 0x7fffffffu ? -1 : next_open(static_cast<int>(first));
         fd >= 0 && static_cast<unsigned>(fd) <= last; fd = next_open(fd + 1)) {
        (void)close(fd);
    }
}

void FilesStruct::set_cloexec_range(unsigned first, unsigned last) {
    MutexGuard guard(lock_);
    for (size_t fd = first; fd < slots_.size() && fd <= last; fd++) {
        if (slots_[fd].file) slots_[fd].close_on_exec = true;
    }
}

Result<bool> FilesStruct::cloexec(int fd) {
    MutexGuard guard(lock_);
    if (fd < 0 || static_cast<size_t>(fd) >= slots_.size() || !slots_[static_cast<size_t>(fd)].file) {
        return Errno::EBADF;
    }
    return bool{slots_[static_cast<size_t>(fd)].close_on_exec};
}

Result<void> FilesStruct::set_cloexec(int fd, bool on) {
    MutexGuard guard(lock_);
    if (fd < 0 || static_cast<size_t>(fd) >= slots_.size() || !slots_[static_cast<size_t>(fd)].file) {
        return Errno::EBADF;
    }
    slots_[static_cast<size_t>(fd)].close_on_exec = on;
    return {};
}

int FilesStruct::next_open(int fd) {
    MutexGuard guard(lock_);
    for (size_t i = fd < 0 ? 0 : static_cast<size_t>(fd); i < slots_.size(); i++) {
        if (slots_[i].file) return static_cast<int>(i);
    }
    return -1;
}

size_t FilesStruct::capacity() {
    MutexGuard guard(lock_);
    return slots_.size();
}

Result<RefPtr<File>> get_file(int fd) {
    return current()->files->get(fd);
}
Result<RefPtr<File>> get_file_or_path(int fd) {
    return current()->files->get(fd, true);
}
