// epoll(7): a set of watched files as a file.
//
// Guarantees: level-triggered, edge-triggered (EPOLLET) and one-shot watching; closing the last reference to
// a watched file takes it out of the set. An epoll file can itself be polled and watched; circles are refused
// (ELOOP). Edges are told by a callback in the file's queue, which hears what each wake-up is for; whether a
// level holds is asked anew each time. Of sets that watch a file with EPOLLEXCLUSIVE, one is woken.
#pragma once

#include "core/vector.h"
#include "fs/file.h"
#include "sync/wait_queue.h"

struct EpollItem;

class EpollFile final : public File {
  public:
    using File::File;
    ~EpollFile() override;
    u32 poll(PollTable* table) override;
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }
    bool has_read() const override { return false; }
    bool has_write() const override { return false; }
    EpollFile* as_epoll_file() override { return this; }

    /// epoll_ctl(2). EEXIST, ENOENT, ENOMEM, ELOOP; EINVAL for changing what was added with EPOLLEXCLUSIVE.
    Result<void> add(const RefPtr<File>& file, int fd, const KernelEpollEvent& event);
    Result<void> modify(File& file, int fd, const KernelEpollEvent& event);
    Result<void> remove(File& file, int fd);
    /// Up to `size` events that hold now. With `table`, the queues of all watched files are added to it.
    u32 collect(KernelEpollEvent* out, u32 size, PollTable* table);

  private:
    EpollItem* find(const File& file, int fd);
    bool reaches(const EpollFile& other, int depth);
    u32 collect_locked(KernelEpollEvent* out, u32 size, PollTable* table);

    ListNode items_;
    WaitQueue changed_;  ///< the set itself changed: sleepers must look again
    friend struct EpollItem;
};

Result<RefPtr<File>> make_epoll();
/// Takes `file`, to which only epoll sets still refer, out of them.
void epoll_release(const File& file);

/// eventfd(2): a counter as a file.
Result<RefPtr<File>> make_eventfd(u64 initial, int flags);
