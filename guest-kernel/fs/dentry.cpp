// The directory cache: one hash table of (parent, name), one list of unused entries, oldest first.
#include "fs/dentry.h"

struct Dcache {
    static constexpr u32 kBuckets = 1024;
    SpinLock lock{LockRank::kDcache};
    List<Dentry, &Dentry::hash_node_> buckets[kBuckets];
    List<Dentry, &Dentry::unused_node_> unused;
    u32 unused_count = 0;

    void forget_unused(Dentry* dentry) {
        if (!dentry->unused_node_.linked()) return;
        dentry->unused_node_.remove();
        unused_count--;
    }
    List<Dentry, &Dentry::hash_node_>& bucket_of(const Dentry& parent, const Name& name) {
        return buckets[(name.hash ^ static_cast<u32>(reinterpret_cast<u64>(&parent) >> 6)) % kBuckets];
    }
    Dentry* find(Dentry& parent, const Name& name) {
        for (Dentry& d : bucket_of(parent, name)) {
            if (d.parent_ == &parent && d.name() == name) return &d;
        }
        return nullptr;
    }
    /// Takes an unused entry off; the caller frees it after unlocking.
    Dentry* evict(Dentry* dentry) {
        forget_unused(dentry);
        dentry->hash_node_.remove();
        return dentry;
    }
};

namespace {
Dcache g_dcache;
}

Result<Dentry*> Dentry::allocate(const Name& name, RefPtr<Inode> inode) {
    KString text = TRY(KString::make(name.text, name.length));
    Dentry* d = new (std::nothrow) Dentry;
    if (!d) return Errno::ENOMEM;
    d->name_ = std::move(text);
    d->inode_ = std::move(inode);
    return d;
}

Result<RefPtr<Dentry>> Dentry::make_root(RefPtr<Inode> inode) {
    return adopt_ref(TRY(allocate(Name("/"), std::move(inode))));
}

Result<RefPtr<Dentry>> Dentry::make_detached(RefPtr<Inode> inode, const char* label) {
    Dentry* d = TRY(allocate(Name(label), std::move(inode)));
    d->detached_ = true;
    return adopt_ref(d);
}

Result<RefPtr<Dentry>> Dentry::add(Dentry& parent, const Name& name, RefPtr<Inode> inode) {
    Dentry* fresh = TRY(allocate(name, std::move(inode)));
    fresh->parent_ = RefPtr<Dentry>(&parent);
    g_dcache.lock.lock();
    if (Dentry* there = g_dcache.find(parent, name)) {
        g_dcache.forget_unused(there);
        RefPtr<Dentry> found(there);
        g_dcache.lock.unlock();
        free_chain(fresh);
        return found;
    }
    g_dcache.bucket_of(parent, name).push_back(fresh);
    g_dcache.lock.unlock();
    return adopt_ref(fresh);
}

RefPtr<Dentry> Dentry::find(Dentry& parent, const Name& name) {
    SpinGuard guard(g_dcache.lock);
    Dentry* there = g_dcache.find(parent, name);
    if (!there) return nullptr;
    g_dcache.forget_unused(there);
    return RefPtr<Dentry>(there);
}

RefPtr<Dentry> Dentry::parent() const {
    SpinGuard guard(g_dcache.lock);
    return parent_;
}

void Dentry::drop() {
    SpinGuard guard(g_dcache.lock);
    if (hash_node_.linked()) hash_node_.remove();
}

Result<void> Dentry::move_to(Dentry& new_parent, const Name& new_name) {
    KString text = TRY(KString::make(new_name.text, new_name.length));
    RefPtr<Dentry> parent(&new_parent);
    {
        SpinGuard guard(g_dcache.lock);
        if (hash_node_.linked()) hash_node_.remove();
        std::swap(name_, text);
        std::swap(parent_, parent);
        g_dcache.bucket_of(new_parent, name()).push_back(this);
    }
    return {};  // the old parent and name go here, outside the lock
}

bool Dentry::is_below(const Dentry& ancestor) const {
    SpinGuard guard(g_dcache.lock);
    for (const Dentry* d = this; d; d = d->parent_.get()) {
        if (d == &ancestor) return true;
    }
    return false;
}

// The count fell to zero, under the lock. True when the dentry must be freed (by the caller, unlocked).
bool Dentry::release_locked() {
    if (!hash_node_.linked()) return true;
    if (!parent_->inode().cache_names()) {
        hash_node_.remove();
        return true;
    }
    g_dcache.unused.push_back(this);
    g_dcache.unused_count++;
    return false;
}

void Dentry::unref() const {
    for (u32 seen = __atomic_load_n(&refs_, __ATOMIC_RELAXED); seen > 1;) {
        if (__atomic_compare_exchange_n(&refs_, &seen, seen - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return;
    }
    // The step to zero is taken under the lock, so that find() never meets a dentry that is being freed.
    g_dcache.lock.lock();
    Dentry* doomed = nullptr;
    if (__atomic_sub_fetch(&refs_, 1, __ATOMIC_ACQ_REL) == 0) {
        Dentry* self = const_cast<Dentry*>(this);
        if (self->release_locked()) {
            doomed = self;
        } else if (g_dcache.unused_count > kMaxUnused) {
            doomed = g_dcache.evict(g_dcache.unused.front());
        }
    }
    g_dcache.lock.unlock();
    if (doomed) free_chain(doomed);
}

// Frees a dentry, then its parent when that was only kept by it, and so on: a loop, since paths can be deep.
void Dentry::free_chain(Dentry* dentry) {
    while (dentry) {
        Dentry* parent = dentry->parent_.leak();
        delete dentry;
        if (!parent) return;
        g_dcache.lock.lock();
        dentry = nullptr;
        if (__atomic_sub_fetch(&parent->refs_, 1, __ATOMIC_ACQ_REL) == 0 && parent->release_locked()) {
            dentry = parent;
        }
        g_dcache.lock.unlock();
    }
}

void Dentry::prune(SuperBlock* super) {
    // Freeing one may make its parent unused: look again until nothing is left.
    for (;;) {
        Dentry* victim = nullptr;
        g_dcache.lock.lock();
        for (Dentry& d : g_dcache.unused) {
            if (!super || d.inode_->sb == super) {
                victim = g_dcache.evict(&d);
                break;
            }
        }
        g_dcache.lock.unlock();
        if (!victim) return;
        free_chain(victim);
    }
}

u32 Dentry::unused_count() {
    SpinGuard guard(g_dcache.lock);
    return g_dcache.unused_count;
}
