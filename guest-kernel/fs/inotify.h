// The file of inotify_init1(2): a queue of events and the watches that fill it.
#pragma once

#include "fs/file.h"
#include "fs/notify.h"
#include "sync/wait_queue.h"

struct InotifyEvent;
struct InotifyWatch;

class InotifyFile final : public File {
  public:
    explicit InotifyFile(Inode& file_inode);
    ~InotifyFile() override;

    /// Adds a watch of `inode`, or changes the one there is (`mask` with IN_MASK_ADD, IN_MASK_CREATE,
    /// IN_ONESHOT, IN_EXCL_UNLINK). Its descriptor. ENOSPC, EEXIST, ENOMEM.
    Result<int> add_watch(Inode& inode, u32 mask);
    /// EINVAL.
    Result<void> remove_watch(int wd);

    Result<size_t> read(IovIter& to, loff_t& pos) override;
    bool has_write() const override { return false; }
    u32 poll(PollTable* table) override;
    Result<long> ioctl(u32 request, u64 argument) override;
    Result<loff_t> seek(loff_t, int) override { return Errno::ESPIPE; }
    bool is_stream() const override { return true; }
    Result<void> show_fdinfo(KString& out) override;
    InotifyFile* as_inotify_file() override { return this; }

    ListNode node;  ///< in the list of all, under their lock

  private:
    bool has_events() const;
    friend struct Inotify;

    WaitQueue wait_;
    const u32 owner_;  ///< the user in whose counts it is
    // Under the lock of all watches (fs/inotify.cpp):
    ListNode watches_;
    ListNode events_;
    u32 event_count_ = 0;
    u32 watch_count_ = 0;
    int last_wd_ = 0;
};

/// EMFILE beyond max_user_instances.
Result<RefPtr<File>> make_inotify(int flags);

/// Limits of /proc/sys/fs/inotify.
extern u32 inotify_max_queued_events;
extern u32 inotify_max_user_instances;
extern u32 inotify_max_user_watches;
