// tmpfs directories: the table of names, and the operations that change it. The VFS holds the directories'
// locks.
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/tmpfs/tmpfs.h"

namespace {

// Newer entries come first, so positions count down from here; 0 and 1 are "." and "..".
constexpr loff_t kLastPosition = 1ll << 40;

TmpfsEntry* entry_of(ListNode* node) {
    return reinterpret_cast<TmpfsEntry*>(node);  // `order` is the first member
}
static_assert(__builtin_offsetof(TmpfsEntry, order) == 0);

}  // namespace

TmpfsEntry* TmpfsNames::find(const Name& name) const {
    if (buckets_.empty()) return nullptr;
    for (TmpfsEntry* e = buckets_[name.hash % buckets_.size()]; e; e = e->next_in_bucket) {
        if (e->hash == name.hash && Name(e->name.c_str(), e->name.size()) == name) return e;
    }
    return nullptr;
}

Result<void> TmpfsNames::grow() {
    const size_t size = buckets_.empty() ? 8 : buckets_.size() * 4;
    Vec<TmpfsEntry*> fresh;
    TRY(fresh.resize(size));
    for (TmpfsEntry*& head : fresh) head = nullptr;
    for (ListNode* n = order_.next; n != &order_; n = n->next) {
        TmpfsEntry* e = entry_of(n);
        e->next_in_bucket = fresh[e->hash % size];
        fresh[e->hash % size] = e;
    }
    buckets_ = std::move(fresh);
    return {};
}

Result<void> TmpfsNames::insert(const Name& name, RefPtr<Inode> inode) {
    if (count_ >= buckets_.size() * 2) TRY(grow());
    KString text = TRY(KString::make(name.text, name.length));
    TmpfsEntry* e = new (std::nothrow) TmpfsEntry;
    if (!e) return Errno::ENOMEM;
    e->name = std::move(text);
    e->hash = name.hash;
    e->inode = std::move(inode);
    e->position = kLastPosition - next_position_++;
    e->order.insert_before(order_.next);
    e->next_in_bucket = buckets_[e->hash % buckets_.size()];
    buckets_[e->hash % buckets_.size()] = e;
    count_++;
    return {};
}

void TmpfsNames::remove(TmpfsEntry* entry) {
    for (TmpfsEntry** link = &buckets_[entry->hash % buckets_.size()]; *link;
         link = &(*link)->next_in_bucket) {
        if (*link != entry) continue;
        *link = entry->next_in_bucket;
        break;
    }
    entry->order.remove();
    count_--;
    delete entry;
}

TmpfsEntry* TmpfsNames::at(loff_t position) const {
    for (ListNode* n = order_.next; n != &order_; n = n->next) {
        if (entry_of(n)->position >= position) return entry_of(n);
    }
    return nullptr;
}

// A whole tree may hang below: it is taken apart in a loop, since recursion could be as deep as the tree.
TmpfsNames::~TmpfsNames() {
    while (order_.linked()) {
        TmpfsEntry* e = entry_of(order_.next);
        e->order.remove();
        if (e->inode->is_dir() && e->inode->ref_count() == 1) {
            TmpfsNames& below = static_cast<TmpfsInode&>(*e->inode).names;
            while (below.order_.linked()) {
                ListNode* child = below.order_.next;
                child->remove();
                child->insert_before(&order_);
            }
        }
        delete e;
    }
}

Result<void> TmpfsInode::enter(const Name& name, RefPtr<Inode> inode) {
    TRY(names.insert(name, std::move(inode)));
    count_names();
    touch_mtime();
    return {};
}

void TmpfsInode::leave(const Name& name) {
    names.remove(names.find(name));
    count_names();
    touch_mtime();
}

Result<RefPtr<Inode>> TmpfsInode::lookup(const Name& name) {
    if (!is_dir()) return Errno::ENOTDIR;
    TmpfsEntry* e = names.find(name);
    if (!e) return Errno::ENOENT;
    return RefPtr<Inode>(e->inode);
}

Result<RefPtr<Inode>> TmpfsInode::mknod(const Name& name, u32 new_mode, dev_t device) {
    RefPtr<TmpfsInode> fresh = TRY(super().new_inode(new_mode, this));
    fresh->rdev = device;
    TRY(enter(name, fresh));
    return RefPtr<Inode>(fresh);
}

Result<RefPtr<Inode>> TmpfsInode::mkdir(const Name& name, u32 new_mode) {
    RefPtr<Inode> fresh = TRY(mknod(name, new_mode, 0));
    nlink++;
    return fresh;
}

Result<RefPtr<Inode>> TmpfsInode::symlink(const Name& name, const char* text) {
    if (strlen(text) >= PATH_MAX) return Errno::ENAMETOOLONG;
    RefPtr<TmpfsInode> fresh = TRY(super().new_inode(S_IFLNK | 0777, this));
    fresh->target = TRY(KString::make(text));
    fresh->size = fresh->target.size();
    TRY(enter(name, fresh));
    return RefPtr<Inode>(fresh);
}

Result<void> TmpfsInode::link(const Name& name, Inode& existing) {
    if (existing.nlink == 0 && !static_cast<TmpfsInode&>(existing).is_regular()) return Errno::ENOENT;
    TRY(enter(name, RefPtr<Inode>(&existing)));
    existing.nlink++;
    existing.touch_ctime();
    return {};
}

Result<void> TmpfsInode::unlink(const Name& name, Inode& victim) {
    leave(name);
    victim.nlink--;
    victim.touch_ctime();
    return {};
}

Result<void> TmpfsInode::rmdir(const Name& name, Inode& victim) {
    if (!static_cast<TmpfsInode&>(victim).is_empty_dir()) return Errno::ENOTEMPTY;
    leave(name);
    nlink--;
    victim.nlink = 0;
    victim.touch_ctime();
    return {};
}

Result<void> TmpfsInode::rename(const Name& from, Inode& moved, Inode& to_dir, const Name& to, Inode* victim,
                                u32 flags) {
    TmpfsInode& target_dir = static_cast<TmpfsInode&>(to_dir);
    if (flags & RENAME_EXCHANGE) {
        TmpfsEntry* a = names.find(from);
        TmpfsEntry* b = target_dir.names.find(to);
        std::swap(a->inode, b->inode);
        if (moved.is_dir() != victim->is_dir()) {
            TmpfsInode& gains = moved.is_dir() ? target_dir : *this;
            TmpfsInode& loses = moved.is_dir() ? *this : target_dir;
            gains.nlink++;
            loses.nlink--;
        }
        touch_mtime();
        target_dir.touch_mtime();
        moved.touch_ctime();
        victim->touch_ctime();
        return {};
    }
    if (victim && victim->is_dir() && !static_cast<TmpfsInode*>(victim)->is_empty_dir())
        return Errno::ENOTEMPTY;
    RefPtr<Inode> keep(&moved);
    RefPtr<TmpfsInode> whiteout;
    if (flags & RENAME_WHITEOUT) whiteout = TRY(super().new_inode(S_IFCHR, this));
    if (victim) {
        target_dir.names.find(to)->inode = keep;  // in place: cannot fail half way
        victim->nlink = victim->is_dir() ? 0 : victim->nlink - 1;
        if (victim->is_dir()) target_dir.nlink--;
        victim->touch_ctime();
    } else {
        TRY(target_dir.names.insert(to, keep));
    }
    if (whiteout) {
        names.find(from)->inode = whiteout;
        touch_mtime();
    } else {
        leave(from);
    }
    if (moved.is_dir()) {
        nlink--;
        target_dir.nlink++;
    }
    target_dir.count_names();
    target_dir.touch_mtime();
    moved.touch_ctime();
    return {};
}

Result<RefPtr<Inode>> TmpfsInode::tmpfile(u32 new_mode) {
    RefPtr<TmpfsInode> fresh = TRY(super().new_inode(new_mode, this));
    fresh->nlink = 0;
    return RefPtr<Inode>(fresh);
}

Result<void> TmpfsInode::iterate(DirContext& context) {
    if (!is_dir()) return Errno::ENOTDIR;
    if (!context.emit_dots(*context.dentry)) return {};
    for (TmpfsEntry* e = names.at(context.position); e;
         e = e->order.next == names.end_marker() ? nullptr : entry_of(e->order.next)) {
        context.position = e->position;
        if (!context.emit(Name(e->name.c_str(), e->name.size()), e->inode->ino, dt_type(e->inode->mode))) {
            return {};
        }
        context.position = e->position + 1;
    }
    return {};
}

Result<KString> TmpfsInode::readlink() {
    if (!is_symlink()) return Errno::EINVAL;
    return KString::make(target.c_str(), target.size());
}
