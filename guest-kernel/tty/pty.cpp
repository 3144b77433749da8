// Pairs of pseudo-terminals, and the master as a file.
#include "tty/pty.h"

#include "abi/termios.h"
#include "core/panic.h"
#include "fs/chrdev.h"
#include "fs/cred.h"
#include "fs/tmpfs/devtmpfs.h"
#include "mm/user_ptr.h"
#include "task/task.h"
#include "tty/console.h"
#include "tty/tty_file.h"

namespace {
PtyPair* g_pairs[kPtyCount];
constexpr size_t kQueueBytes = 4096;
constexpr size_t kChunk = 256;
}  // namespace

PtyPair::PtyPair(u32 number) : index(number) {
    snprintf(name_, sizeof(name_), "pts/%u", number);
}

size_t PtyPair::write(const u8* bytes, size_t count) {
    const size_t n = min(count, write_room());
    for (size_t i = 0; i < n; i++) ring_[(head_ + used_ + i) % sizeof(ring_)] = bytes[i];
    used_ += n;
    if (n > 0) master_wait.wake_one(POLLIN | POLLRDNORM);
    return n;
}

size_t PtyPair::take(u8* out, size_t count) {
    IrqGuard guard(slave->port);
    const size_t n = min(count, used_);
    for (size_t i = 0; i < n; i++) out[i] = ring_[(head_ + i) % sizeof(ring_)];
    head_ = (head_ + n) % sizeof(ring_);
    used_ -= n;
    return n;
}

void PtyPair::reset() {
    head_ = used_ = 0;
    locked = true;
    slave_closed = false;
    slave->flush_input();
    Termios settings = default_termios();
    settings.c_cflag &= ~u32{HUPCL};  // as drivers/tty/pty.c starts them
    slave->set_settings(settings);
    slave->set_window_size(Winsize{});
    slave->other_closed = false;
    slave->exclusive = false;
}

namespace {

class PtyMaster final : public File {
  public:
    PtyMaster(Inode& file_inode, PtyPair& its_pair) : File(file_inode), pair(its_pair) {}
    ~PtyMaster() override {
        pair.master_open = false;
        pair.slave->other_closed = true;
        pair.slave->hang_up();
        pair.node.reset();
    }
    bool is_stream() const override { return true; }

    Result<size_t> read(IovIter& to, loff_t&) override {
        u8 chunk[kChunk];
        size_t done = 0;
        while (to.remaining() > 0) {
            const size_t n = pair.take(chunk, min(to.remaining(), sizeof(chunk)));
            if (n > 0) {
                pair.slave->output_writable();
                if (to.copy_to(chunk, n) != n) return Errno::EFAULT;
                done += n;
                continue;
            }
            if (done > 0) break;
            if (pair.slave_closed) return Errno::EIO;
            if (nonblocking()) return Errno::EAGAIN;
            TRY(wait_event(pair.master_wait, [this] { return pair.used() > 0 || pair.slave_closed; }));
        }
        return size_t{done};
    }

    Result<size_t> write(IovIter& from, loff_t&) override {
        u8 chunk[kChunk];
        size_t done = 0;
        while (from.remaining() > 0) {
            const size_t room = pair.slave->receive_room();
            if (room == 0) {
                if (done > 0) break;
                if (nonblocking()) return Errno::EAGAIN;
                TRY(wait_event(pair.slave->room_wait, [this] { return pair.slave->receive_room() > 0; }));
                continue;
            }
            const size_t n = from.copy_from(chunk, min(min(room, from.remaining()), sizeof(chunk)));
            if (n == 0) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
            done += pair.slave->receive(chunk, n);
        }
        return size_t{done};
    }

    u32 poll(PollTable* table) override {
        if (table) {
            table->add(pair.master_wait);
            table->add(pair.slave->room_wait);
        }
        u32 mask = 0;
        if (pair.used() > 0) mask |= POLLIN | POLLRDNORM;
        if (pair.slave->receive_room() > 0) mask |= POLLOUT | POLLWRNORM;
        if (pair.slave_closed) mask |= POLLHUP;
        return mask;
    }

    Result<long> ioctl(u32 request, u64 argument) override {
        switch (request) {
            case TIOCGPTN:
                TRY(UserPtr<u32>(argument).write(pair.index));
                return 0L;
            case TIOCSPTLCK:
                pair.locked = TRY(UserPtr<i32>(argument).read()) != 0;
                return 0L;
            case TIOCGPTLCK:
                TRY(UserPtr<i32>(argument).write(pair.locked ? 1 : 0));
                return 0L;
            case TIOCGPGRP:
                TRY(UserPtr<i32>(argument).write(own_view(pair.slave->pgrp)));
                return 0L;
            case FIONREAD:
                TRY(UserPtr<i32>(argument).write(static_cast<i32>(pair.used())));
                return 0L;
            default:
                return tty_ioctl(*pair.slave, request, argument);
        }
    }

    PtyPair& pair;
};

// A pair nobody uses, brought to life. ENOSPC when all numbers are taken.
Result<PtyPair*> allocate_pair() {
    for (u32 i = 0; i < kPtyCount; i++) {
        PtyPair*& pair = g_pairs[i];
        if (pair && !pair->free_for_use()) continue;
        if (!pair) {
            PtyPair* fresh = new (std::nothrow) PtyPair(i);
            if (!fresh) return Errno::ENOMEM;
            Result<tty_struct*> slave =
                tty_struct::make(*fresh, fresh->name(), make_dev(kPtySlaveMajor, i), kQueueBytes);
            if (!slave.ok()) {
                delete fresh;
                return slave.error();
            }
            fresh->slave = slave.value();
            fresh->slave->is_pty = true;
            pair = fresh;
        }
        return pair;
    }
    return Errno::ENOSPC;
}

Result<RefPtr<File>> open_ptmx(Inode& inode, int) {
    PtyPair* pair = TRY(allocate_pair());
    RefPtr<Inode> node =
        TRY(make_ref<Inode>(&devpts_super(), 3 + pair->index, S_IFCHR | devpts_options.mode));
    node->rdev = make_dev(kPtySlaveMajor, pair->index);
    node->uid = current_cred().fsuid;
    node->gid = devpts_options.gid_given ? devpts_options.gid : current_cred().fsgid;
    RefPtr<PtyMaster> master = TRY(make_ref<PtyMaster>(inode, *pair));
    pair->reset();
    pair->node = std::move(node);
    pair->master_open = true;
    return RefPtr<File>(master);
}

Result<RefPtr<File>> open_slave(Inode& inode, int flags) {
    PtyPair* pair = find_pty(dev_minor(inode.rdev));
    if (!pair || pair->locked) return Errno::EIO;
    if (pair->slave->exclusive && !current_cred().has(kCapSysAdmin)) return Errno::EBUSY;
    RefPtr<File> file = TRY(make_ref<TtyFile>(inode, *pair->slave, false));
    pair->slave_closed = false;
    if ((flags & O_NOCTTY) == 0) tty_maybe_set_controlling(*pair->slave);
    return file;
}

CharDevice g_ptmx = {"ptmx", 5, 2, 1, open_ptmx, nullptr};
CharDevice g_slaves = {"pts", kPtySlaveMajor, 0, kPtyCount, open_slave, nullptr};

}  // namespace

PtyPair* find_pty(u32 index) {
    return index < kPtyCount && g_pairs[index] && g_pairs[index]->master_open ? g_pairs[index] : nullptr;
}

void pty_slave_closed(tty_struct& tty) {
    PtyPair& pair = static_cast<PtyPair&>(*tty.driver);
    pair.slave_closed = true;
    pair.master_wait.wake_all();
}

void init_ptys() {
    register_chrdev(&g_ptmx);
    register_chrdev(&g_slaves);
    device_create(tty_class(), nullptr, make_dev(5, 2), 0666, "ptmx");
    if (!devtmpfs_create_dir("pts").ok()) panic("pty: no memory");
    init_devpts();
}
