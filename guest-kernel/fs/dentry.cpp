// The directory cache: one hash table of (parent, name), one list of unused entries, oldest first.
#include "fs/dentry.h"

#include "fs/notify.h"
#include "mm/buddy.h"
#include "sync/guarded.h"

struct Dcache {
    static constexpr u32 kBuckets = 4096;
    List<Dentry, &Dentry::hash_node_> buckets[kBuckets];
    List<Dentry, &Dentry::unused_node_> unused;
    u32 unused_count = 0;
    u32 most_unused = 0;  ///< 0: not worked out yet

    bool too_many_unused() {
        // With its inode one takes about a fourth of a page, so that all together take a few per cent of memory.
        if (most_unused == 0)
            most_unused = static_cast<u32>(min<u64>(max<u64>(buddy_total_pages() / 16, 2048), 65536));
        return unused_count > most_unused;
    }
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
Guarded<Dcache, LockRank::kDcache> g_dcache;
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
    RefPtr<Dentry> found = g_dcache.with([&](Dcache& cache) -> RefPtr<Dentry> {
        if (Dentry* there = cache.find(parent, name)) {
            cache.forget_unused(there);
            return RefPtr<Dentry>(there);
        }
        cache.bucket_of(parent, name).push_back(fresh);
        return nullptr;
    });
    if (!found) return adopt_ref(fresh);
    free_chain(fresh);
    return found;
}

RefPtr<Dentry> Dentry::find(Dentry& parent, const Name& name) {
    const auto cache = g_dcache.lock();
    Dentry* there = cache->find(parent, name);
    if (!there) return nullptr;
    cache->forget_unused(there);
    return RefPtr<Dentry>(there);
}

KString Dentry::copy_name() const {
    const auto cache = g_dcache.lock();
    Result<KString> copy = KString::make(name_.c_str(), name_.size());
    return copy.ok() ? copy.release_value() : KString();
}

RefPtr<Dentry> Dentry::parent() const {
    const auto cache = g_dcache.lock();
    return parent_;
}

void Dentry::drop() {
    const auto cache = g_dcache.lock();
    if (hash_node_.linked()) hash_node_.remove();
}

Result<void> Dentry::move_to(Dentry& new_parent, const Name& new_name) {
    KString text = TRY(KString::make(new_name.text, new_name.length));
    RefPtr<Dentry> parent(&new_parent);
    {
        const auto cache = g_dcache.lock();
        if (hash_node_.linked()) hash_node_.remove();
        std::swap(name_, text);
        std::swap(parent_, parent);
        cache->bucket_of(new_parent, name()).push_back(this);
    }
    return {};  // the old parent and name go here, outside the lock
}

bool Dentry::is_below(const Dentry& ancestor) const {
    const auto cache = g_dcache.lock();
    for (const Dentry* d = this; d; d = d->parent_.get()) {
        if (d == &ancestor) return true;
    }
    return false;
}

// The count fell to zero, under the lock. True when the dentry must be freed (by the caller, unlocked).
bool Dentry::release_to(Dcache& cache) {
    if (!hash_node_.linked()) return true;
    if (!parent_->inode().cache_names()) {
        hash_node_.remove();
        return true;
    }
    cache.unused.push_back(this);
    cache.unused_count++;
    return false;
}

void Dentry::unref() const {
    for (u32 seen = __atomic_load_n(&refs_, __ATOMIC_RELAXED); seen > 1;) {
        if (__atomic_compare_exchange_n(&refs_, &seen, seen - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return;
    }
    // The step to zero is taken under the lock, so that find() never meets a dentry that is being freed.
    Dentry* doomed = g_dcache.with([this](Dcache& cache) -> Dentry* {
        if (__atomic_sub_fetch(&refs_, 1, __ATOMIC_ACQ_REL) != 0) return nullptr;
        Dentry* self = const_cast<Dentry*>(this);
        if (self->release_to(cache)) return self;
        return cache.too_many_unused() ? cache.evict(cache.unused.front()) : nullptr;
    });
    if (doomed) free_chain(doomed);
}

// Frees a dentry, then its parent when that was only kept by it, and so on: a loop, since paths can be deep.
void Dentry::free_chain(Dentry* dentry) {
    while (dentry) {
        Dentry* parent = dentry->parent_.leak();
        if (dentry->inode_->nlink == 0) notify_gone(*dentry->inode_);
        delete dentry;
        if (!parent) return;
        dentry = g_dcache.with([parent](Dcache& cache) {
            const bool unused = __atomic_sub_fetch(&parent->refs_, 1, __ATOMIC_ACQ_REL) == 0;
            return unused && parent->release_to(cache) ? parent : nullptr;
        });
    }
}

void Dentry::prune(SuperBlock* super) {
    // Freeing one may make its parent unused: look again until nothing is left.
    for (;;) {
        Dentry* victim = g_dcache.with([super](Dcache& cache) -> Dentry* {
            for (Dentry& d : cache.unused) {
                if (!super || d.inode_->sb == super) return cache.evict(&d);
            }
            return nullptr;
        });
        if (!victim) return;
        free_chain(victim);
    }
}

u32 Dentry::unused_count() {
    return g_dcache.lock()->unused_count;
}
