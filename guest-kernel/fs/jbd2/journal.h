// Journal: changes of metadata blocks, gathered in transactions that reach the disk as a whole (JBD2).
//
// How it works: a buffer that has been changed belongs to the running transaction and is not written in place.
// commit() writes what changed to the log, then, after a flush, the commit block: from then on the transaction
// survives a power cut. checkpoint() writes the buffers in place and empties the log. recover() replays what a
// power cut has left in the log.
//
// Guarantees:
//   - the log always has room for the running transaction and for what make_room() was asked for;
//   - what was written to a block before it was freed is not replayed over what it holds later (revoke);
//   - after an I/O error or a damaged log the journal is aborted: nothing is written any more, EIO.
// Locking: the file system's; every call is made with it held, so a transaction does not change while it is
// committed.
#pragma once

#include "core/vector.h"
#include "fs/buffer_cache.h"
#include "fs/jbd2/format.h"

class BlockBatch;

class Journal {
  public:
    /// A piece of the journal's inode: `count` blocks from `start` on.
    struct Extent {
        u64 start;
        u32 count;
    };
    struct Client {
        virtual void transaction_committed() = 0;  ///< the running transaction is in the log
        virtual void journal_aborted() = 0;
        virtual i64 now_seconds() = 0;
        virtual u32 now_nanoseconds() = 0;

      protected:
        ~Client() = default;
    };

    Journal() = default;
    ~Journal();

    /// Reads the journal's super block. EUCLEAN, EINVAL (unknown feature), EIO.
    Result<void> open(Client* client, BufferCache* cache, u64 device_blocks, Vec<Extent> extents);
    bool needs_recovery() const { return open_ && super().start != 0; }
    /// Replays the log in place and empties it on the disk. EIO, EUCLEAN, ENOMEM.
    Result<void> recover();
    /// From now on transactions can be made. `csum_v3`, `is_64bit`: what the file system has of the kind.
    Result<void> start_writing(bool csum_v3, bool is_64bit, bool use_barrier);
    bool active() const { return active_; }
    bool aborted() const { return aborted_; }
    void set_barrier(bool on) { barrier_ = on; }

    /// Sees to it that `credits` more blocks fit, by a commit and a checkpoint if need be. EIO, ENOMEM.
    Result<void> make_room(u32 credits);
    /// `buffer` has been changed in the running transaction.
    void dirty(BufferRef& buffer);
    /// The block is free: its old contents are not to be written any more.
    void forget(u64 block);
    Result<void> commit();
    /// Commits, writes everything in place and empties the log.
    Result<void> checkpoint();
    /// The end: checkpoint(), and the super block says that there is nothing to replay.
    Result<void> stop();
    void abort(Errno why);

    u32 running_id() const { return sequence_; }
    bool empty() const { return running_.empty() && revokes_.empty(); }
    /// In blocks, with its super block.
    u32 length() const { return last_; }

  private:
    class Replay;
    friend class Replay;

    jbd2::Super& super() const { return *reinterpret_cast<jbd2::Super*>(super_block_); }
    bool has(u32 incompat) const { return (super().feature_incompat & incompat) != 0; }
    bool csum23() const { return has(jbd2::kIncompatCsumV2) || has(jbd2::kIncompatCsumV3); }
    u32 tag_size() const;
    u32 tags_per_block() const;
    u32 blocks_needed(u32 buffers, u32 revokes) const;
    u32 log_free() const;
    Result<u64> device_block(u32 log_block) const;
    u32 next(u32 log_block) const { return log_block + 1 >= last_ ? first_ : log_block + 1; }
    Result<void> read_log(u32 log_block, void* data);
    Result<void> write_super(u8 flags);
    Result<void> check_super();
    Result<void> write_transaction();
    Result<void> append(BlockBatch& batch, const void* data);
    Result<void> write_revokes(BlockBatch& batch);
    Result<void> write_buffers(BlockBatch& batch);
    Result<void> write_commit(BlockBatch& batch);
    void put_tag(u8* at, u64 block, u32 flags, u32 checksum) const;
    void seal(u8* block) const;  ///< the checksum at the end
    void fill_header(u8* block, u32 type) const;
    Result<void> fail(Errno why);

    Client* client_ = nullptr;
    BufferCache* cache_ = nullptr;
    BlockDevice* device_ = nullptr;
    u64 device_blocks_ = 0;
    u32 block_size_ = 0;
    Vec<Extent> extents_;
    u8* super_block_ = nullptr;  ///< the first block, as on the disk
    u32 csum_seed_ = 0;
    u32 first_ = 0;  ///< the log is [first_, last_)
    u32 last_ = 0;
    u32 length_ = 0;  ///< blocks of it
    bool open_ = false;
    bool active_ = false;
    bool aborted_ = false;
    bool barrier_ = true;

    u32 sequence_ = 0;  ///< of the running transaction
    u32 head_ = 0;      ///< where the next block of log goes
    u32 used_ = 0;      ///< blocks of log that a replay would need
    Vec<BufferRef> running_;
    Vec<u64> revokes_;
    Vec<BufferRef> written_;  ///< committed, not known to be in place
};
