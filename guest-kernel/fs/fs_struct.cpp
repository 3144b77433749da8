// A process's place in the tree.
#include "fs/fs_struct.h"

#include "fs/mount.h"

Result<RefPtr<FsStruct>> FsStruct::make() {
    RefPtr<FsStruct> fs = TRY(make_ref<FsStruct>());
    fs->root_ = topmost(root_path());
    fs->cwd_ = fs->root_;
    return fs;
}

Result<RefPtr<FsStruct>> FsStruct::clone() {
    RefPtr<FsStruct> copy = TRY(make_ref<FsStruct>());
    copy->root_ = root();
    copy->cwd_ = cwd();
    copy->umask_ = umask();
    return copy;
}

Path FsStruct::root() {
    MutexGuard guard(lock_);
    return root_;
}
Path FsStruct::cwd() {
    MutexGuard guard(lock_);
    return cwd_;
}
void FsStruct::set_root(Path path) {
    MutexGuard guard(lock_);
    std::swap(root_, path);
}
void FsStruct::set_cwd(Path path) {
    MutexGuard guard(lock_);
    std::swap(cwd_, path);
}
