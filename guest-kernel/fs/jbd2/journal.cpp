// The running transaction, its commit and the checkpoint.
#include "fs/jbd2/journal.h"

#include "core/printk.h"
#include "core/string.h"
#include "fs/block_batch.h"
#include "fs/ext4/checksum.h"

using namespace jbd2;

namespace {
constexpr u32 kMargin = 64;  // log blocks that are never promised
constexpr u32 kMinLength = 256;
constexpr size_t kMaxWritten = 4096;  // buffers that wait in memory to be written in place

// What the journal knows of a buffer is kept in Buffer::journal.
constexpr u64 kInRunning = 1;  // changed by the running transaction
constexpr u64 kWritten = 2;    // committed, perhaps not in place yet

u64 marks(const BufferRef& buffer) {
    return reinterpret_cast<u64>(buffer->journal);
}
bool marked(const BufferRef& buffer, u64 bit) {
    return (marks(buffer) & bit) != 0;
}
void mark(BufferRef& buffer, u64 bit) {
    buffer->journal = reinterpret_cast<void*>(marks(buffer) | bit);
}
void unmark(BufferRef& buffer, u64 bit) {
    buffer->journal = reinterpret_cast<void*>(marks(buffer) & ~bit);
}

size_t grown(size_t wanted) {
    return (wanted + 255) & ~size_t{255};
}

}  // namespace

Journal::~Journal() {
    kfree(super_block_);
}

Result<void> Journal::open(Client* client, BufferCache* cache, u64 device_blocks, Vec<Extent> extents) {
    client_ = client;
    cache_ = cache;
    device_ = &cache->device();
    block_size_ = cache->block_size();
    device_blocks_ = device_blocks;
    extents_ = std::move(extents);
    super_block_ = static_cast<u8*>(kzalloc(block_size_));
    if (!super_block_) return Errno::ENOMEM;
    TRY(read_log(0, super_block_));
    TRY(check_super());
    open_ = true;
    return {};
}

Result<void> Journal::check_super() {
    const Super& s = super();
    u64 blocks = 0;
    for (const Extent& e : extents_) blocks += e.count;
    if (s.header.magic != kMagic || (s.header.type != kSuperV1 && s.header.type != kSuperV2)) {
        printk(KERN_WARNING "JBD2: no valid journal superblock found\n");
        return Errno::EINVAL;
    }
    if (s.block_size != block_size_ || s.max_length > blocks || s.max_length < kMinLength || s.first == 0 ||
        s.first >= s.max_length || (s.start != 0 && (s.start < s.first || s.start >= s.max_length))) {
        printk(KERN_WARNING "JBD2: journal file too short or its superblock is damaged\n");
        return Errno::EINVAL;
    }
    if (s.header.type == kSuperV2) {
        if (s.feature_ro_compat != 0 || (s.feature_incompat & ~kIncompatKnown) != 0) {
            printk(KERN_WARNING "JBD2: Unrecognised features on journal\n");
            return Errno::EINVAL;
        }
        if (has(kIncompatCsumV2) && has(kIncompatCsumV3)) {
            printk(KERN_ERR "JBD2: Can't enable checksumming v2 and v3 at the same time!\n");
            return Errno::EINVAL;
        }
        if (csum23()) {
            if (s.checksum_type != kChecksumCrc32c) {
                printk(KERN_ERR "JBD2: Unknown checksum type\n");
                return Errno::EINVAL;
            }
            Super copy = s;
            copy.checksum = 0;
            if (crc32c(~0u, &copy, sizeof(copy)) != s.checksum) {
                printk(KERN_ERR "JBD2: journal checksum error\n");
                return Errno::EBADMSG;
            }
        }
    } else {
        // Version 1 has none of the later fields.
        memset(super_block_ + __builtin_offsetof(Super, feature_compat), 0,
               sizeof(Super) - __builtin_offsetof(Super, feature_compat));
    }
    csum_seed_ = crc32c(~0u, s.uuid, sizeof(s.uuid));
    first_ = s.first;
    last_ = s.max_length;
    length_ = last_ - first_;
    return {};
}

Result<void> Journal::start_writing(bool csum_v3, bool is_64bit, bool use_barrier) {
    Super& s = super();
    barrier_ = use_barrier;
    if (s.header.type == kSuperV2) {
        u32 incompat = s.feature_incompat & ~(kIncompatCsumV2 | kIncompatCsumV3);
        if (csum_v3) incompat |= kIncompatCsumV3;
        if (is_64bit) incompat |= kIncompat64Bit;
        s.feature_incompat = incompat;
        s.feature_compat = s.feature_compat & ~kCompatChecksum;
        s.checksum_type = csum_v3 ? kChecksumCrc32c : 0;
    } else if (is_64bit) {
        return Errno::EINVAL;
    }
    sequence_ = s.sequence;
    if (sequence_ == 0) sequence_ = 1;
    head_ = first_;
    used_ = 0;
    s.start = head_;
    s.sequence = sequence_;
    s.error = 0;
    TRY(write_super(kBioFua));
    active_ = true;
    return {};
}

Result<void> Journal::write_super(u8 flags) {
    Super& s = super();
    if (csum23()) {
        s.checksum = 0;
        s.checksum = crc32c(~0u, &s, sizeof(s));
    }
    const u64 block = TRY(device_block(0));
    return device_->write(block * (block_size_ / kSectorSize), super_block_, block_size_,
                          barrier_ ? static_cast<u8>(flags | kBioPreflush) : 0);
}

Result<u64> Journal::device_block(u32 log_block) const {
    for (const Extent& e : extents_) {
        if (log_block < e.count) return e.start + log_block;
        log_block -= e.count;
    }
    return Errno::EUCLEAN;
}

Result<void> Journal::read_log(u32 log_block, void* data) {
    const u64 block = TRY(device_block(log_block));
    if (block >= device_blocks_) return Errno::EUCLEAN;
    return device_->read(block * (block_size_ / kSectorSize), data, block_size_);
}

u32 Journal::tag_size() const {
    if (has(kIncompatCsumV3)) return sizeof(Tag3);
    const u32 size = sizeof(Tag) + (has(kIncompatCsumV2) ? 2 : 0);
    return has(kIncompat64Bit) ? size : size - 4;
}

u32 Journal::tags_per_block() const {
    return static_cast<u32>((block_size_ - sizeof(Header) - 16 - (csum23() ? kTailSize : 0)) / tag_size());
}

u32 Journal::blocks_needed(u32 buffers, u32 revokes) const {
    const u32 per_revoke_block =
        static_cast<u32>((block_size_ - sizeof(RevokeHeader) - kTailSize) / (has(kIncompat64Bit) ? 8 : 4));
    return buffers + (buffers + tags_per_block() - 1) / tags_per_block() +
           (revokes + per_revoke_block - 1) / per_revoke_block + 1;
}

u32 Journal::log_free() const {
    return length_ - used_ > kMargin ? length_ - used_ - kMargin : 0;
}

Result<void> Journal::make_room(u32 credits) {
    if (aborted_) return Errno::EROFS;
    const u32 buffers = static_cast<u32>(running_.size()) + credits;
    const u32 revokes = static_cast<u32>(revokes_.size()) + credits;
    if (buffers > length_ / 4 || blocks_needed(buffers, revokes) > log_free()) {
        TRY(commit());
        if (blocks_needed(credits, credits) > log_free()) TRY(checkpoint());
    }
    // dirty() and forget() cannot fail, so their room is made here.
    Result<void> room = running_.reserve(grown(running_.size() + credits));
    if (room.ok()) room = revokes_.reserve(grown(revokes_.size() + credits));
    return room;
}

void Journal::dirty(BufferRef& buffer) {
    if (marked(buffer, kInRunning)) return;
    BufferRef copy = buffer;
    if (!running_.push(std::move(copy)).ok()) {
        abort(Errno::ENOMEM);
        return;
    }
    mark(buffer, kInRunning);
}

void Journal::forget(u64 block) {
    BufferRef buffer = cache_->cached(block);
    if (!buffer) return;
    const bool was_written = marked(buffer, kWritten);
    buffer->journal = nullptr;
    buffer->forget();
    // Nobody reads the flags of a block that the lists still hold: both are skipped.
    if (was_written && !revokes_.push(block).ok()) abort(Errno::ENOMEM);
}

Result<void> Journal::commit() {
    if (aborted_) return Errno::EIO;
    if (!active_ || empty()) return {};
    Result<void> done = write_transaction();
    if (!done.ok()) return fail(done.error());
    sequence_++;
    client_->transaction_committed();
    return written_.size() > kMaxWritten ? checkpoint() : Result<void>();
}

Result<void> Journal::write_transaction() {
    // Room to remember what has to be written in place later, before anything is written.
    TRY(written_.reserve(grown(written_.size() + running_.size())));
    if (!revokes_.empty() && super().header.type == kSuperV2 && !has(kIncompatRevoke)) {
        super().feature_incompat = super().feature_incompat | kIncompatRevoke;
        TRY(write_super(kBioFua));
    }
    BlockBatch batch(*device_, block_size_);
    TRY(write_revokes(batch));
    TRY(write_buffers(batch));
    TRY(batch.finish());
    TRY(write_commit(batch));
    for (BufferRef& buffer : running_) {
        if (!marked(buffer, kInRunning)) continue;  // forgotten
        unmark(buffer, kInRunning);
        if (marked(buffer, kWritten)) continue;
        mark(buffer, kWritten);
        (void)written_.push(std::move(buffer));
    }
    running_.clear();
    revokes_.clear();
    return {};
}

void Journal::fill_header(u8* block, u32 type) const {
    Header& header = *reinterpret_cast<Header*>(block);
    header.magic = kMagic;
    header.type = type;
    header.sequence = sequence_;
}

void Journal::seal(u8* block) const {
    if (!csum23()) return;
    Be32& tail = *reinterpret_cast<Be32*>(block + block_size_ - kTailSize);
    tail = 0;
    tail = crc32c(csum_seed_, block, block_size_);
}

Result<void> Journal::append(BlockBatch& batch, const void* data) {
    TRY(batch.add(TRY(device_block(head_)), data));
    head_ = next(head_);
    used_++;
    return {};
}

Result<void> Journal::write_revokes(BlockBatch& batch) {
    const u32 record = has(kIncompat64Bit) ? 8 : 4;
    const u32 end = block_size_ - (csum23() ? kTailSize : 0);
    for (size_t done = 0; done < revokes_.size();) {
        u8* block = TRY(batch.scratch());
        fill_header(block, kRevoke);
        u32 at = sizeof(RevokeHeader);
        for (; done < revokes_.size() && at + record <= end; done++, at += record) {
            const u64 number = revokes_[done];
            if (record == 8) {
                *reinterpret_cast<Be32*>(block + at) = static_cast<u32>(number >> 32);
                *reinterpret_cast<Be32*>(block + at + 4) = static_cast<u32>(number);
            } else {
                *reinterpret_cast<Be32*>(block + at) = static_cast<u32>(number);
            }
        }
        reinterpret_cast<RevokeHeader*>(block)->count = at;
        seal(block);
        TRY(append(batch, block));
    }
    return {};
}

void Journal::put_tag(u8* at, u64 block, u32 flags, u32 checksum) const {
    if (has(kIncompatCsumV3)) {
        Tag3& tag = *reinterpret_cast<Tag3*>(at);
        tag.block = static_cast<u32>(block);
        tag.flags = flags;
        tag.block_high = has(kIncompat64Bit) ? static_cast<u32>(block >> 32) : 0;
        tag.checksum = checksum;
        return;
    }
    Tag& tag = *reinterpret_cast<Tag*>(at);
    tag.block = static_cast<u32>(block);
    tag.checksum = has(kIncompatCsumV2) ? static_cast<u16>(checksum) : 0;
    tag.flags = static_cast<u16>(flags);
    if (has(kIncompat64Bit)) tag.block_high = static_cast<u32>(block >> 32);
}

/// One descriptor block and the blocks that it describes at a time.
Result<void> Journal::write_buffers(BlockBatch& batch) {
    const u32 tag_bytes = tag_size();
    const u32 end = block_size_ - (csum23() ? kTailSize : 0);
    Be32 sequence;
    sequence = sequence_;
    for (size_t i = 0; i < running_.size();) {
        while (i < running_.size() && !marked(running_[i], kInRunning)) i++;
        if (i == running_.size()) break;
        u8* descriptor = TRY(batch.scratch());
        fill_header(descriptor, kDescriptor);
        TRY(append(batch, descriptor));  // filled while the blocks behind it are added
        u32 at = sizeof(Header);
        u8* last_tag = nullptr;
        bool first = true;
        for (; i < running_.size(); i++) {
            BufferRef& buffer = running_[i];
            if (!marked(buffer, kInRunning)) continue;
            if (at + tag_bytes + (first ? 16 : 0) > end) break;
            const u8* data = buffer->data;
            u32 flags = first ? 0 : u32{kSameUuid};
            if (*reinterpret_cast<const Be32*>(data) == kMagic) {
                u8* copy = TRY(batch.scratch());
                memcpy(copy, data, block_size_);
                memset(copy, 0, 4);
                data = copy;
                flags |= kEscaped;
            }
            u32 checksum = 0;
            if (csum23()) {
                checksum = crc32c(csum_seed_, &sequence, sizeof(sequence));
                checksum = crc32c(checksum, data, block_size_);
            }
            put_tag(descriptor + at, buffer->block, flags, checksum);
            last_tag = descriptor + at;
            at += tag_bytes;
            if (first) {
                memcpy(descriptor + at, super().uuid, 16);
                at += 16;
                first = false;
            }
            TRY(append(batch, data));
        }
        if (has(kIncompatCsumV3)) {
            Tag3& tag = *reinterpret_cast<Tag3*>(last_tag);
            tag.flags = tag.flags | kLastTag;
        } else {
            Tag& tag = *reinterpret_cast<Tag*>(last_tag);
            tag.flags = static_cast<u16>(tag.flags | kLastTag);
        }
        seal(descriptor);
    }
    return {};
}

/// The commit block: everything before it, file data too, is on stable storage first, and it when this returns.
Result<void> Journal::write_commit(BlockBatch& batch) {
    u8* block = TRY(batch.scratch());
    fill_header(block, kCommit);
    Commit& commit = *reinterpret_cast<Commit*>(block);
    commit.seconds = static_cast<u64>(client_->now_seconds());
    commit.nanoseconds = client_->now_nanoseconds();
    if (csum23()) commit.checksum[0] = crc32c(csum_seed_, block, block_size_);
    const u64 place = TRY(device_block(head_));
    TRY(device_->write(place * (block_size_ / kSectorSize), block, block_size_,
                       barrier_ ? static_cast<u8>(kBioPreflush | kBioFua) : 0));
    head_ = next(head_);
    used_++;
    return {};
}

Result<void> Journal::checkpoint() {
    TRY(commit());
    if (!active_ || used_ == 0) return {};
    BlockBatch batch(*device_, block_size_);
    Result<void> done;
    for (size_t i = 0; done.ok() && i < written_.size(); i++) {
        BufferRef& buffer = written_[i];
        if (marked(buffer, kWritten)) done = batch.add(buffer->block, buffer->data);
    }
    if (done.ok()) done = batch.finish();
    if (done.ok() && barrier_) done = device_->flush();
    if (done.ok()) {
        super().start = head_;
        super().sequence = sequence_;
        done = write_super(kBioFua);
    }
    if (!done.ok()) return fail(done.error());
    for (BufferRef& buffer : written_) unmark(buffer, kWritten);
    written_.clear();
    used_ = 0;
    return {};
}

Result<void> Journal::stop() {
    if (!active_) return {};
    TRY(checkpoint());
    active_ = false;
    super().start = 0;
    super().sequence = sequence_;
    return write_super(kBioFua);
}

Result<void> Journal::fail(Errno why) {
    abort(why);
    return why;
}

/// Nothing of what is in memory reaches the disk from now on.
void Journal::abort(Errno why) {
    if (aborted_) return;
    aborted_ = true;
    printk(KERN_ERR "Aborting journal on device %s-8.\n", device_->name());
    for (BufferRef& buffer : running_) buffer->journal = nullptr;
    for (BufferRef& buffer : written_) buffer->journal = nullptr;
    running_.clear();
    written_.clear();
    revokes_.clear();
    (void)why;
    client_->journal_aborted();
}
