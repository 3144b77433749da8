// Message queues: the file system, and the mq_ calls.
#include "ipc/mqueue.h"

#include "abi/sigevent.h"
#include "core/string.h"
#include "core/unique.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/eventpoll.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/vfs.h"
#include "syscall/syscalls.h"
#include "task/signal.h"
#include "time/clock.h"

u32 mqueue_queues_max = 256, mqueue_msg_max = 10, mqueue_msgsize_max = 8192;

namespace {

constexpr i64 kMqueueMagic = 0x19800202;
constexpr i64 kHardMessages = 65536, kHardSize = 16 << 20, kPriorities = 32768;
constexpr int kNotifySignal = 0, kNotifyNone = 1, kNotifyThread = 2;

/// What the queues of each user may hold by now.
struct Charges {
    struct Entry {
        uid_t uid;
        u64 bytes;
    };
    Vec<Entry> users;
    u32 queues = 0;
};
Guarded<Charges, LockRank::kIpc> g_charges;

bool charge(uid_t uid, u64 bytes, u64 limit) {
    const auto charges = g_charges.lock();
    for (Charges::Entry& e : charges->users) {
        if (e.uid != uid) continue;
        if (e.bytes + bytes > limit) return false;
        e.bytes += bytes;
        charges->queues++;
        return true;
    }
    if (bytes > limit || !charges->users.push({uid, bytes}).ok()) return false;
    charges->queues++;
    return true;
}

void uncharge(uid_t uid, u64 bytes) {
    const auto charges = g_charges.lock();
    charges->queues--;
    for (size_t i = 0; i < charges->users.size(); i++) {
        Charges::Entry& e = charges->users[i];
        if (e.uid != uid) continue;
        e.bytes -= bytes;
        if (e.bytes == 0) charges->users.erase(i);
        return;
    }
}

u64 size_of_queue(const UserMqAttr& attr) {
    constexpr u64 kPerMessage = 48 + 48;  // Linux's struct msg_msg and tree node
    return static_cast<u64>(attr.maxmsg) * (static_cast<u64>(attr.msgsize) + kPerMessage);
}

class MqFile final : public File {
  public:
    explicit MqFile(MqInode& file_inode) : File(file_inode) {}
    MqInode& queue() const { return static_cast<MqInode&>(*inode); }

    Result<size_t> read(IovIter& to, loff_t& pos) override {
        char text[96];
        int size = 0;
        queue().state.with([&](MqInode::State& s) {
            const bool signal = s.notified && s.notify_kind == kNotifySignal;
            size = snprintf(text, sizeof(text), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                            static_cast<unsigned long long>(s.bytes), s.notified ? s.notify_kind : 0,
                            signal ? s.notify_signal : 0, s.notified ? s.notified_pid : 0);
        });
        if (pos >= size) return size_t{0};
        const size_t n = to.copy_to(text + pos, min<size_t>(static_cast<size_t>(size - pos), to.remaining()));
        pos += static_cast<loff_t>(n);
        return size_t{n};
    }
    u32 poll(PollTable* table) override {
        if (table) table->add(queue().changed);
        const i64 count = queue().state.with([](MqInode::State& s) { return s.count; });
        return (count > 0 ? POLLIN | POLLRDNORM : 0) | (count < queue().maxmsg ? POLLOUT | POLLWRNORM : 0);
    }
    bool has_write() const override { return false; }
    /// close(2): who asked to be notified no longer does.
    void flush() override {
        queue().state.with([](MqInode::State& s) {
            if (s.notified == current()->signal) s.notified = nullptr;
        });
    }
    bool is_mqueue() const override { return true; }
};

Result<RefPtr<MqInode>> make_queue(SuperBlock* super, Inode& directory, u32 mode, const UserMqAttr* given) {
    UserMqAttr attr = {};
    attr.maxmsg = min<i64>(mqueue_msg_max, 10);
    attr.msgsize = min<i64>(mqueue_msgsize_max, 8192);
    const bool may = current_cred().has(kCapSysResource);
    if (given) {
        attr = *given;
        const i64 most = may ? kHardMessages : mqueue_msg_max, widest = may ? kHardSize : mqueue_msgsize_max;
        if (attr.maxmsg <= 0 || attr.msgsize <= 0 || attr.maxmsg > most || attr.msgsize > widest)
            return Errno::EINVAL;
    }
    if (g_charges.lock()->queues >= mqueue_queues_max && !may) return Errno::ENOSPC;
    const uid_t payer = current_cred().uid;
    if (!charge(payer, size_of_queue(attr), task_rlimit(kRlimitMsgqueue))) return Errno::EMFILE;
    const u64 number = __atomic_fetch_add(&super->next_ino, 1, __ATOMIC_RELAXED);
    MqInode* raw = new (std::nothrow) MqInode(super, number, S_IFREG | (mode & 07777), attr, payer);
    if (!raw) {
        uncharge(payer, size_of_queue(attr));
        return Errno::ENOMEM;
    }
    raw->init_owner(directory);
    raw->size = 80;  // what reading it gives
    return adopt_ref(raw);
}

class MqRoot final : public Inode {
  public:
    explicit MqRoot(SuperBlock* super) : Inode(super, 1, S_IFDIR | S_ISVTX | 0777) { nlink = 2; }

    Result<RefPtr<Inode>> lookup(const Name& name) override {
        const size_t i = index_of(name);
        if (i == entries_.size()) return Errno::ENOENT;
        return RefPtr<Inode>(entries_[i].inode);
    }
    Result<RefPtr<Inode>> mknod(const Name& name, u32 new_mode, dev_t) override {
        if (!S_ISREG(new_mode)) return Errno::EPERM;
        return RefPtr<Inode>(TRY(add(name, new_mode, nullptr)));
    }
    Result<void> unlink(const Name& name, Inode& victim) override {
        entries_.erase(index_of(name));
        victim.nlink--;
        victim.touch_ctime();
        touch_mtime();
        return {};
    }
    Result<void> iterate(DirContext& context) override {
        if (!context.emit_dots(*context.dentry)) return {};
        for (size_t i = static_cast<size_t>(context.position - 2); i < entries_.size(); i++) {
            const Entry& e = entries_[i];
            if (!context.emit(Name(e.name.c_str(), e.name.size()), e.inode->ino, dt_type(S_IFREG))) return {};
            context.position = static_cast<loff_t>(i + 3);
        }
        return {};
    }
    /// With the directory's lock held.
    Result<RefPtr<MqInode>> add(const Name& name, u32 new_mode, const UserMqAttr* attr) {
        Entry entry;
        entry.name = TRY(KString::make(name.text, name.length));
        entry.inode = TRY(make_queue(sb, *this, new_mode, attr));
        RefPtr<MqInode> made = entry.inode;
        TRY(entries_.push(std::move(entry)));
        touch_mtime();
        return made;
    }

  private:
    struct Entry {
        KString name;
        RefPtr<MqInode> inode;
    };
    size_t index_of(const Name& name) const {
        size_t i = 0;
        while (i < entries_.size() && !(Name(entries_[i].name.c_str(), entries_[i].name.size()) == name)) i++;
        return i;
    }
    Vec<Entry> entries_;
};

RefPtr<SuperBlock> g_super;  // one instance, never shut down

Result<RefPtr<SuperBlock>> mount_mqueue(const char*, const char*) {
    return RefPtr<SuperBlock>(g_super);
}
FileSystemType g_type = {"mqueue", true, mount_mqueue, nullptr, nullptr, true};

struct Opened {
    RefPtr<File> file;
    MqInode* queue;
};
Result<Opened> queue_of(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->is_mqueue()) return Errno::EBADF;
    MqInode* queue = &static_cast<MqFile&>(*file).queue();
    return Opened{std::move(file), queue};
}

Result<u64> deadline_from(u64 timeout) {
    if (!timeout) return u64{kNoTimeout};
    const timespec64 t = TRY(UserPtr<timespec64>(timeout).read());
    if (!timespec_valid(t)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t), real = ktime_get_real_ns();
    return ns > real ? ns - real : u64{0};  // how long from now
}

Result<KString> read_name(UserString user) {
    KString name = TRY(copy_path(user.address()));
    if (name.empty()) return Errno::ENOENT;
    if (name.size() > NAME_MAX) return Errno::ENAMETOOLONG;
    if (strchr(name.c_str(), '/') || name == "." || name == "..") return Errno::EACCES;
    return name;
}

/// A message has come to an empty queue that nobody waits on.
void notify(const MqInode::State& registered) {
    if (registered.notify_kind != kNotifySignal) return;
    const TaskRef task = find_task_by_pid(registered.notified_pid);
    if (!task || task->signal != registered.notified) return;
    KSigInfo info = siginfo_from_current(registered.notify_signal, kSiMesgq);
    info.kill.value = registered.notify_value;
    (void)send_signal_info(task.get(), info, true).ok();
}

}  // namespace

MqInode::MqInode(SuperBlock* super, u64 number, u32 new_mode, const UserMqAttr& attr, uid_t payer)
    : Inode(super, number, new_mode),
      maxmsg(attr.maxmsg),
      msgsize(attr.msgsize),
      payer_(payer),
      charged_(size_of_queue(attr)) {}

MqInode::~MqInode() {
    state.with([](State& s) {
        while (MqMessage* m = s.messages.pop_front()) delete m;
    });
    uncharge(payer_, charged_);
}

Result<RefPtr<File>> MqInode::open(int) {
    return RefPtr<File>(TRY(make_ref<MqFile>(*this)));
}

void init_mqueue() {
    Result<RefPtr<SuperBlock>> super = make_ref<SuperBlock>("mqueue", kMqueueMagic);
    if (!super.ok()) panic("mqueue: no memory");
    g_super = super.release_value();
    Result<RefPtr<MqRoot>> root = make_ref<MqRoot>(g_super.get());
    if (!root.ok()) panic("mqueue: no memory");
    g_super->next_ino = 2;
    g_super->root = Dentry::make_root(root.release_value()).release_value();
    register_filesystem(&g_type);
}

SysResult sys_mq_open(UserString user_name, int flags, u32 mode, UserBytes user_attr) {
    UserMqAttr attr;
    if (user_attr) attr = TRY(UserPtr<UserMqAttr>(user_attr.address()).read());
    const KString text = TRY(read_name(user_name));
    const Name name(text.c_str(), text.size());
    MqRoot& root = static_cast<MqRoot&>(g_super->root->inode());
    RefPtr<Inode> inode;
    {
        MutexGuard guard(root.lock);
        Result<RefPtr<Inode>> there = root.lookup(name);
        if (there.ok()) {
            if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return Errno::EEXIST;
            inode = there.release_value();
            static constexpr u32 kWanted[] = {kMayRead, kMayWrite, kMayRead | kMayWrite};
            if ((flags & O_ACCMODE) == O_ACCMODE) return Errno::EINVAL;
            TRY(inode_permission(*inode, kWanted[flags & O_ACCMODE]));
        } else {
            if (!(flags & O_CREAT)) return Errno::ENOENT;
            const u32 kept = mode & ~current()->fs->umask();
            inode = TRY(root.add(name, kept, user_attr ? &attr : nullptr));
        }
    }
    RefPtr<Dentry> entry = TRY(Dentry::add(*g_super->root, name, inode));
    RefPtr<File> file = TRY(open_path(Path(nullptr, std::move(entry)), flags & (O_ACCMODE | O_NONBLOCK)));
    return long{TRY(current()->files->install(std::move(file), true))};
}

SysResult sys_mq_unlink(UserString user_name) {
    const KString text = TRY(read_name(user_name));
    const Name name(text.c_str(), text.size());
    Inode& root = g_super->root->inode();
    RefPtr<Inode> victim;
    MutexGuard guard(root.lock);
    victim = TRY(root.lookup(name));
    TRY(may_delete(root, *victim, false));
    if (RefPtr<Dentry> cached = Dentry::find(*g_super->root, name)) cached->drop();
    return root.unlink(name, *victim).ok() ? SysResult(0L) : SysResult(Errno::EIO);
}

SysResult sys_mq_timedsend(int fd, UserBytes text, u64 size, u32 priority, u64 timeout) {
    const u64 wait_ns = TRY(deadline_from(timeout));
    if (priority >= kPriorities) return Errno::EINVAL;
    const Opened opened = TRY(queue_of(fd));
    MqInode& queue = *opened.queue;
    if (!opened.file->writable()) return Errno::EBADF;
    if (size > static_cast<u64>(queue.msgsize)) return Errno::EMSGSIZE;
    Unique<MqMessage> message = TRY(make_unique<MqMessage>());
    message->priority = priority;
    Vec<char> bytes;
    TRY(bytes.resize(size + 1));
    TRY(text.copy_in(bytes.data(), size));
    TRY(message->text.append(bytes.data(), size));
    for (;;) {
        bool sent = false;
        MqInode::State tell;
        bool told = false;
        queue.state.with([&](MqInode::State& s) {
            if (s.count >= queue.maxmsg) return;
            MqMessage* behind = nullptr;
            for (MqMessage& m : s.messages) {
                if (m.priority < priority) {
                    behind = &m;
                    break;
                }
            }
            if (behind)
                s.messages.insert_before(behind, message.get());
            else
                s.messages.push_back(message.get());
            message.leak();
            told = s.count == 0 && s.receivers == 0 && s.notified;
            if (told) {
                tell.notified = s.notified;
                tell.notified_pid = s.notified_pid;
                tell.notify_kind = s.notify_kind;
                tell.notify_signal = s.notify_signal;
                tell.notify_value = s.notify_value;
                s.notified = nullptr;
            }
            s.count++;
            s.bytes += size;
            sent = true;
        });
        if (sent) {
            if (told) notify(tell);
            queue.changed.wake_all(POLLIN | POLLRDNORM);
            return 0L;
        }
        if (opened.file->nonblocking()) return Errno::EAGAIN;
        TRY(wait_event_timeout(
            queue.changed,
            [&] { return queue.state.with([&](MqInode::State& s) { return s.count < queue.maxmsg; }); },
            wait_ns));
    }
}

SysResult sys_mq_timedreceive(int fd, UserBytes text, u64 size, UserPtr<u32> priority, u64 timeout) {
    const u64 wait_ns = TRY(deadline_from(timeout));
    const Opened opened = TRY(queue_of(fd));
    MqInode& queue = *opened.queue;
    if (!opened.file->readable()) return Errno::EBADF;
    if (size < static_cast<u64>(queue.msgsize)) return Errno::EMSGSIZE;
    for (;;) {
        Unique<MqMessage> message;
        queue.state.with([&](MqInode::State& s) {
            message = Unique<MqMessage>(s.messages.pop_front());
            if (!message) return;
            s.count--;
            s.bytes -= message->text.size();
        });
        if (message) {
            queue.changed.wake_all(POLLOUT | POLLWRNORM);
            if (priority) TRY(priority.write(message->priority));
            TRY(text.copy_out(message->text.c_str(), message->text.size()));
            return static_cast<long>(message->text.size());
        }
        if (opened.file->nonblocking()) return Errno::EAGAIN;
        queue.state.with([](MqInode::State& s) { s.receivers++; });
        const Result<void> woken = wait_event_timeout(
            queue.changed, [&] { return queue.state.with([](MqInode::State& s) { return s.count > 0; }); },
            wait_ns);
        queue.state.with([](MqInode::State& s) { s.receivers--; });
        if (!woken.ok()) return woken.error();
    }
}

SysResult sys_mq_notify(int fd, UserBytes event) {
    KSigEvent wanted{};
    if (event) {
        wanted = TRY(UserPtr<KSigEvent>(event.address()).read());
        if (wanted.notify != kNotifySignal && wanted.notify != kNotifyNone &&
            wanted.notify != kNotifyThread) {
            return Errno::EINVAL;
        }
        if (wanted.notify == kNotifySignal && (wanted.signo < 0 || wanted.signo > kSigMax))
            return Errno::EINVAL;
        if (wanted.notify == kNotifyThread) return Errno::EBADF;  // it needs a netlink socket
    }
    const Opened opened = TRY(queue_of(fd));
    return opened.queue->state.with([&](MqInode::State& s) -> SysResult {
        const SignalStruct* mine = current()->signal;
        if (!event) {
            if (s.notified == mine) s.notified = nullptr;
            return 0L;
        }
        if (s.notified) return Errno::EBUSY;
        s.notified = mine;
        s.notified_pid = current()->tgid;
        s.notify_kind = wanted.notify;
        s.notify_signal = wanted.signo;
        s.notify_value = wanted.value;
        return 0L;
    });
}

SysResult sys_mq_getsetattr(int fd, UserBytes fresh, UserBytes old) {
    UserMqAttr attr = {};
    if (fresh) {
        attr = TRY(UserPtr<UserMqAttr>(fresh.address()).read());
        if (attr.flags & ~i64{O_NONBLOCK}) return Errno::EINVAL;
    }
    const Opened opened = TRY(queue_of(fd));
    UserMqAttr before = {};
    before.flags = opened.file->flags & O_NONBLOCK;
    before.maxmsg = opened.queue->maxmsg;
    before.msgsize = opened.queue->msgsize;
    before.curmsgs = opened.queue->state.with([](MqInode::State& s) { return s.count; });
    if (fresh) {
        const int on = static_cast<int>(attr.flags);
        opened.file->flags = (opened.file->flags & ~O_NONBLOCK) | on;
    }
    if (old) TRY(UserPtr<UserMqAttr>(old.address()).write(before));
    return 0L;
}
