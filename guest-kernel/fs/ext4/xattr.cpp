// Extended attributes and ACLs: in what is left of an inode beyond its fields, and in one block.
//
// A place is unpacked as a whole, changed in memory and packed again; an attribute goes into the inode if it fits
// there, else into the block (ENOSPC if into neither). A block that several inodes share is copied first.
#include "fs/xattr.h"

#include "core/sort.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4_inode.h"
#include "fs/posix_acl.h"

using namespace ext4;

namespace {

struct Attribute {
    u8 index;
    KString name;
    KString value;
};
using Attributes = Vec<Attribute>;

struct Prefix {
    u8 index;
    const char* text;  // ends with a dot: more of the name follows
};
constexpr Prefix kPrefixes[] = {{1, "user."},
                                {2, "system.posix_acl_access"},
                                {3, "system.posix_acl_default"},
                                {4, "trusted."},
                                {6, "security."},
                                {7, "system."}};

constexpr u32 padded(u32 size) {
    return (size + 3) & ~3u;
}
u32 entry_size(u32 name_length) {
    return padded(sizeof(XattrEntry) + name_length);
}

/// Which prefix a whole name has; `*rest` is what follows it.
const Prefix* prefix_of(const char* name, const char** rest) {
    for (const Prefix& prefix : kPrefixes) {
        const size_t length = strlen(prefix.text);
        const bool family = prefix.text[length - 1] == '.';
        if (family ? strncmp(name, prefix.text, length) != 0 : strcmp(name, prefix.text) != 0) continue;
        *rest = name + length;
        return family && **rest == '\0' ? nullptr : &prefix;
    }
    return nullptr;
}

/// The attributes whose entries begin at `first`, up to `end`; value offsets count from `base`. EUCLEAN.
Result<void> unpack(const u8* base, const u8* first, const u8* end, Attributes* all) {
    for (const u8* at = first; at + sizeof(u32) <= end && *reinterpret_cast<const u32*>(at) != 0;) {
        if (at + sizeof(XattrEntry) > end) return Errno::EUCLEAN;
        const XattrEntry& e = *reinterpret_cast<const XattrEntry*>(at);
        if (at + entry_size(e.e_name_len) > end || e.e_value_inum != 0) return Errno::EUCLEAN;
        const size_t room = static_cast<size_t>(end - base);
        if (e.e_value_size > room || e.e_value_offs > room - e.e_value_size) return Errno::EUCLEAN;
        Attribute a;
        a.index = e.e_name_index;
        a.name = TRY(KString::make(reinterpret_cast<const char*>(at + sizeof(XattrEntry)), e.e_name_len));
        a.value = TRY(KString::make(reinterpret_cast<const char*>(base + e.e_value_offs), e.e_value_size));
        TRY(all->push(std::move(a)));
        at += entry_size(e.e_name_len);
    }
    return {};
}

/// What packing them takes, with the four zero bytes at the end of the entries.
u32 packed_size(const Attributes& all) {
    u32 size = sizeof(u32);
    for (size_t i = 0; i < all.size(); i++) {
        size +=
            entry_size(static_cast<u32>(all[i].name.size())) + padded(static_cast<u32>(all[i].value.size()));
    }
    return size;
}

u32 hash_of(const Attribute& a) {
    u32 hash = 0;
    for (size_t i = 0; i < a.name.size(); i++) {
        hash = (hash << 5) ^ (hash >> 27) ^ static_cast<u32>(static_cast<signed char>(a.name[i]));
    }
    for (size_t i = 0; i < a.value.size(); i += 4) {
        u32 word = 0;
        memcpy(&word, a.value.c_str() + i, min<size_t>(4, a.value.size() - i));
        hash = (hash << 16) ^ (hash >> 16) ^ word;
    }
    return hash;
}

/// Entries from `first` on, values from `end` down; they fit. `with_hash`: as blocks have it.
void pack(const Attributes& all, u8* base, u8* first, u8* end, bool with_hash) {
    memset(first, 0, static_cast<size_t>(end - first));
    u8* at = first;
    u8* value_at = end;
    for (size_t i = 0; i < all.size(); i++) {
        const Attribute& a = all[i];
        XattrEntry& e = *reinterpret_cast<XattrEntry*>(at);
        e.e_name_len = static_cast<u8>(a.name.size());
        e.e_name_index = a.index;
        e.e_value_size = static_cast<u32>(a.value.size());
        memcpy(at + sizeof(XattrEntry), a.name.c_str(), a.name.size());
        if (!a.value.empty()) {
            value_at -= padded(e.e_value_size);
            e.e_value_offs = static_cast<u16>(value_at - base);
            memcpy(value_at, a.value.c_str(), a.value.size());
        }
        e.e_hash = with_hash ? hash_of(a) : 0;
        at += entry_size(e.e_name_len);
    }
}

i64 find(const Attributes& all, u8 index, const char* name) {
    for (size_t i = 0; i < all.size(); i++) {
        if (all[i].index == index && all[i].name == name) return static_cast<i64>(i);
    }
    return -1;
}

// ACLs have another form on the disk: version 1, and ids only where there is one.
constexpr u32 kAclUserVersion = 2;
constexpr u32 kAclDiskVersion = 1;
bool has_id(u16 tag) {
    return tag == static_cast<u16>(AclTag::kUser) || tag == static_cast<u16>(AclTag::kGroup);
}

Result<KString> acl_to_disk(const u8* value, size_t size) {
    if (size < 4 || (size - 4) % sizeof(AclEntry) != 0) return Errno::EINVAL;
    KString out;
    TRY(out.append(reinterpret_cast<const char*>(&kAclDiskVersion), 4));
    for (size_t at = 4; at < size; at += sizeof(AclEntry)) {
        const u16 tag = *reinterpret_cast<const u16*>(value + at);
        TRY(out.append(reinterpret_cast<const char*>(value + at), has_id(tag) ? 8 : 4));
    }
    return out;
}

Result<KString> acl_from_disk(const KString& value) {
    const char* bytes = value.c_str();
    const size_t size = value.size();
    u32 version = 0;
    if (size < 4) return Errno::EINVAL;
    memcpy(&version, bytes, 4);
    if (version != kAclDiskVersion) return Errno::EINVAL;
    KString out;
    TRY(out.append(reinterpret_cast<const char*>(&kAclUserVersion), 4));
    for (size_t at = 4; at < size;) {
        if (size - at < 4) return Errno::EINVAL;
        u16 tag;
        memcpy(&tag, bytes + at, 2);
        const u32 none = ~0u;
        if (has_id(tag) && size - at < 8) return Errno::EINVAL;
        TRY(out.append(bytes + at, has_id(tag) ? 8 : 4));
        if (!has_id(tag)) TRY(out.append(reinterpret_cast<const char*>(&none), 4));
        at += has_id(tag) ? 8 : 4;
    }
    return out;
}

/// An inode's attributes, as they are in its two places.
class Store {
  public:
    explicit Store(Ext4Inode& inode) : inode_(inode), fs_(inode.fs()) {}

    Result<void> load();
    Attribute* lookup(u8 index, const char* name);
    Result<void> put(Ext4Op& op, Attribute attribute);
    Result<bool> remove(Ext4Op& op, u8 index, const char* name);
    Result<void> list(KString& names) const;

  private:
    u8* body(u32* room);
    Errno damaged() { return fs_.fs_error("ext4_xattr", inode_.ino, "corrupted xattr entries"); }
    u32 block_room() const { return fs_.block_size - sizeof(XattrHeader); }
    u32 block_checksum(u64 block, u8* data) const;
    Result<void> write_body(Ext4Op& op);
    Result<void> write_block(Ext4Op& op);

    Ext4Inode& inode_;
    Ext4Super& fs_;
    BufferRef inode_buffer_;
    u32 offset_ = 0;
    BufferRef block_;
    Attributes in_body_;
    Attributes in_block_;
};

/// Where entries may lie within the inode; null if it has no room for any.
u8* Store::body(u32* room) {
    const u32 head = kGoodOldInodeSize + inode_.extra_isize;
    if (fs_.inode_size < head + 2 * sizeof(u32)) return nullptr;
    *room = fs_.inode_size - head - static_cast<u32>(sizeof(u32));
    return inode_buffer_->data + offset_ + head;
}

u32 Store::block_checksum(u64 block, u8* data) const {
    XattrHeader& header = *reinterpret_cast<XattrHeader*>(data);
    const u32 stored = header.h_checksum;
    header.h_checksum = 0;
    const u32 crc = crc32c(crc32c(fs_.csum_seed, &block, sizeof(block)), data, fs_.block_size);
    header.h_checksum = stored;
    return crc;
}

Result<void> Store::load() {
    inode_buffer_ = TRY(fs_.inode_block(inode_.number(), &offset_));
    u32 room = 0;
    if (u8* at = body(&room); at && *reinterpret_cast<u32*>(at) == kXattrMagic) {
        const u8* first = at + sizeof(u32);
        const Result<void> done = unpack(first, first, first + room, &in_body_);
        if (!done.ok()) return done.error() == Errno::EUCLEAN ? damaged() : done.error();
    }
    if (inode_.xattr_block == 0) return {};
    block_ = TRY(fs_.read_block(inode_.xattr_block));
    const XattrHeader& header = *reinterpret_cast<const XattrHeader*>(block_->data);
    if (header.h_magic != kXattrMagic || header.h_blocks != 1 || header.h_refcount == 0) return damaged();
    if (fs_.metadata_csum && !block_->has(kBufferChecked) &&
        header.h_checksum != block_checksum(block_->block, block_->data)) {
        (void)damaged();
        return Errno::EBADMSG;
    }
    block_->set(kBufferChecked);
    const Result<void> done =
        unpack(block_->data, block_->data + sizeof(XattrHeader), block_->data + fs_.block_size, &in_block_);
    if (!done.ok()) return done.error() == Errno::EUCLEAN ? damaged() : done.error();
    return {};
}

Attribute* Store::lookup(u8 index, const char* name) {
    for (Attributes* place : {&in_body_, &in_block_}) {
        const i64 at = find(*place, index, name);
        if (at >= 0) return &(*place)[static_cast<size_t>(at)];
    }
    return nullptr;
}

Result<void> Store::write_body(Ext4Op& op) {
    u32 room = 0;
    u8* at = body(&room);
    if (!at) return {};
    u8* first = at + sizeof(u32);
    *reinterpret_cast<u32*>(at) = in_body_.empty() ? 0 : kXattrMagic;
    pack(in_body_, first, first, first + room, false);
    op.dirty(inode_buffer_);
    return {};
}

Result<void> Store::write_block(Ext4Op& op) {
    if (in_block_.empty()) {
        block_ = BufferRef();
        return inode_.drop_xattr_block(op);
    }
    // In the order that Linux looks them up in.
    sort_items(in_block_.data(), in_block_.size(), [](const Attribute& a, const Attribute& b) {
        if (a.index != b.index) return a.index < b.index;
        if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
        return memcmp(a.name.c_str(), b.name.c_str(), a.name.size()) < 0;
    });
    if (!block_ || reinterpret_cast<XattrHeader*>(block_->data)->h_refcount > 1) {
        const Ext4Run run = TRY(fs_.allocate_blocks(op, inode_.goal_for(0), 1, false));
        if (!inode_.uses_extents() && !fs_.has_incompat(kIncompat64Bit) && run.start > 0xffffffffull)
            return Errno::ENOSPC;
        block_ = TRY(fs_.fresh_block(run.start));
        TRY(inode_.drop_xattr_block(op));
        inode_.xattr_block = run.start;
        inode_.add_blocks(1);
    }
    XattrHeader& header = *reinterpret_cast<XattrHeader*>(block_->data);
    header = {};
    header.h_magic = kXattrMagic;
    header.h_refcount = header.h_blocks = 1;
    pack(in_block_, block_->data, block_->data + sizeof(XattrHeader), block_->data + fs_.block_size, true);
    for (size_t i = 0; i < in_block_.size(); i++) {
        header.h_hash = (header.h_hash << 16) ^ (header.h_hash >> 16) ^ hash_of(in_block_[i]);
    }
    if (fs_.metadata_csum) header.h_checksum = block_checksum(block_->block, block_->data);
    block_->set(kBufferChecked);
    op.dirty(block_);
    return {};
}

Result<bool> Store::remove(Ext4Op& op, u8 index, const char* name) {
    for (Attributes* place : {&in_body_, &in_block_}) {
        const i64 at = find(*place, index, name);
        if (at < 0) continue;
        place->erase(static_cast<size_t>(at));
        TRY(place == &in_body_ ? write_body(op) : write_block(op));
        return true;
    }
    return false;
}

Result<void> Store::put(Ext4Op& op, Attribute attribute) {
    const i64 body_at = find(in_body_, attribute.index, attribute.name.c_str());
    const i64 block_at = find(in_block_, attribute.index, attribute.name.c_str());
    const u32 size = entry_size(static_cast<u32>(attribute.name.size())) +
                     padded(static_cast<u32>(attribute.value.size()));
    const auto size_at = [](const Attributes& place, i64 at) {
        if (at < 0) return 0u;
        const Attribute& a = place[static_cast<size_t>(at)];
        return entry_size(static_cast<u32>(a.name.size())) + padded(static_cast<u32>(a.value.size()));
    };
    u32 room = 0;
    const bool fits_body = body(&room) && packed_size(in_body_) - size_at(in_body_, body_at) + size <= room;
    const bool fits_block = packed_size(in_block_) - size_at(in_block_, block_at) + size <= block_room();
    if (!fits_body && !fits_block) return Errno::ENOSPC;
    if (body_at >= 0) in_body_.erase(static_cast<size_t>(body_at));
    if (block_at >= 0) in_block_.erase(static_cast<size_t>(block_at));
    Attributes& place = fits_body ? in_body_ : in_block_;
    TRY(place.push(std::move(attribute)));
    if (!fits_body || block_at >= 0) TRY(write_block(op));
    if (fits_body || body_at >= 0) TRY(write_body(op));
    return {};
}

Result<void> Store::list(KString& names) const {
    const bool privileged = current_cred().has(kCapSysAdmin);
    for (const Attributes* place : {&in_body_, &in_block_}) {
        for (size_t i = 0; i < place->size(); i++) {
            const Attribute& a = (*place)[i];
            for (const Prefix& prefix : kPrefixes) {
                if (prefix.index != a.index || (a.index == 4 && !privileged)) continue;
                TRY(names.append(prefix.text));
                TRY(names.append(a.name.c_str(), a.name.size() + 1));
            }
        }
    }
    return {};
}

}  // namespace

Result<void> Ext4Inode::drop_xattr_block(Ext4Op& op) {
    if (xattr_block == 0) return {};
    Ext4Super& super = fs();
    BufferRef buffer = TRY(super.read_block(xattr_block));
    XattrHeader& header = *reinterpret_cast<XattrHeader*>(buffer->data);
    if (header.h_magic == kXattrMagic && header.h_refcount > 1) {
        header.h_refcount--;
        if (super.metadata_csum) {
            const u64 block = xattr_block;
            header.h_checksum = 0;
            header.h_checksum =
                crc32c(crc32c(super.csum_seed, &block, sizeof(block)), buffer->data, super.block_size);
        }
        op.dirty(buffer);
    } else {
        buffer = BufferRef();
        TRY(super.free_blocks(op, xattr_block, 1, true));
    }
    xattr_block = 0;
    add_blocks(-1);
    return {};
}

Result<size_t> Ext4Inode::getxattr(const char* name, void* buffer, size_t buffer_size) {
    const char* rest = nullptr;
    const Prefix* prefix = prefix_of(name, &rest);
    if (!prefix || (prefix->index == 1 && !fs().options.user_xattr)) return Errno::EOPNOTSUPP;
    const AclType* acl = acl_type(name);
    if (acl && !fs().options.acl) return Errno::EOPNOTSUPP;
    MutexGuard guard(fs().lock);
    Store store(*this);
    TRY(store.load());
    const Attribute* found = store.lookup(prefix->index, rest);
    if (!found) return Errno::ENODATA;
    KString converted;
    if (acl) converted = TRY(acl_from_disk(found->value));
    const KString& value = acl ? converted : found->value;
    if (buffer_size == 0) return value.size();
    if (value.size() > buffer_size) return Errno::ERANGE;
    memcpy(buffer, value.c_str(), value.size());
    return value.size();
}

Result<void> Ext4Inode::setxattr(const char* name, const void* value, size_t value_size, int set_flags_bits) {
    const char* rest = nullptr;
    const Prefix* prefix = prefix_of(name, &rest);
    if (!prefix || (prefix->index == 1 && !fs().options.user_xattr)) return Errno::EOPNOTSUPP;
    const AclType* acl = acl_type(name);
    if (acl && !fs().options.acl) return Errno::EOPNOTSUPP;
    if (strlen(rest) > 255) return Errno::ERANGE;
    Attribute attribute;
    attribute.index = prefix->index;
    attribute.name = TRY(KString::make(rest));
    attribute.value = acl ? TRY(acl_to_disk(static_cast<const u8*>(value), value_size))
                          : TRY(KString::make(static_cast<const char*>(value), value_size));
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Store store(*this);
    TRY(store.load());
    const bool there = store.lookup(prefix->index, rest) != nullptr;
    if (there && (set_flags_bits & kXattrCreate)) return Errno::EEXIST;
    if (!there && (set_flags_bits & kXattrReplace)) return Errno::ENODATA;
    Result<void> done = store.put(op, std::move(attribute));
    touch_ctime();
    TRY(write_to_disk(op));
    return done;
}

Result<void> Ext4Inode::removexattr(const char* name) {
    const char* rest = nullptr;
    const Prefix* prefix = prefix_of(name, &rest);
    if (!prefix || (prefix->index == 1 && !fs().options.user_xattr)) return Errno::EOPNOTSUPP;
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Store store(*this);
    TRY(store.load());
    const bool removed = TRY(store.remove(op, prefix->index, rest));
    if (!removed) return Errno::ENODATA;
    touch_ctime();
    return write_to_disk(op);
}

Result<void> Ext4Inode::listxattr(KString& names) {
    MutexGuard guard(fs().lock);
    Store store(*this);
    TRY(store.load());
    return store.list(names);
}
