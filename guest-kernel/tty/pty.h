// Pseudo-terminals (pty(7), pts(4)): a terminal whose wire ends in another file, the master. /dev/ptmx makes
// a pair; the slave appears as /dev/pts/N where devpts is mounted.
//
// Guarantees: what the master writes is typed input of the slave, with all of the line discipline; what the
// slave writes the master reads. Closing the master hangs the slave up; closing the last slave gives the
// master EIO. Pairs are pooled and never freed; a number is used again once both ends are closed.
#pragma once

#include "fs/inode.h"
#include "tty/tty.h"

constexpr u32 kPtyCount = 64;
constexpr u32 kPtySlaveMajor = 136;

class PtyPair final : public TtyDriver {
  public:
    explicit PtyPair(u32 number);

    // As the slave's driver; called under the slave's port lock.
    const char* name() const override { return name_; }
    size_t write(const u8* bytes, size_t count) override;
    size_t write_room() const override { return sizeof(ring_) - used_; }
    void drain() override {}
    void set_receiver(TtyReceiver*) override {}

    /// Takes up to `count` bytes that the slave wrote.
    size_t take(u8* out, size_t count);
    size_t used() const { return __atomic_load_n(&used_, __ATOMIC_RELAXED); }
    /// A new life: default settings, nothing buffered.
    void reset();
    bool free_for_use() const { return !master_open && (!slave || slave->open_count == 0); }

    const u32 index;
    tty_struct* slave = nullptr;
    RefPtr<Inode> node;  ///< /dev/pts/N: owner and mode live here
    WaitQueue master_wait;
    bool master_open = false;
    bool locked = true;         ///< TIOCSPTLCK: unlockpt(3) has not been called
    bool slave_closed = false;  ///< it was open and is not any more

  private:
    char name_[16];
    u8 ring_[4096];
    size_t head_ = 0;
    size_t used_ = 0;
};

void init_ptys();
/// The last file of this slave was closed.
void pty_slave_closed(tty_struct& tty);
/// The pair with this number if its master is open, else null (devpts).
PtyPair* find_pty(u32 index);
/// The instance of devpts, for the nodes' inodes.
SuperBlock& devpts_super();
/// Owner and mode of new nodes (mount options of devpts).
struct DevptsOptions {
    u32 gid = 0;
    bool gid_given = false;
    u32 mode = 0600;
};
extern DevptsOptions devpts_options;
void init_devpts();
