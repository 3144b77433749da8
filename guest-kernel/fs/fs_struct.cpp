// A process's place in the tree.
#include "fs/fs_struct.h"

#include "fs/mount.h"

Result<RefPtr<FsStruct>> FsStruct::make() {
    RefPtr<FsStruct> fs = TRY(make_ref<FsStruct>());
    const Path root = topmost(root_path());
    fs->set_root(root);
    fs->set_cwd(root);
    return fs;
}

Result<RefPtr<FsStruct>> FsStruct::clone() {
    RefPtr<FsStruct> copy = TRY(make_ref<FsStruct>());
    *copy->places_.lock() = places_.with([](Places& mine) { return mine; });
    copy->umask_ = umask();
    return copy;
}

Path FsStruct::root() {
    return places_.with([](Places& places) { return places.root; });
}
Path FsStruct::cwd() {
    return places_.with([](Places& places) { return places.cwd; });
}
// The old place is let go when the lock is free again.
void FsStruct::set_root(Path path) {
    places_.with([&](Places& places) { std::swap(places.root, path); });
}
void FsStruct::set_cwd(Path path) {
    places_.with([&](Places& places) { std::swap(places.cwd, path); });
}
