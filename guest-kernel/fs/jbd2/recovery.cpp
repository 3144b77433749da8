// Replaying a log: three passes over it (Linux, fs/jbd2/recovery.c). The first finds its end, the second what was
// revoked, the third writes the blocks in place.
//
// Whatever the log says: every block number is checked, and no pass takes more steps than the log has blocks.
#include "core/printk.h"
#include "core/sort.h"
#include "core/string.h"
#include "fs/ext4/checksum.h"
#include "fs/jbd2/journal.h"

using namespace jbd2;

class Journal::Replay {
  public:
    explicit Replay(Journal& journal) : j_(journal) {}
    ~Replay() {
        kfree(block_);
        kfree(data_);
    }
    Result<void> run();
    u32 next_sequence() const { return end_; }

  private:
    enum class Pass { kScan, kRevoke, kReplay };
    struct Revoked {
        u64 block;
        u32 sequence;
    };
    struct TagInfo {
        u64 block;
        u32 flags;
        u32 checksum;
        u32 size;  // with the UUID behind it
    };

    Result<void> pass(Pass which);
    Result<void> descriptor(Pass which, u32 sequence, u32* at);
    Result<void> replay_block(const TagInfo& tag, u32 sequence, u32 log_block);
    Result<void> revoke_block(u32 sequence);
    TagInfo read_tag(u32 at) const;
    bool sealed_well() const;
    bool commit_sound() const;
    bool revoked(u64 block, u32 sequence) const;
    u32 skip(u32 at, u32 count) const {
        at += count;
        return at >= j_.last_ ? j_.first_ + (at - j_.last_) % j_.length_ : at;
    }

    Journal& j_;
    u8* block_ = nullptr;
    u8* data_ = nullptr;
    u32 end_ = 0;  ///< the sequence number after the last whole transaction
    Vec<Revoked> revoked_;
    u32 replayed_ = 0;
    bool damaged_ = false;
};

namespace {
// Sequence numbers go round.
bool before(u32 a, u32 b) {
    return static_cast<i32>(a - b) < 0;
}
}  // namespace

Result<void> Journal::Replay::run() {
    block_ = static_cast<u8*>(kmalloc(j_.block_size_));
    data_ = static_cast<u8*>(kmalloc(j_.block_size_));
    if (!block_ || !data_) return Errno::ENOMEM;
    TRY(pass(Pass::kScan));
    TRY(pass(Pass::kRevoke));
    sort_items(revoked_.data(), revoked_.size(), [](const Revoked& a, const Revoked& b) {
        return a.block != b.block ? a.block < b.block : before(a.sequence, b.sequence);
    });
    TRY(pass(Pass::kReplay));
    return damaged_ ? Result<void>(Errno::EBADMSG) : Result<void>();
}

Result<void> Journal::Replay::pass(Pass which) {
    u32 sequence = j_.super().sequence;
    u32 at = j_.super().start;
    for (u32 steps = 0; steps < j_.length_; steps++) {
        if (which != Pass::kScan && sequence == end_) break;
        const u32 here = at;
        TRY(j_.read_log(here, block_));
        const Header& header = *reinterpret_cast<const Header*>(block_);
        if (header.magic != kMagic || header.sequence != sequence) break;
        at = j_.next(at);
        const u32 type = header.type;
        if (type == kDescriptor) {
            if (j_.csum23() && !sealed_well()) {
                if (which == Pass::kScan) break;  // left over from an older round
                return Errno::EBADMSG;
            }
            TRY(descriptor(which, sequence, &at));
        } else if (type == kCommit) {
            if (which == Pass::kScan && j_.csum23() && !commit_sound()) break;
            sequence++;
        } else if (type == kRevoke) {
            if (j_.csum23() && !sealed_well()) {
                if (which == Pass::kScan) break;
                return Errno::EBADMSG;
            }
            if (which == Pass::kRevoke) TRY(revoke_block(sequence));
        } else {
            break;
        }
    }
    if (which == Pass::kScan) end_ = sequence;
    return {};
}

bool Journal::Replay::sealed_well() const {
    Be32& tail = *reinterpret_cast<Be32*>(block_ + j_.block_size_ - kTailSize);
    const Be32 stored = tail;
    tail = 0;
    const bool good = crc32c(j_.csum_seed_, block_, j_.block_size_) == stored;
    tail = stored;
    return good;
}

bool Journal::Replay::commit_sound() const {
    Commit& commit = *reinterpret_cast<Commit*>(block_);
    const Be32 stored = commit.checksum[0];
    commit.checksum[0] = 0;
    return crc32c(j_.csum_seed_, block_, j_.block_size_) == stored;
}

Journal::Replay::TagInfo Journal::Replay::read_tag(u32 at) const {
    TagInfo info;
    if (j_.has(kIncompatCsumV3)) {
        const Tag3& tag = *reinterpret_cast<const Tag3*>(block_ + at);
        info = {tag.block, tag.flags, tag.checksum, 0};
        if (j_.has(kIncompat64Bit)) info.block |= u64{tag.block_high} << 32;
    } else {
        const Tag& tag = *reinterpret_cast<const Tag*>(block_ + at);
        info = {tag.block, tag.flags, tag.checksum, 0};
        if (j_.has(kIncompat64Bit)) info.block |= u64{tag.block_high} << 32;
    }
    info.size = j_.tag_size() + ((info.flags & kSameUuid) ? 0 : 16);
    return info;
}

/// The descriptor in block_: its blocks are skipped or replayed; `*at` moves behind them.
Result<void> Journal::Replay::descriptor(Pass which, u32 sequence, u32* at) {
    const u32 end = j_.block_size_ - (j_.csum23() ? kTailSize : 0);
    u32 count = 0;
    for (u32 offset = sizeof(Header); offset + j_.tag_size() <= end;) {
        const TagInfo tag = read_tag(offset);
        if (which == Pass::kReplay) TRY(replay_block(tag, sequence, skip(*at, count)));
        count++;
        offset += tag.size;
        if (tag.flags & kLastTag) break;
    }
    *at = skip(*at, count);
    return {};
}

Result<void> Journal::Replay::replay_block(const TagInfo& tag, u32 sequence, u32 log_block) {
    if (revoked(tag.block, sequence)) return {};
    TRY(j_.read_log(log_block, data_));
    if (j_.csum23()) {
        Be32 number;
        number = sequence;
        const u32 crc = crc32c(crc32c(j_.csum_seed_, &number, sizeof(number)), data_, j_.block_size_);
        const bool wide = j_.has(kIncompatCsumV3);
        if ((wide ? crc : crc & 0xffff) != tag.checksum) {
            printk(KERN_ERR "JBD2: Invalid checksum recovering data block %llu in journal block %u\n",
                   static_cast<unsigned long long>(tag.block), log_block);
            damaged_ = true;
            return {};
        }
    }
    if (tag.block >= j_.device_blocks_) return Errno::EUCLEAN;
    if (tag.flags & kEscaped) *reinterpret_cast<Be32*>(data_) = kMagic;
    BufferRef buffer = TRY(j_.cache_->get(tag.block));
    memcpy(buffer->data, data_, j_.block_size_);
    buffer->set_uptodate();
    buffer->mark_dirty();
    replayed_++;
    return {};
}

Result<void> Journal::Replay::revoke_block(u32 sequence) {
    const u32 record = j_.has(kIncompat64Bit) ? 8 : 4;
    const u32 used = reinterpret_cast<const RevokeHeader*>(block_)->count;
    const u32 end = j_.block_size_ - (j_.csum23() ? kTailSize : 0);
    if (used > end) return Errno::EUCLEAN;
    for (u32 at = sizeof(RevokeHeader); at + record <= used; at += record) {
        const u64 high = *reinterpret_cast<const Be32*>(block_ + at);
        const u64 number =
            record == 8 ? (high << 32) | *reinterpret_cast<const Be32*>(block_ + at + 4) : high;
        TRY(revoked_.push({number, sequence}));
    }
    return {};
}

/// Was the block revoked by this transaction or a later one?
bool Journal::Replay::revoked(u64 block, u32 sequence) const {
    size_t low = 0, high = revoked_.size();
    while (low < high) {  // behind the last record of `block`
        const size_t middle = (low + high) / 2;
        if (revoked_[middle].block <= block)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && revoked_[low - 1].block == block && !before(revoked_[low - 1].sequence, sequence);
}

Result<void> Journal::recover() {
    Replay replay(*this);
    TRY(replay.run());
    TRY(cache_->sync());
    TRY(device_->flush());
    super().start = 0;
    super().sequence = replay.next_sequence() + 1;
    TRY(write_super(kBioFua));
    return {};
}
