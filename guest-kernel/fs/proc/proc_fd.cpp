// /proc/PID/fd and /proc/PID/fdinfo.
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/mount.h"
#include "fs/proc/proc.h"

namespace {

constexpr u32 kFdInodesAt = 4096;

Result<RefPtr<File>> file_of(pid_t pid, int fd) {
    TaskRef task = find_task_by_pid(pid);
    RefPtr<FilesStruct> files = task ? get_task_files(task.get()) : nullptr;
    if (!files) return Errno::ENOENT;
    Result<RefPtr<File>> file = files->get(fd, true);
    return file.ok() ? std::move(file) : Result<RefPtr<File>>(Errno::ENOENT);
}

class FdLink final : public ProcInode {
  public:
    FdLink(SuperBlock* super, pid_t pid, int fd, u32 rights)
        : ProcInode(super, proc_ino(pid, kFdInodesAt + static_cast<u32>(fd)), S_IFLNK | rights),
          pid_(pid),
          fd_(fd) {
        size = 64;
    }
    Result<Path> follow_magic() override { return Path(TRY(file_of(pid_, fd_))->path); }
    Result<KString> readlink() override {
        RefPtr<File> file = TRY(file_of(pid_, fd_));
        KString text = TRY(path_text(file->path, current()->fs->root()));
        // Nameless files of a real file system (memfd, O_TMPFILE) count as deleted.
        if (file->path.dentry->is_detached() && file->inode->is_regular()) TRY(text.append(" (deleted)"));
        return text;
    }
    bool still_valid() override { return file_of(pid_, fd_).ok(); }

  private:
    pid_t pid_;
    int fd_;
};

class FdInfo final : public ProcText {
  public:
    FdInfo(SuperBlock* super, pid_t pid, int fd)
        : ProcText(super, proc_ino(pid, kFdInodesAt + (1u << 18) + static_cast<u32>(fd)), S_IFREG | 0444),
          pid_(pid),
          fd_(fd) {}
    Result<void> show(KString& out) override {
        RefPtr<File> file = TRY(file_of(pid_, fd_));
        TRY(out.appendf("pos:\t%lld\nflags:\t0%o\n", static_cast<long long>(file->position),
                        static_cast<unsigned>(file->flags | O_LARGEFILE)));
        TRY(out.appendf("mnt_id:\t%u\nino:\t%llu\n", file->path.mount ? file->path.mount->id : 0u,
                        static_cast<unsigned long long>(file->inode->ino)));
        return file->show_fdinfo(out);
    }

  private:
    pid_t pid_;
    int fd_;
};

class FdDir final : public ProcInode {
  public:
    FdDir(SuperBlock* super, pid_t pid, u64 number, bool info)
        : ProcInode(super, number, S_IFDIR | (info ? 0555u : 0500u)), pid_(pid), info_(info) {
        nlink = 2;
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }

    Result<RefPtr<Inode>> lookup(const Name& name) override {
        u64 fd;
        char text[16];
        if (name.length == 0 || name.length >= sizeof(text)) return Errno::ENOENT;
        memcpy(text, name.text, name.length);
        text[name.length] = '\0';
        if (!parse_u64(text, 10, &fd) || fd > 0xffffff) return Errno::ENOENT;
        RefPtr<File> file = TRY(file_of(pid_, static_cast<int>(fd)));
        RefPtr<Inode> inode;
        if (info_) {
            inode = TRY(make_ref<FdInfo>(sb, pid_, static_cast<int>(fd)));
        } else {
            const u32 rights = (file->readable() ? 0500u : 0) | (file->writable() ? 0300u : 0);
            inode = TRY(make_ref<FdLink>(sb, pid_, static_cast<int>(fd), rights));
        }
        inode->uid = uid;
        inode->gid = gid;
        return inode;
    }

    Result<void> iterate(DirContext& context) override {
        TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ENOENT;
        RefPtr<FilesStruct> files = get_task_files(task.get());
        if (!context.emit_dots(*context.dentry) || !files) return {};
        for (int fd = files->next_open(static_cast<int>(context.position - 2)); fd >= 0;
             fd = files->next_open(fd + 1)) {
            char text[16];
            snprintf(text, sizeof(text), "%d", fd);
            context.position = fd + 2;
            if (!context.emit(Name(text), proc_ino(pid_, kFdInodesAt + static_cast<u32>(fd)),
                              dt_type(info_ ? S_IFREG : S_IFLNK))) {
                return {};
            }
            context.position++;
        }
        return {};
    }

  private:
    pid_t pid_;
    bool info_;
};

}  // namespace

Result<RefPtr<Inode>> make_fd_dir(SuperBlock* super, pid_t pid, u64 ino, bool info) {
    return RefPtr<Inode>(TRY(make_ref<FdDir>(super, pid, ino, info)));
}
