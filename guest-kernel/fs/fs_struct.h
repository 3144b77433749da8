// FsStruct: where a process stands in the tree: its root, its working directory, its umask (chroot(2),
// chdir(2), umask(2)); shared by threads and CLONE_FS.
#pragma once

#include "core/refcount.h"
#include "fs/path.h"
#include "sync/guarded.h"

struct FsStruct final : RefCounted {
    /// The tree's root, umask 022: what the first process gets.
    static Result<RefPtr<FsStruct>> make();
    /// For fork.
    Result<RefPtr<FsStruct>> clone();

    Path root();
    Path cwd();
    void set_root(Path path);
    void set_cwd(Path path);
    u32 umask() const { return __atomic_load_n(&umask_, __ATOMIC_RELAXED); }
    u32 set_umask(u32 mask) { return __atomic_exchange_n(&umask_, mask & 0777, __ATOMIC_RELAXED); }

  private:
    struct Places {
        Path root, cwd;
    };
    Guarded<Places, LockRank::kFiles> places_;
    u32 umask_ = 022;
};

/// pivot_root(2): whoever had `from` as root or working directory has `to` (task/namespaces.cpp).
void move_everyones_root(const Path& from, const Path& to);
