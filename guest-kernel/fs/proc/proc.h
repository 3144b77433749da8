// procfs: what the kernel tells about itself and its processes as files (proc(5)).
//
// Guarantees: each mount is an instance of its own, which shows the processes of the PID namespace in which it was
// mounted, by their numbers there; a file's text is made anew by each read that starts at its beginning, in one
// piece, so a reader never sees two moments mixed. Entries of a process disappear with it (ESRCH for a file
// held open).
#pragma once

#include "core/string_buf.h"
#include "fs/text_file.h"

struct PidNamespace;
struct task_struct;
struct vm_area_struct;

void init_procfs();

/// A fixed entry: a text file, a directory of further entries, or a symbolic link.
struct ProcEntry {
    const char* name;
    u32 mode;                                                        ///< with the type
    Result<void> (*show)(KString& out) = nullptr;                    ///< files
    Result<void> (*store)(const char* text, size_t size) = nullptr;  ///< writable files
    const ProcEntry* entries = nullptr;                    ///< directories: up to one without a name
    const char* target = nullptr;                          ///< symbolic links
    Result<RefPtr<File>> (*open)(Inode& inode) = nullptr;  ///< files that are no texts
};

extern const ProcEntry kProcSystemEntries[];   ///< the system-wide files (proc_system.cpp)
extern const ProcEntry kProcSysEntries[];      ///< /proc/sys (proc_sys.cpp)
extern const ProcEntry kProcSysVmEntries[];    ///< /proc/sys/vm (proc_sys_vm.cpp)
extern const ProcEntry kProcSysUserEntries[];  ///< /proc/sys/user (proc_sys_user.cpp)

/// An instance.
class ProcSuper final : public SuperBlock {
  public:
    explicit ProcSuper(RefPtr<PidNamespace> shown);
    ~ProcSuper() override;
    const RefPtr<PidNamespace> pid_ns;
};

/// Common ground of all procfs inodes.
class ProcInode : public Inode {
  public:
    ProcInode(SuperBlock* super, u64 number, u32 file_mode) : Inode(super, number, file_mode) {}
    Result<void> may_setattr() override { return Errno::EPERM; }
    bool cache_names() const override { return false; }
    i64 block_count() const override { return 0; }
    const PidNamespace& pid_ns() const { return *static_cast<ProcSuper*>(sb)->pid_ns; }
};

/// A file whose text show() makes.
class ProcText : public ProcInode, public TextSource {
  public:
    using ProcInode::ProcInode;
    Result<RefPtr<File>> open(int flags) override;
    Result<void> set_size(u64) override { return {}; }  // O_TRUNC by a shell's ">" changes nothing
};

// Processes (proc_pid.cpp), by the kernel's own numbers: the directory of one, and the listing of all.
Result<RefPtr<Inode>> make_pid_dir(SuperBlock* super, pid_t pid, bool as_thread);
/// The directory /proc/PID/task and /proc/PID/fd (proc_fd.cpp, proc_pid.cpp).
Result<RefPtr<Inode>> make_task_dir(SuperBlock* super, pid_t pid);
Result<RefPtr<Inode>> make_fd_dir(SuperBlock* super, pid_t pid, u64 ino, bool info);

/// Where a process's file is read: under task/TID or not, and in whose numbers.
struct ProcView {
    bool as_thread;
    const PidNamespace& ns;
};

/// In which of /proc/PID and /proc/PID/task/TID a file is.
enum class ProcPidPlace : u8 { kBoth, kProcess, kThread };

/// A process's file: `show` gets the live task. Where `open` is given, it makes the file instead.
struct ProcPidFile {
    const char* name;
    u32 mode;
    Result<void> (*show)(KString& out, task_struct& task, const ProcView& view);
    Result<void> (*store)(task_struct& task, const char* text, size_t size) = nullptr;
    ProcPidPlace place = ProcPidPlace::kBoth;
    Result<RefPtr<File>> (*open)(Inode& inode, task_struct& task) = nullptr;
};
/// Each up to one without a name.
extern const ProcPidFile kProcPidFiles[];        ///< proc_status.cpp
extern const ProcPidFile kProcPidMemoryFiles[];  ///< proc_pid_memory.cpp
extern const ProcPidFile kProcPidInfoFiles[];    ///< proc_pid_info.cpp
extern const ProcPidFile kProcIdMapFiles[];      ///< proc_id_map.cpp

/// May the caller look into `task` (ptrace(2), PTRACE_MODE_READ_FSCREDS)?
bool proc_may_inspect(const task_struct& task);
/// A line of /proc/PID/maps and smaps.
Result<void> show_area(KString& out, const vm_area_struct& vma, const Path& root);

/// Inode number of something that belongs to `pid`; `what` below 65536.
constexpr u64 proc_ino(pid_t pid, u32 what) {
    return (static_cast<u64>(pid) << 20) + 0x10000 + what;
}

// Texts of one process (proc_status.cpp, proc_maps.cpp).
Result<void> show_pid_stat(KString& out, task_struct& task, const ProcView& view);
Result<void> show_pid_status(KString& out, task_struct& task, const ProcView& view);
Result<void> show_pid_statm(KString& out, task_struct& task, const ProcView& view);
Result<void> show_pid_maps(KString& out, task_struct& task, const ProcView& view);
Result<void> show_pid_limits(KString& out, task_struct& task, const ProcView& view);
/// /proc/mounts and /proc/PID/mountinfo (proc_mounts.cpp).
Result<void> show_mounts(KString& out);
Result<void> show_mountinfo(KString& out);
Result<void> show_mountstats(KString& out);

/// A decimal number as written to a file, perhaps with a sign and a line end. EINVAL.
Result<i64> parse_signed(const char* text, size_t size);
