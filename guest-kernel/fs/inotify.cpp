// inotify(7): watches on inodes, and queues of events.
//
// Locking: one spin lock over all watches and queues; an inode's list of watches is under it too. What a
// watch refers to is dropped after unlocking. Events are made under the lock, without sleeping; one for which
// there is no memory is lost as one beyond the queue's limit is: IN_Q_OVERFLOW tells.
#include "fs/inotify.h"

#include "core/string.h"
#include "core/unique.h"
#include "fs/anon_inode.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/eventpoll.h"
#include "fs/open_file.h"
#include "mm/user_ptr.h"
#include "sync/guarded.h"

u32 inotify_max_queued_events = 16384;
u32 inotify_max_user_instances = 128;
u32 inotify_max_user_watches = 8192;

struct InotifyEvent {
    ListNode node;  // first: an event is found by it
    int wd = 0;
    u32 mask = 0;
    u32 cookie = 0;
    KString name;

    struct Header {  // struct inotify_event
        i32 wd;
        u32 mask, cookie, len;
    };
    u32 padded_name() const {
        return name.empty() ? 0 : static_cast<u32>(align_up(name.size() + 1, sizeof(Header)));
    }
    size_t size() const { return sizeof(Header) + padded_name(); }
    static InotifyEvent* of(ListNode* n) { return reinterpret_cast<InotifyEvent*>(n); }
};

struct InotifyWatch {
    ListNode of_file;   // first
    ListNode of_inode;  // in Inode::watches
    InotifyFile* file = nullptr;
    RefPtr<Inode> inode;
    int wd = 0;
    u32 mask = 0;

    static InotifyWatch* of(ListNode* n) { return reinterpret_cast<InotifyWatch*>(n); }
    static InotifyWatch* in_inode(ListNode* n) {
        return reinterpret_cast<InotifyWatch*>(reinterpret_cast<u8*>(n) -
                                               __builtin_offsetof(InotifyWatch, of_inode));
    }
};

namespace {

// Every inotify file, and so every watch.
struct Files {
    List<InotifyFile, &InotifyFile::node> files;
};
Guarded<Files, LockRank::kNotify> g_files;
u32 g_watches = 0;  // how many there are, to be looked at without the lock

struct Happening {
    u32 mask;
    const Name* name = nullptr;
    u32 cookie = 0;
    bool name_gone = false;  ///< the name is no more (IN_EXCL_UNLINK)
};

bool watched() {
    return __atomic_load_n(&g_watches, __ATOMIC_RELAXED) != 0;
}

u32 kind_of(const Inode& inode) {
    return inode.is_dir() ? u32{kInIsdir} : 0;
}

}  // namespace

// What the functions of this file share that reach into InotifyFile. All are under the lock.
struct Inotify {
    static bool same_as_last(const InotifyFile& file, const InotifyEvent& event) {
        if (!file.events_.linked()) return false;
        const InotifyEvent& last = *InotifyEvent::of(file.events_.prev);
        return last.mask == event.mask && last.wd == event.wd && (last.mask & kInIgnored) == 0 &&
               last.name.size() == event.name.size() && strcmp(last.name.c_str(), event.name.c_str()) == 0;
    }

    static void push(InotifyFile& file, InotifyEvent* event) {
        event->node.insert_before(&file.events_);
        file.event_count_++;
        file.wait_.wake_one(POLLIN | POLLRDNORM);
    }

    static void overflow(InotifyFile& file) {
        if (file.events_.linked() && (InotifyEvent::of(file.events_.prev)->mask & kInQOverflow)) return;
        InotifyEvent* event = new (std::nothrow) InotifyEvent;
        if (!event) return;
        event->wd = -1;
        event->mask = kInQOverflow;
        push(file, event);
    }

    static void queue(InotifyFile& file, int wd, const Happening& what) {
        InotifyEvent* event = new (std::nothrow) InotifyEvent;
        if (!event || (what.name && !event->name.append(what.name->text, what.name->length).ok())) {
            delete event;
            overflow(file);
            return;
        }
        event->wd = wd;
        event->mask = what.mask;
        event->cookie = what.cookie;
        if (same_as_last(file, *event)) {
            delete event;
        } else if (file.event_count_ >= inotify_max_queued_events) {
            delete event;
            overflow(file);
        } else {
            push(file, event);
        }
    }

    /// Takes a watch out; it goes to `gone`, to be freed unlocked.
    static void detach(InotifyWatch& watch, ListNode& gone, bool tell) {
        if (tell) queue(*watch.file, watch.wd, {kInIgnored});
        watch.of_inode.remove();
        watch.of_file.remove();
        watch.file->watch_count_--;
        __atomic_sub_fetch(&g_watches, 1, __ATOMIC_RELAXED);
        watch.of_file.insert_before(&gone);
    }

    static void tell(Inode& inode, const Happening& what, ListNode& gone) {
        for (ListNode *n = inode.watches.next, *after = n->next; n != &inode.watches;
             n = after, after = n->next) {
            InotifyWatch& watch = *InotifyWatch::in_inode(n);
            if ((watch.mask & what.mask & (kInAllEvents | kInUnmount)) == 0) continue;
            if (what.name_gone && (watch.mask & kInExclUnlink)) continue;
            queue(*watch.file, watch.wd, what);
            if (watch.mask & kInOneshot) detach(watch, gone, true);
        }
    }

    static void free_all(ListNode& gone) {
        while (gone.linked()) {
            InotifyWatch* watch = InotifyWatch::of(gone.next);
            watch->of_file.remove();
            delete watch;
        }
    }

    static InotifyWatch* find(InotifyFile& file, const Inode& inode) {
        for (ListNode* n = file.watches_.next; n != &file.watches_; n = n->next) {
            if (InotifyWatch::of(n)->inode == &inode) return InotifyWatch::of(n);
        }
        return nullptr;
    }

    static void end_watches(Inode& inode, ListNode& gone) {
        while (inode.watches.linked()) detach(*InotifyWatch::in_inode(inode.watches.next), gone, true);
    }

    static u32 watches_of(const Files& all, u32 owner) {
        u32 count = 0;
        for (const InotifyFile& file : all.files) {
            if (file.owner_ == owner) count += file.watch_count_;
        }
        return count;
    }
    static u32 instances_of(const Files& all, u32 owner) {
        u32 count = 0;
        for (const InotifyFile& file : all.files) count += file.owner_ == owner;
        return count;
    }
    static void enter(Files& all, InotifyFile& file) { all.files.push_back(&file); }

    /// Calls visit(watch) for every watch there is; it may detach it.
    template <class F>
    static void for_each_watch(Files& all, F visit) {
        for (InotifyFile& file : all.files) {
            for (ListNode *w = file.watches_.next, *after = w->next; w != &file.watches_;
                 w = after, after = w->next) {
                visit(*InotifyWatch::of(w));
            }
        }
    }
};

namespace {

/// One thing that happened to one inode.
void tell_inode(Inode& inode, const Happening& what) {
    ListNode gone;
    {
        const auto all = g_files.lock();
        Inotify::tell(inode, what, gone);
    }
    Inotify::free_all(gone);
}

}  // namespace

void notify_inode(Inode& inode, u32 mask) {
    if (watched()) tell_inode(inode, {mask | kind_of(inode)});
}

void notify_path(const Path& path, u32 mask) {
    if (!watched() || !path.dentry) return;
    Inode& inode = path.inode();
    mask |= kind_of(inode);
    if (RefPtr<Dentry> parent = path.dentry->parent()) {
        // The name may be changed meanwhile: it is copied under the cache's lock.
        const KString text = path.dentry->copy_name();
        const Name name(text.c_str(), text.size());
        tell_inode(parent->inode(), {mask, &name, 0, !path.dentry->hashed()});
    }
    tell_inode(inode, {mask});
}

void notify_entry(Inode& directory, const Name& name, const Inode& child, u32 mask, u32 cookie) {
    if (watched()) tell_inode(directory, {mask | kind_of(child), &name, cookie});
}

void notify_rename(Inode& from_dir, const Name& from, Inode& to_dir, const Name& to, Inode& moved,
                   Inode* replaced) {
    static u32 last_cookie = 0;
    if (!watched()) return;
    const u32 cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
    notify_entry(from_dir, from, moved, kInMovedFrom, cookie);
    notify_entry(to_dir, to, moved, kInMovedTo, cookie);
    if (replaced) notify_inode(*replaced, kInAttrib);
    tell_inode(moved, {kInMoveSelf});
}

void notify_gone(Inode& inode) {
    if (!watched()) return;
    ListNode gone;
    {
        const auto all = g_files.lock();
        Inotify::tell(inode, {kInDeleteSelf}, gone);
        Inotify::end_watches(inode, gone);
    }
    Inotify::free_all(gone);
}

void notify_unmount(const SuperBlock& super) {
    if (!watched()) return;
    ListNode gone;
    {
        const auto all = g_files.lock();
        Inotify::for_each_watch(*all, [&](InotifyWatch& watch) {
            if (watch.inode->sb != &super) return;
            Inotify::queue(*watch.file, watch.wd, {kInUnmount});
            Inotify::detach(watch, gone, true);
        });
    }
    Inotify::free_all(gone);
}

InotifyFile::InotifyFile(Inode& file_inode) : File(file_inode), owner_(current_cred().uid) {}

InotifyFile::~InotifyFile() {
    ListNode gone;
    {
        const auto all = g_files.lock();
        while (watches_.linked()) Inotify::detach(*InotifyWatch::of(watches_.next), gone, false);
        node.remove();
    }
    Inotify::free_all(gone);
    while (events_.linked()) {
        InotifyEvent* event = InotifyEvent::of(events_.next);
        event->node.remove();
        delete event;
    }
}

Result<int> InotifyFile::add_watch(Inode& target, u32 mask) {
    constexpr u32 kKept = kInAllEvents | kInExclUnlink | kInOneshot;
    InotifyWatch* fresh = new (std::nothrow) InotifyWatch;
    if (!fresh) return Errno::ENOMEM;
    const Unique<InotifyWatch> unused(fresh);
    const auto all = g_files.lock();
    if (InotifyWatch* there = Inotify::find(*this, target)) {
        if (mask & kInMaskCreate) return Errno::EEXIST;
        there->mask = (mask & kInMaskAdd ? there->mask : u32{kInUnmount}) | (mask & kKept);
        return there->wd;
    }
    if (Inotify::watches_of(*all, owner_) >= inotify_max_user_watches || last_wd_ == 0x7fffffff) {
        return Errno::ENOSPC;
    }
    const_cast<Unique<InotifyWatch>&>(unused).leak();
    fresh->file = this;
    fresh->inode = RefPtr<Inode>(&target);
    fresh->wd = ++last_wd_;
    fresh->mask = kInUnmount | (mask & kKept);
    fresh->of_file.insert_before(&watches_);
    fresh->of_inode.insert_before(target.watches.next);
    watch_count_++;
    __atomic_add_fetch(&g_watches, 1, __ATOMIC_RELAXED);
    return fresh->wd;
}

Result<void> InotifyFile::remove_watch(int wd) {
    ListNode gone;
    {
        const auto all = g_files.lock();
        for (ListNode* n = watches_.next; n != &watches_; n = n->next) {
            if (InotifyWatch::of(n)->wd != wd) continue;
            Inotify::detach(*InotifyWatch::of(n), gone, true);
            break;
        }
    }
    const bool found = gone.linked();
    Inotify::free_all(gone);
    return found ? Result<void>() : Result<void>(Errno::EINVAL);
}

bool InotifyFile::has_events() const {
    return __atomic_load_n(&event_count_, __ATOMIC_RELAXED) != 0;
}

Result<size_t> InotifyFile::read(IovIter& to, loff_t&) {
    size_t done = 0;
    for (;;) {
        Unique<InotifyEvent> event;
        bool too_small = false;
        {
            const auto all = g_files.lock();
            if (events_.linked()) {
                InotifyEvent* first = InotifyEvent::of(events_.next);
                too_small = first->size() > to.remaining();
                if (!too_small) {
                    first->node.remove();
                    event_count_--;
                    event = Unique<InotifyEvent>(first);
                }
            }
        }
        if (too_small) return done != 0 ? Result<size_t>(done) : Result<size_t>(Errno::EINVAL);
        if (!event) {
            if (done != 0) return size_t{done};
            if (nonblocking()) return Errno::EAGAIN;
            TRY(wait_event(wait_, [this] { return has_events(); }));
            continue;
        }
        const InotifyEvent::Header header = {event->wd, event->mask, event->cookie, event->padded_name()};
        size_t moved = to.copy_to(&header, sizeof(header));
        moved += to.copy_to(event->name.c_str(), event->name.size());
        moved += to.zero(event->size() - sizeof(header) - event->name.size());
        if (moved < event->size()) return Errno::EFAULT;
        done += moved;
    }
}

u32 InotifyFile::poll(PollTable* table) {
    if (table) table->add(wait_);
    return has_events() ? POLLIN | POLLRDNORM : 0;
}

Result<long> InotifyFile::ioctl(u32 request, u64 argument) {
    constexpr u32 kFionread = 0x541b;
    if (request != kFionread) return Errno::ENOTTY;
    i32 bytes = 0;
    {
        const auto all = g_files.lock();
        for (ListNode* n = events_.next; n != &events_; n = n->next) {
            bytes += static_cast<i32>(InotifyEvent::of(n)->size());
        }
    }
    TRY(UserPtr<i32>(argument).write(bytes));
    return 0L;
}

Result<void> InotifyFile::show_fdinfo(KString& out) {
    const auto all = g_files.lock();
    for (ListNode* n = watches_.prev; n != &watches_; n = n->prev) {
        const InotifyWatch& watch = *InotifyWatch::of(n);
        TRY(out.appendf("inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0 \n",
                        static_cast<unsigned>(watch.wd), static_cast<unsigned long long>(watch.inode->ino),
                        static_cast<unsigned long long>(dev_major(watch.inode->sb->dev) << 20 |
                                                        dev_minor(watch.inode->sb->dev)),
                        watch.mask & kInAllEvents));
    }
    return {};
}

Result<RefPtr<File>> make_inotify(int flags) {
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<InotifyFile> file = TRY(make_ref<InotifyFile>(*inode));
    {
        const auto all = g_files.lock();
        if (Inotify::instances_of(*all, current_cred().uid) >= inotify_max_user_instances)
            return Errno::EMFILE;
        Inotify::enter(*all, *file);
    }
    TRY(set_detached(*file, "anon_inode:inotify", O_RDONLY | (flags & O_NONBLOCK)));
    return RefPtr<File>(file);
}
