// epoll sets. One mutex guards all of them: sets may watch each other, and a file knows who watches it.
#include "fs/eventpoll.h"

#include "fs/anon_inode.h"
#include "fs/open_file.h"

namespace {

constexpr u32 kMaxQueues = 4;   // no file waits on more
constexpr int kMaxNesting = 5;  // as Linux (EP_MAX_NESTS)
constexpr u32 kControlBits = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;
Mutex g_lock{LockRank::kFile};

}  // namespace

struct EpollItem {
    ListNode in_set;  // first: item_of_set()
    ListNode in_file;
    RefPtr<File> file;
    int fd = 0;
    KernelEpollEvent event{};
    bool disarmed = false;  ///< EPOLLONESHOT has fired
    bool edge = true;       ///< something happened since it was last reported
    WaitEntry entries[kMaxQueues];
    WaitQueue* queues[kMaxQueues] = {};
    u32 queue_count = 0;

    static bool on_wake(WaitEntry* entry, u32 events) {
        auto* item = static_cast<EpollItem*>(entry->data);
        if (events == 0 || events & item->wanted()) __atomic_store_n(&item->edge, true, __ATOMIC_RELEASE);
        return true;
    }
    /// The POLL… that it reports.
    u32 wanted() const { return (event.events & ~kControlBits) | POLLERR | POLLHUP; }
    static EpollItem* of_set(ListNode* node) { return reinterpret_cast<EpollItem*>(node); }
    static EpollItem* of_file(ListNode* node) {
        return reinterpret_cast<EpollItem*>(reinterpret_cast<u8*>(node) -
                                            __builtin_offsetof(EpollItem, in_file));
    }
    /// Out of the set and the file; the item is freed, the file's reference is the caller's to drop,
    /// unlocked.
    static RefPtr<File> detach(EpollItem* item) {
        for (u32 i = 0; i < item->queue_count; i++) item->queues[i]->remove(&item->entries[i]);
        item->in_set.remove();
        item->in_file.remove();
        RefPtr<File> file = std::move(item->file);
        __atomic_sub_fetch(&file->epoll_watchers, 1, __ATOMIC_RELAXED);
        delete item;
        return file;
    }
};

namespace {

// Joins the queues of an edge-triggered item's file for good.
class EdgeTable final : public PollTable {
  public:
    explicit EdgeTable(EpollItem& item) : item_(item) {}
    void add(WaitQueue& queue) override {
        if (item_.queue_count == kMaxQueues) return;
        WaitEntry& entry = item_.entries[item_.queue_count];
        entry.func = EpollItem::on_wake;
        entry.data = &item_;
        item_.queues[item_.queue_count++] = &queue;
        queue.add(&entry);
    }

  private:
    EpollItem& item_;
};

}  // namespace

EpollFile::~EpollFile() {
    for (;;) {
        RefPtr<File> file;
        {
            MutexGuard guard(g_lock);
            if (!items_.linked()) return;
            file = EpollItem::detach(EpollItem::of_set(items_.next));
        }
    }
}

void epoll_release(const File& file) {
    // The caller still holds its own reference, so dropping the sets' ones here does not free the file.
    MutexGuard guard(g_lock);
    while (file.epoll_items.linked()) {
        RefPtr<File> gone = EpollItem::detach(EpollItem::of_file(file.epoll_items.next));
        static_cast<const RefCounted*>(gone.leak())->unref();
    }
}

EpollItem* EpollFile::find(const File& file, int fd) {
    for (ListNode* n = items_.next; n != &items_; n = n->next) {
        EpollItem* item = EpollItem::of_set(n);
        if (item->file == &file && item->fd == fd) return item;
    }
    return nullptr;
}

bool EpollFile::reaches(const EpollFile& other, int depth) {
    if (this == &other || depth > kMaxNesting) return true;
    for (ListNode* n = items_.next; n != &items_; n = n->next) {
        EpollFile* below = EpollItem::of_set(n)->file->as_epoll_file();
        if (below && below->reaches(other, depth + 1)) return true;
    }
    return false;
}

Result<void> EpollFile::add(const RefPtr<File>& file, int fd, const KernelEpollEvent& event) {
    {
        MutexGuard guard(g_lock);
        if (find(*file, fd)) return Errno::EEXIST;
        EpollFile* below = file->as_epoll_file();
        if (below && below->reaches(*this, 0)) return Errno::ELOOP;
        EpollItem* item = new (std::nothrow) EpollItem;
        if (!item) return Errno::ENOMEM;
        item->file = file;
        item->fd = fd;
        item->event = event;
        item->in_set.insert_before(&items_);
        item->in_file.insert_before(&file->epoll_items);
        __atomic_add_fetch(&file->epoll_watchers, 1, __ATOMIC_RELAXED);
        if (event.events & EPOLLET) {
            EdgeTable table(*item);
            file->poll(&table);
        }
    }
    changed_.wake_all();
    return {};
}

Result<void> EpollFile::modify(File& file, int fd, const KernelEpollEvent& event) {
    {
        MutexGuard guard(g_lock);
        EpollItem* item = find(file, fd);
        if (!item) return Errno::ENOENT;
        if (item->event.events & EPOLLEXCLUSIVE) return Errno::EINVAL;
        if ((event.events & EPOLLET) && item->queue_count == 0) {
            EdgeTable table(*item);
            file.poll(&table);
        }
        item->event = event;
        item->disarmed = false;
        item->edge = true;
    }
    changed_.wake_all();
    return {};
}

Result<void> EpollFile::remove(File& file, int fd) {
    RefPtr<File> gone;
    MutexGuard guard(g_lock);
    EpollItem* item = find(file, fd);
    if (!item) return Errno::ENOENT;
    gone = EpollItem::detach(item);
    return {};
}

u32 EpollFile::collect_locked(KernelEpollEvent* out, u32 size, PollTable* table) {
    if (table) table->add(changed_);
    u32 count = 0;
    ListNode* const last = items_.prev;
    for (ListNode* n = items_.next; n != &items_;) {
        EpollItem* item = EpollItem::of_set(n);
        ListNode* const next = n == last ? &items_ : n->next;
        const bool edge_triggered = (item->event.events & EPOLLET) != 0;
        bool look = !item->disarmed;
        if (look && edge_triggered) look = __atomic_load_n(&item->edge, __ATOMIC_ACQUIRE);
        u32 mask = 0;
        if (look || table) {
            if (look && edge_triggered && out) __atomic_store_n(&item->edge, false, __ATOMIC_RELEASE);
            if (table) table->exclusive = (item->event.events & EPOLLEXCLUSIVE) != 0;
            mask = item->file->poll(table) & item->wanted();
            if (table) table->exclusive = false;
        }
        if (look && mask != 0 && count < size) {
            if (out) {
                out[count].events = mask;
                out[count].data = item->event.data;
                if (item->event.events & EPOLLONESHOT) item->disarmed = true;
                item->in_set.remove();  // to the end: every ready file gets its turn
                item->in_set.insert_before(&items_);
            }
            count++;
        } else if (look && mask != 0 && edge_triggered && out) {
            __atomic_store_n(&item->edge, true, __ATOMIC_RELEASE);  // no room: not reported yet
        }
        n = next;
    }
    return count;
}

u32 EpollFile::collect(KernelEpollEvent* out, u32 size, PollTable* table) {
    MutexGuard guard(g_lock);
    return collect_locked(out, size, table);
}

u32 EpollFile::poll(PollTable* table) {
    if (g_lock.owner() == current()) return collect_locked(nullptr, 1, table) ? POLLIN | POLLRDNORM : 0;
    return collect(nullptr, 1, table) ? POLLIN | POLLRDNORM : 0;
}

Result<RefPtr<File>> make_epoll() {
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<EpollFile> file = TRY(make_ref<EpollFile>(*inode));
    TRY(set_detached(*file, "anon_inode:[eventpoll]", O_RDWR));
    return RefPtr<File>(file);
}
