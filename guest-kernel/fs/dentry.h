// Dentry: a name in a directory that led to an inode, and the cache of such names.
//
// Guarantees: a dentry holds its parent and its inode. Of one directory and name at most one dentry is in the
// cache. An unused one stays in the cache (as many as one for 16 pages of memory, the oldest are dropped) until
// its name goes away. There are no negative entries: the file systems so far are in memory and answer as fast.
// Locking: the cache's hash, the parents, names and the counts' step to zero are under one spin lock
// (LockRank::kDcache), so a dentry's text must be read under DcacheGuard or while its directory is locked.
#pragma once

#include "core/list.h"
#include "core/refcount.h"
#include "fs/inode.h"

struct Dcache;

class Dentry {
  public:
    /// A root: no parent, the name "/".
    static Result<RefPtr<Dentry>> make_root(RefPtr<Inode> inode);
    /// A dentry that no directory lists (pipes, memfd): shown as `label`.
    static Result<RefPtr<Dentry>> make_detached(RefPtr<Inode> inode, const char* label);
    /// Enters (`parent`, `name`) → `inode` into the cache; if it is there already, that one is given back.
    static Result<RefPtr<Dentry>> add(Dentry& parent, const Name& name, RefPtr<Inode> inode);
    /// The cached dentry, or null.
    static RefPtr<Dentry> find(Dentry& parent, const Name& name);

    /// Takes the name out of the cache: unlinked, or stale.
    void drop();
    /// Gives the dentry a new place after a rename.
    Result<void> move_to(Dentry& new_parent, const Name& new_name);
    /// Drops every unused cached name of `super` (all when null).
    static void prune(SuperBlock* super);
    static u32 unused_count();

    Inode& inode() const { return *inode_; }
    RefPtr<Dentry> parent() const;
    Dentry* raw_parent() const { return parent_.get(); }
    bool is_root() const { return !parent_ && !detached_; }
    bool is_detached() const { return detached_; }
    /// Nobody but the caller holds it.
    bool is_sole_user() const { return __atomic_load_n(&refs_, __ATOMIC_RELAXED) == 1; }
    bool hashed() const { return hash_node_.linked(); }
    /// The name at this moment; empty when memory is short.
    KString copy_name() const;
    Name name() const { return Name(name_.c_str(), name_.size()); }
    bool is_below(const Dentry& ancestor) const;  ///< `ancestor` itself counts

    void ref() const { __atomic_add_fetch(&refs_, 1, __ATOMIC_RELAXED); }
    void unref() const;

    u32 mounts_here = 0;  ///< how many Mounts cover this place (under the mount table's lock)

  private:
    Dentry() = default;
    ~Dentry() = default;
    static Result<Dentry*> allocate(const Name& name, RefPtr<Inode> inode);
    static void free_chain(Dentry* dentry);
    bool release_to(Dcache& cache);
    u32 bucket() const;

    mutable u32 refs_ = 1;
    bool detached_ = false;
    KString name_;
    RefPtr<Inode> inode_;
    RefPtr<Dentry> parent_;
    ListNode hash_node_;
    ListNode unused_node_;
    friend struct Dcache;
};
