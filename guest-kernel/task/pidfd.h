// Pidfds: descriptors of a process, whoever gets its number afterwards (pidfd_open(2)).
//
// Guarantees: a pidfd polls readable once the process has ended.
#pragma once

#include "fs/file.h"
#include "sync/wait_queue.h"
#include "task/task.h"

class PidFile final : public File {
  public:
    PidFile(Inode& file_inode, RefPtr<PidRef> process) : File(file_inode), process_(std::move(process)) {}
    /// The process's leader, or empty when it was released.
    TaskRef task() const;
    u32 poll(PollTable* table) override;
    bool has_read() const override { return false; }
    bool has_write() const override { return false; }
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }
    Result<void> show_fdinfo(KString& out) override;
    PidFile* as_pid_file() override { return this; }

  private:
    RefPtr<PidRef> process_;
};

/// A pidfd's file for the process that `leader` leads; `flags`: O_NONBLOCK.
Result<RefPtr<File>> make_pidfd(task_struct* leader, int flags);
/// Wakes who polls the process's pidfds: it has ended. With the task table locked.
void pidfd_exited(task_struct* leader);
/// The process behind a descriptor. EBADF when it is no pidfd, ESRCH when the process was released.
Result<TaskRef> task_of_pidfd(int fd, bool* nonblocking = nullptr);
