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
    for (Slot& slot : *slots_.lock()) {
        if (slot.file) finish_close(std::move(slot.file));
    }
}

void FilesStruct::finish_close(RefPtr<File> file) {
    file->flush();
    if (!file->is_path_only()) release_posix_locks(*file->inode, this);
}

Result<void> FilesStruct::grow(Slots& slots, size_t count) {
    if (count <= slots.size()) return {};
    size_t size = max<size_t>(slots.size(), 64);
    while (size < count) size *= 2;
    return slots.resize(size);
}

FilesStruct::Slot* FilesStruct::open_slot(Slots& slots, int fd) {
    if (fd < 0 || static_cast<size_t>(fd) >= slots.size()) return nullptr;
    Slot& slot = slots[static_cast<size_t>(fd)];
    return slot.file ? &slot : nullptr;
}

Result<RefPtr<FilesStruct>> FilesStruct::clone() {
    RefPtr<FilesStruct> copy = TRY(make());
    Slots fresh;
    TRY(slots_.with([&](Slots& slots) -> Result<void> {
        size_t used = slots.size();
        while (used > 0 && !slots[used - 1].file) used--;
        TRY(grow(fresh, max<size_t>(used, 1)));
        for (size_t i = 0; i < used; i++) {
            fresh[i].file = slots[i].file;
            fresh[i].close_on_exec = slots[i].close_on_exec;
        }
        return {};
    }));
    *copy->slots_.lock() = std::move(fresh);
    return copy;
}

void FilesStruct::close_on_exec() {
    for (int fd = next_open(0); fd >= 0; fd = next_open(fd + 1)) {
        Result<bool> marked = cloexec(fd);
        if (marked.ok() && marked.value()) (void)close(fd);
    }
}

Result<RefPtr<File>> FilesStruct::get(int fd, bool path_too) {
    const auto slots = slots_.lock();
    const Slot* slot = open_slot(*slots, fd);
    if (!slot || (slot->file->is_path_only() && !path_too)) return Errno::EBADF;
    return RefPtr<File>(slot->file);
}

Result<int> FilesStruct::install(RefPtr<File> file, bool cloexec_flag, int lowest) {
    const u64 limit = descriptor_limit();
    if (lowest < 0 || static_cast<u64>(lowest) >= limit) return Errno::EINVAL;
    const auto locked = slots_.lock();
    Slots& slots = *locked;
    size_t fd = static_cast<size_t>(lowest);
    while (fd < slots.size() && slots[fd].file) fd++;
    if (fd >= limit) return Errno::EMFILE;
    TRY(grow(slots, fd + 1));
    slots[fd].file = std::move(file);
    slots[fd].close_on_exec = cloexec_flag;
    return static_cast<int>(fd);
}

Result<void> FilesStruct::install_at(int fd, RefPtr<File> file, bool cloexec_flag) {
    if (fd < 0 || static_cast<u64>(fd) >= descriptor_limit()) return Errno::EBADF;
    RefPtr<File> old;
    TRY(slots_.with([&](Slots& slots) -> Result<void> {
        TRY(grow(slots, static_cast<size_t>(fd) + 1));
        Slot& slot = slots[static_cast<size_t>(fd)];
        old = std::move(slot.file);
        slot.file = std::move(file);
        slot.close_on_exec = cloexec_flag;
        return {};
    }));
    if (old) finish_close(std::move(old));
    return {};
}

Result<void> FilesStruct::close(int fd) {
    RefPtr<File> file = slots_.with([&](Slots& slots) -> RefPtr<File> {
        Slot* slot = open_slot(slots, fd);
        if (!slot) return nullptr;
        slot->close_on_exec = false;
        return std::move(slot->file);
    });
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
    const auto locked = slots_.lock();
    Slots& slots = *locked;
    for (size_t fd = first; fd < slots.size() && fd <= last; fd++) {
        if (slots[fd].file) slots[fd].close_on_exec = true;
    }
}

Result<bool> FilesStruct::cloexec(int fd) {
    const auto slots = slots_.lock();
    const Slot* slot = open_slot(*slots, fd);
    if (!slot) return Errno::EBADF;
    return bool{slot->close_on_exec};
}

Result<void> FilesStruct::set_cloexec(int fd, bool on) {
    const auto slots = slots_.lock();
    Slot* slot = open_slot(*slots, fd);
    if (!slot) return Errno::EBADF;
    slot->close_on_exec = on;
    return {};
}

int FilesStruct::next_open(int fd) {
    const auto locked = slots_.lock();
    Slots& slots = *locked;
    for (size_t i = fd < 0 ? 0 : static_cast<size_t>(fd); i < slots.size(); i++) {
        if (slots[i].file) return static_cast<int>(i);
    }
    return -1;
}

size_t FilesStruct::capacity() {
    return slots_.lock()->size();
}

Result<RefPtr<File>> get_file(int fd) {
    return current()->files->get(fd);
}
Result<RefPtr<File>> get_file_or_path(int fd) {
    return current()->files->get(fd, true);
}
