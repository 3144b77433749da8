// devtmpfs on top of tmpfs.
#include "fs/tmpfs/devtmpfs.h"

#include "fs/dentry.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs.h"

namespace {

RefPtr<SuperBlock> g_devices;

Result<RefPtr<SuperBlock>> mount_devtmpfs(const char*, const char*) {
    if (!g_devices) return Errno::ENODEV;
    return RefPtr<SuperBlock>(g_devices);
}
FileSystemType g_devtmpfs_type = {"devtmpfs", true, mount_devtmpfs, nullptr};

// Runs `make(directory, last name)` with the directory of `path` locked; directories on the way are made.
template <class Make>
Result<void> in_directory_of(const char* path, Make make) {
    RefPtr<Inode> dir(&g_devices->root->inode());
    for (;;) {
        const char* slash = strchr(path, '/');
        RefPtr<Inode> below;
        {
            MutexGuard guard(dir->lock);
            if (!slash) return make(*dir, Name(path));
            const Name name(path, static_cast<size_t>(slash - path));
            Result<RefPtr<Inode>> there = dir->lookup(name);
            below = there.ok() ? there.release_value() : TRY(dir->mkdir(name, S_IFDIR | 0755));
        }
        path = slash + 1;
        dir = std::move(below);
    }
}

}  // namespace

void init_devtmpfs() {
    char options[96];
    const unsigned long long pages = memory_counts().total / 2;
    snprintf(options, sizeof(options), "size=%lluk,nr_inodes=%llu,mode=755", pages * (kPageSize / 1024),
             pages);
    Result<RefPtr<SuperBlock>> super = TmpfsSuper::mount("devtmpfs", options);
    if (!super.ok()) panic("devtmpfs: no memory");
    g_devices = super.release_value();
    register_filesystem(&g_devtmpfs_type);
}

Result<void> devtmpfs_create_node(const char* name, u32 mode, dev_t device) {
    return in_directory_of(name, [&](Inode& dir, const Name& last) -> Result<void> {
        RefPtr<Inode> made = TRY(dir.mknod(last, mode, device));
        made->uid = made->gid = 0;
        return {};
    });
}

void devtmpfs_remove_node(const char* name, dev_t device) {
    // The name's cached dentry, if there is one, is found along the same way.
    RefPtr<Dentry> parent = g_devices->root;
    for (const char* slash = strchr(name, '/'); slash; slash = strchr(name, '/')) {
        if (parent) parent = Dentry::find(*parent, Name(name, static_cast<size_t>(slash - name)));
        name = slash + 1;
    }
    RefPtr<Dentry> cached = parent ? Dentry::find(*parent, Name(name)) : nullptr;
    RefPtr<Inode> victim;  // outlives the lock
    const Result<void> gone = in_directory_of(name, [&](Inode& dir, const Name& last) -> Result<void> {
        victim = TRY(dir.lookup(last));
        if (victim->rdev != device) return Errno::ENOENT;
        return dir.unlink(last, *victim);
    });
    if (gone.ok() && cached) cached->drop();
}

Result<void> devtmpfs_create_link(const char* name, const char* target) {
    return in_directory_of(name, [&](Inode& dir, const Name& last) -> Result<void> {
        TRY(dir.symlink(last, target));
        return {};
    });
}

Result<void> devtmpfs_create_dir(const char* name) {
    return in_directory_of(name, [&](Inode& dir, const Name& last) -> Result<void> {
        TRY(dir.mkdir(last, S_IFDIR | 0755));
        return {};
    });
}
