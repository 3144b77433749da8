// Path walk, opening, and changes of the tree, against path_resolution(7) and the calls' manual pages.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/cred.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "fs/vfs_ops.h"

using namespace shim;

namespace {

Errno open_error(const char* path, int flags = O_RDONLY, u32 mode = 0644) {
    return error_of(vfs_open(path, flags, mode));
}
Errno do_mkdir(const char* path) {
    return error_of(vfs_mkdir(AT_FDCWD, path, 0755));
}
Errno do_symlink(const char* target, const char* path) {
    return error_of(vfs_symlink(target, AT_FDCWD, path));
}
Errno do_unlink(const char* path) {
    return error_of(vfs_unlink(AT_FDCWD, path));
}
Errno do_rmdir(const char* path) {
    return error_of(vfs_rmdir(AT_FDCWD, path));
}
Errno do_rename(const char* from, const char* to, u32 flags = 0) {
    return error_of(vfs_rename(AT_FDCWD, from, AT_FDCWD, to, flags));
}
Errno do_link(const char* from, const char* to) {
    return error_of(vfs_link(AT_FDCWD, from, AT_FDCWD, to, 0));
}
Inode& inode_of(const char* path) {
    static Path kept;
    kept = lookup_at(AT_FDCWD, path, 0).release_value();
    Inode& inode = kept.inode();
    kept = Path();
    return inode;
}
// A user without rights: id 1000.
void become_user() {
    Credentials& c = task().cred;
    c.uid = c.euid = c.suid = c.fsuid = 1000;
    c.gid = c.egid = c.sgid = c.fsgid = 1000;
    c.cap_effective = c.cap_permitted = 0;
}

}  // namespace

TEST_CASE("names are found, and missing or wrong ones answer as Linux does") {
    World w;
    REQUIRE(do_mkdir("/d") == Errno::OK);
    REQUIRE(make_file("/d/f", "hello") == Errno::OK);
    CHECK(read_file("/d/f") == "hello");
    CHECK(read_file("//d///./../d/f") == "hello");
    CHECK(read_file("/../../d/f") == "hello");
    CHECK(open_error("/d/g") == Errno::ENOENT);
    CHECK(open_error("/x/f") == Errno::ENOENT);
    CHECK(open_error("/d/f/x") == Errno::ENOTDIR);
    CHECK(open_error("/d/f/") == Errno::ENOTDIR);
    CHECK(open_error("/d/f/.") == Errno::ENOTDIR);
    CHECK(open_error("") == Errno::ENOENT);
    CHECK(open_error(("/" + std::string(256, 'a')).c_str()) == Errno::ENAMETOOLONG);
    CHECK(open_error(("/" + std::string(255, 'a')).c_str()) == Errno::ENOENT);
    CHECK(open_error(std::string(4096, '/').c_str()) == Errno::ENAMETOOLONG);
    CHECK(open_error(std::string(4095, '/').c_str()) == Errno::OK);
}

TEST_CASE("open's flags") {
    World w;
    do_mkdir("/d");
    make_file("/f", "old");
    CHECK(open_error("/f", O_RDWR | O_CREAT | O_EXCL) == Errno::EEXIST);
    CHECK(open_error("/d", O_WRONLY) == Errno::EISDIR);
    CHECK(open_error("/d", O_RDONLY | O_CREAT) == Errno::EISDIR);
    CHECK(open_error("/f", O_DIRECTORY) == Errno::ENOTDIR);
    CHECK(open_error("/new/", O_CREAT | O_WRONLY) == Errno::EISDIR);
    CHECK(open_error("/d/..", O_CREAT | O_EXCL) == Errno::EEXIST);
    CHECK(open_error("/f", O_WRONLY | O_TRUNC) == Errno::OK);
    CHECK(read_file("/f").empty());
    CHECK(open_error("/m", O_WRONLY | O_CREAT, 0666) == Errno::OK);
    CHECK((inode_of("/m").mode & 07777) == 0644);  // umask 022
}

TEST_CASE("O_APPEND writes at the end whatever the position is") {
    World w;
    make_file("/f", "one");
    RefPtr<File> a = vfs_open("/f", O_WRONLY | O_APPEND, 0).release_value();
    loff_t at = 0;
    REQUIRE(kernel_write(*a, "two", 3, at).value() == 3);
    CHECK(at == 6);
    CHECK(read_file("/f") == "onetwo");
}

TEST_CASE("symbolic links: followed, not followed, relative, absolute, broken, looping") {
    World w;
    do_mkdir("/d");
    make_file("/d/f", "data");
    do_symlink("d/f", "/rel");
    do_symlink("/d", "/abs");
    do_symlink("nowhere", "/broken");
    do_symlink("loop", "/loop");
    CHECK(read_file("/rel") == "data");
    CHECK(read_file("/abs/f") == "data");
    CHECK(read_file("/abs/../rel") == "data");
    CHECK(open_error("/broken") == Errno::ENOENT);
    CHECK(open_error("/loop") == Errno::ELOOP);
    CHECK(open_error("/loop/x") == Errno::ELOOP);
    CHECK(open_error("/rel", O_NOFOLLOW) == Errno::ELOOP);
    CHECK(open_error("/rel", O_NOFOLLOW | O_PATH) == Errno::OK);
    CHECK(open_error("/abs", O_NOFOLLOW | O_DIRECTORY) == Errno::ENOTDIR);
    CHECK(open_error("/rel/", O_RDONLY) == Errno::ENOTDIR);
    CHECK(make_file("/broken", "made") == Errno::OK);  // created where the link points
    CHECK(read_file("/nowhere") == "made");
    CHECK(open_error("/broken", O_CREAT | O_EXCL) == Errno::EEXIST);
    CHECK(do_symlink("", "/empty") == Errno::ENOENT);
    CHECK(do_symlink("x", "/rel") == Errno::EEXIST);
    // 40 links in a row are followed, 41 are not.
    for (int i = 0; i < 41; i++) {
        do_symlink(i == 0 ? "/d" : ("/l" + std::to_string(i - 1)).c_str(),
                   ("/l" + std::to_string(i)).c_str());
    }
    CHECK(open_error("/l39") == Errno::OK);
    CHECK(open_error("/l40") == Errno::ELOOP);
}

TEST_CASE("directories are made and removed") {
    World w;
    CHECK(do_mkdir("/a/") == Errno::OK);
    CHECK(do_mkdir("/a") == Errno::EEXIST);
    CHECK(do_mkdir("/") == Errno::EEXIST);
    CHECK(do_mkdir("/b/c") == Errno::ENOENT);
    CHECK(do_mkdir("/a/b") == Errno::OK);
    CHECK(inode_of("/a").nlink == 3);
    CHECK(do_rmdir("/a") == Errno::ENOTEMPTY);
    CHECK(do_rmdir("/a/b/.") == Errno::EINVAL);
    CHECK(do_rmdir("/a/b/..") == Errno::ENOTEMPTY);
    CHECK(do_rmdir("/") == Errno::EBUSY);
    CHECK(do_unlink("/a") == Errno::EISDIR);
    CHECK(do_rmdir("/a/b") == Errno::OK);
    CHECK(inode_of("/a").nlink == 2);
    make_file("/f", "");
    CHECK(do_rmdir("/f") == Errno::ENOTDIR);
    CHECK(do_unlink("/f/") == Errno::ENOTDIR);
    CHECK(do_unlink("/f") == Errno::OK);
    CHECK(do_unlink("/f") == Errno::ENOENT);
}

TEST_CASE("a removed working directory still exists for those in it") {
    World w;
    do_mkdir("/gone");
    task().fs->set_cwd(lookup_at(AT_FDCWD, "/gone", 0).release_value());
    REQUIRE(do_rmdir("/gone") == Errno::OK);
    CHECK(open_error(".") == Errno::OK);
    CHECK(make_file("f", "") == Errno::ENOENT);
    CHECK(open_error("..") == Errno::OK);
    KString text = path_text(task().fs->cwd(), task().fs->root()).release_value();
    CHECK(std::string(text.c_str()) == "/gone (deleted)");
}

TEST_CASE("hard links share the file; directories have none") {
    World w;
    make_file("/a", "x");
    CHECK(do_link("/a", "/b") == Errno::OK);
    CHECK(inode_of("/a").nlink == 2);
    CHECK(&inode_of("/a") == &inode_of("/b"));
    CHECK(do_link("/a", "/b") == Errno::EEXIST);
    do_mkdir("/d");
    CHECK(do_link("/d", "/e") == Errno::EPERM);
    do_unlink("/a");
    CHECK(read_file("/b") == "x");
    CHECK(inode_of("/b").nlink == 1);
}

TEST_CASE("rename replaces what may be replaced") {
    World w;
    make_file("/a", "A");
    make_file("/b", "B");
    CHECK(do_rename("/a", "/b") == Errno::OK);
    CHECK(read_file("/b") == "A");
    CHECK(open_error("/a") == Errno::ENOENT);
    do_mkdir("/d");
    do_mkdir("/e");
    CHECK(do_rename("/d", "/b") == Errno::ENOTDIR);
    CHECK(do_rename("/b", "/d") == Errno::EISDIR);
    make_file("/e/x", "");
    CHECK(do_rename("/d", "/e") == Errno::ENOTEMPTY);
    CHECK(do_rename("/e", "/d") == Errno::OK);
    CHECK(open_error("/d/x") == Errno::OK);
    CHECK(do_rename("/d", "/d/sub") == Errno::EINVAL);
    CHECK(do_rename("/d/x", "/d") == Errno::ENOTEMPTY);
    CHECK(do_rename("/d/.", "/y") == Errno::EBUSY);
    CHECK(do_rename("/b", "/c", RENAME_NOREPLACE) == Errno::OK);
    make_file("/b", "");
    CHECK(do_rename("/c", "/b", RENAME_NOREPLACE) == Errno::EEXIST);
    CHECK(do_rename("/c", "/none", RENAME_EXCHANGE) == Errno::ENOENT);
    CHECK(do_rename("/c", "/d", RENAME_EXCHANGE) == Errno::OK);
    CHECK(inode_of("/c").is_dir());
    CHECK(read_file("/d") == "A");
    CHECK(do_rename("/c", "/d", RENAME_WHITEOUT | RENAME_EXCHANGE) == Errno::EINVAL);
}

TEST_CASE("moving a directory keeps link counts and the cache right") {
    World w;
    do_mkdir("/a");
    do_mkdir("/b");
    do_mkdir("/a/s");
    make_file("/a/s/f", "f");
    CHECK(do_rename("/a/s", "/b/t") == Errno::OK);
    CHECK(inode_of("/a").nlink == 2);
    CHECK(inode_of("/b").nlink == 3);
    CHECK(read_file("/b/t/f") == "f");
    CHECK(read_file("/b/t/../t/f") == "f");
    CHECK(open_error("/a/s/f") == Errno::ENOENT);
}

TEST_CASE("permissions by owner, group, others; directories need x") {
    World w;
    do_mkdir("/open");
    make_file("/open/r", "secret");
    do_mkdir("/closed");
    make_file("/closed/f", "");
    inode_of("/closed").mode = S_IFDIR | 0700;
    inode_of("/open/r").mode = S_IFREG | 0640;
    become_user();
    CHECK(open_error("/open/r") == Errno::EACCES);
    CHECK(open_error("/closed/f") == Errno::EACCES);
    CHECK(make_file("/open/new", "") == Errno::EACCES);
    CHECK(do_unlink("/open/r") == Errno::EACCES);
    inode_of("/open/r").gid = 1000;
    CHECK(open_error("/open/r") == Errno::OK);
    CHECK(open_error("/open/r", O_WRONLY) == Errno::EACCES);
    // The owner's bits count for the owner, even where others have more.
    inode_of("/open/r").uid = 1000;
    inode_of("/open/r").mode = S_IFREG | 0077;
    CHECK(open_error("/open/r") == Errno::EACCES);
}

TEST_CASE("the sticky bit keeps others' names safe") {
    World w;
    do_mkdir("/tmp");
    inode_of("/tmp").mode = S_IFDIR | 01777;
    make_file("/tmp/root", "");
    become_user();
    CHECK(make_file("/tmp/mine", "") == Errno::OK);
    CHECK(do_unlink("/tmp/root") == Errno::EPERM);
    CHECK(do_rename("/tmp/root", "/tmp/x") == Errno::EPERM);
    CHECK(do_rename("/tmp/mine", "/tmp/root") == Errno::EPERM);
    CHECK(do_unlink("/tmp/mine") == Errno::OK);
}

TEST_CASE("set-group-ID directories give their group") {
    World w;
    do_mkdir("/g");
    inode_of("/g").gid = 42;
    inode_of("/g").mode |= S_ISGID;
    make_file("/g/f", "");
    do_mkdir("/g/d");
    CHECK(inode_of("/g/f").gid == 42);
    CHECK(inode_of("/g/d").gid == 42);
    CHECK((inode_of("/g/d").mode & S_ISGID) != 0);
}

TEST_CASE("mounts cover, stack, and are busy while used") {
    World w;
    do_mkdir("/m");
    make_file("/m/under", "");
    REQUIRE(do_mount("none", "/m", "tmpfs", 0, nullptr).ok());
    CHECK(open_error("/m/under") == Errno::ENOENT);
    make_file("/m/over", "1");
    CHECK(read_file("/m/../m/over") == "1");
    CHECK(do_rename("/m/over", "/elsewhere") == Errno::EXDEV);
    CHECK(do_rmdir("/m") == Errno::EBUSY);
    RefPtr<File> user = vfs_open("/m/over", O_RDONLY, 0).release_value();
    CHECK(error_of(do_umount("/m", 0)) == Errno::EBUSY);
    user.reset();
    CHECK(error_of(do_umount("/m/over", 0)) == Errno::EINVAL);
    CHECK(error_of(do_umount("/m", 0)) == Errno::OK);
    CHECK(open_error("/m/under") == Errno::OK);
    CHECK(error_of(do_umount("/m", 0)) == Errno::EINVAL);
    CHECK(error_of(do_mount("none", "/m", "nosuchfs", 0, nullptr)) == Errno::ENODEV);
    CHECK(error_of(do_mount("none", "/m", "tmpfs", 0, "size=x")) == Errno::EINVAL);
    CHECK(error_of(do_mount("none", "/m/under", "tmpfs", 0, nullptr)) == Errno::ENOTDIR);
}

TEST_CASE("bind and read-only mounts") {
    World w;
    do_mkdir("/src");
    do_mkdir("/dst");
    make_file("/src/f", "1");
    REQUIRE(do_mount("/src", "/dst", nullptr, MS_BIND, nullptr).ok());
    CHECK(read_file("/dst/f") == "1");
    REQUIRE(do_mount(nullptr, "/dst", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr).ok());
    CHECK(make_file("/dst/f", "2") == Errno::EROFS);
    CHECK(make_file("/dst/g", "") == Errno::EROFS);
    CHECK(do_unlink("/dst/f") == Errno::EROFS);
    CHECK(make_file("/src/f", "2") == Errno::OK);
    CHECK(read_file("/dst/f") == "2");
    CHECK(error_of(do_umount("/dst", 0)) == Errno::OK);
}

TEST_CASE("a chroot cannot be left by dot-dot") {
    World w;
    do_mkdir("/jail");
    make_file("/secret", "");
    make_file("/jail/in", "");
    Path jail = lookup_at(AT_FDCWD, "/jail", 0).release_value();
    const Path outside = task().fs->root();
    task().fs->set_root(jail);
    task().fs->set_cwd(jail);
    CHECK(open_error("/../../secret") == Errno::ENOENT);
    CHECK(open_error("../in") == Errno::OK);
    task().fs->set_root(outside);
    task().fs->set_cwd(outside);
}

TEST_CASE("O_PATH files name a place and do nothing else") {
    World w;
    make_file("/f", "x");
    RefPtr<File> f = vfs_open("/f", O_PATH | O_RDWR, 0).release_value();
    char c;
    loff_t at = 0;
    CHECK(error_of(kernel_read(*f, &c, 1, at)) == Errno::EBADF);
    CHECK(error_of(kernel_write(*f, &c, 1, at)) == Errno::EBADF);
}

TEST_CASE("a file being executed cannot be written, and the other way round") {
    World w;
    make_file("/prog", "x");
    Inode& inode = inode_of("/prog");
    REQUIRE(inode.deny_write_access().ok());
    CHECK(open_error("/prog", O_WRONLY) == Errno::ETXTBSY);
    CHECK(open_error("/prog", O_RDONLY) == Errno::OK);
    inode.allow_write_access();
    RefPtr<File> writer = vfs_open("/prog", O_WRONLY, 0).release_value();
    CHECK(error_of(inode.deny_write_access()) == Errno::ETXTBSY);
}

TEST_CASE("an empty path is the place itself, also when that is a symbolic link") {
    World world;
    REQUIRE(vfs_symlink("nowhere", AT_FDCWD, "/link").ok());
    const Path link = lookup_at(AT_FDCWD, "/link", 0).release_value();
    const Path same = lookup_path(link, "", kWalkEmpty | kWalkFollow).release_value();
    CHECK(&same.inode() == &link.inode());
    CHECK(error_of(lookup_path(link, "", kWalkEmpty | kWalkDirectory)) == Errno::ENOTDIR);
    CHECK(error_of(lookup_path(link, "", 0)) == Errno::ENOENT);
}
