// eventfd(2): a 64-bit counter that reads, writes and polls.
#include "fs/anon_inode.h"
#include "fs/eventpoll.h"
#include "fs/open_file.h"

namespace {

constexpr u64 kMaxCount = ~0ull - 1;

class EventFile final : public File {
  public:
    EventFile(Inode& file_inode, u64 initial, bool semaphore)
        : File(file_inode), count_(initial), semaphore_(semaphore) {}

    Result<size_t> read(IovIter& to, loff_t&) override {
        if (to.remaining() < sizeof(u64)) return Errno::EINVAL;
        u64 value = 0;
        for (;;) {
            {
                MutexGuard guard(lock_);
                if (count_ > 0) {
                    value = semaphore_ ? 1 : count_;
                    count_ -= value;
                    break;
                }
            }
            if (nonblocking()) return Errno::EAGAIN;
            TRY(wait_event(changed_, [this] { return __atomic_load_n(&count_, __ATOMIC_RELAXED) > 0; }));
        }
        changed_.wake_one(POLLOUT | POLLWRNORM);
        return to.copy_to(&value, sizeof(value)) == sizeof(value) ? Result<size_t>(sizeof(value))
                                                                  : Result<size_t>(Errno::EFAULT);
    }

    Result<size_t> write(IovIter& from, loff_t&) override {
        u64 value = 0;
        if (from.remaining() < sizeof(value)) return Errno::EINVAL;
        if (from.copy_from(&value, sizeof(value)) != sizeof(value)) return Errno::EFAULT;
        if (value == ~0ull) return Errno::EINVAL;
        for (;;) {
            {
                MutexGuard guard(lock_);
                if (value <= kMaxCount - count_) {
                    count_ += value;
                    break;
                }
            }
            if (nonblocking()) return Errno::EAGAIN;
            TRY(wait_event(changed_,
                           [&] { return value <= kMaxCount - __atomic_load_n(&count_, __ATOMIC_RELAXED); }));
        }
        changed_.wake_one(POLLIN | POLLRDNORM);
        return sizeof(value);
    }

    u32 poll(PollTable* table) override {
        if (table) table->add(changed_);
        const u64 count = __atomic_load_n(&count_, __ATOMIC_RELAXED);
        return (count > 0 ? POLLIN | POLLRDNORM : 0) | (count < kMaxCount ? POLLOUT | POLLWRNORM : 0);
    }
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }

  private:
    Mutex lock_{LockRank::kFile};
    WaitQueue changed_;
    u64 count_;
    bool semaphore_;
};

}  // namespace

Result<RefPtr<File>> make_eventfd(u64 initial, int flags) {
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<EventFile> file = TRY(make_ref<EventFile>(*inode, initial, (flags & EFD_SEMAPHORE) != 0));
    TRY(set_detached(*file, "anon_inode:[eventfd]", O_RDWR | (flags & O_NONBLOCK)));
    return RefPtr<File>(file);
}
