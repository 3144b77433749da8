// What ext4 does at its edges: feature flags, journals and trees that others have made, orphans, full disks, large
// directories, attributes, holes, flags, times, read-only media.
#include "tests/unit/kernel/shim/shim.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "fs/xattr.h"
#include "tests/unit/kernel/ext4_disk.h"

using namespace shim;
using namespace ext4_test;

namespace {

constexpr size_t kSuper = 1024;
constexpr size_t kIncompat = kSuper + 0x60, kRoCompat = kSuper + 0x64, kState = kSuper + 0x3a;

u32 word(const std::vector<u8>& image, size_t at) {
    u32 value;
    memcpy(&value, &image[at], sizeof(value));
    return value;
}
void set_word(std::vector<u8>& image, size_t at, u32 value) {
    memcpy(&image[at], &value, sizeof(value));
}

Inode& inode_of(const char* path, Path& keep) {
    keep = lookup_at(AT_FDCWD, path, 0).release_value();
    return keep.inode();
}

std::string attribute(const char* path, const char* name) {
    Path keep;
    char text[4096];
    Result<size_t> n = inode_of(path, keep).getxattr(name, text, sizeof(text));
    return n.ok() ? std::string(text, n.value()) : "errno " + std::to_string(static_cast<int>(n.error()));
}

}  // namespace

TEST_CASE("ext4: unknown features are refused as Linux refuses them") {
    World w;
    const std::vector<u8> good = make_image("-t ext4 -b 1024 -O ^metadata_csum", 8192);
    std::vector<u8> image = good;
    set_word(image, kIncompat, word(image, kIncompat) | 0x40000);
    CHECK(Mounted(image).error == Errno::EINVAL);
    CHECK(Mounted(image, nullptr, true).error == Errno::EINVAL);
    image = good;
    set_word(image, kRoCompat, word(image, kRoCompat) | 0x40000);
    CHECK(Mounted(image).error == Errno::EINVAL);
    CHECK(Mounted(image, nullptr, true).error == Errno::OK);
    image = good;
    set_word(image, kRoCompat,
             word(image, kRoCompat) | 0x1000);  // "read-only": mounted, but never for writing
    {
        Mounted m(image);
        CHECK(m.error == Errno::OK);
        CHECK(make_file("/mnt/f", "x") == Errno::EROFS);
    }
    image = good;
    image[kSuper + 0x38] = 0;
    CHECK(Mounted(image).error == Errno::EINVAL);
    CHECK(Mounted(good, "nonsense").error == Errno::EINVAL);
    CHECK(Mounted(good, "errors=maybe").error == Errno::EINVAL);
    CHECK(Mounted(good, "errors=remount-ro,barrier=0,discard,commit=30,data=ordered").error == Errno::OK);
    CHECK(Mounted(good, nullptr, false, "ext2").error == Errno::EINVAL);
    CHECK(Mounted(make_image("-t ext3 -b 1024", 8192), nullptr, false, "ext3").error == Errno::OK);
    CHECK(Mounted(make_image("-t ext2 -b 1024", 8192), nullptr, false, "ext2").error == Errno::OK);
    std::vector<u8> short_image(good.begin(), good.begin() + (4 << 20));
    CHECK(Mounted(short_image).error == Errno::EINVAL);
}

TEST_CASE("ext4: options are shown as Linux shows them") {
    World w;
    const std::vector<u8> image = make_image("-t ext4 -b 1024", 8192);
    const auto shown = [&](const char* options) {
        Mounted m(image, options);
        KString text;
        REQUIRE(m.super().show_options(text).ok());
        return std::string(text.c_str());
    };
    CHECK(shown(nullptr) == "");
    CHECK(shown("errors=remount-ro") == ",errors=remount-ro");
    CHECK(shown("nobarrier,discard,commit=30,data=writeback") ==
          ",discard,nobarrier,commit=30,data=writeback");
}

TEST_CASE("ext4: a tree that mke2fs has written is read") {
    World w;
    namespace fs = std::filesystem;
    const fs::path tree = fs::temp_directory_path() / ("orrery-tree-" + std::to_string(getpid()));
    fs::create_directories(tree / "sub" / "deep");
    std::string big;
    for (int i = 0; i < 100000; i++) big += std::to_string(i) + "\n";
    std::ofstream(tree / "big") << big;
    for (int i = 0; i < 1500; i++) std::ofstream(tree / "sub" / ("file-" + std::to_string(i))) << i;
    fs::create_symlink("sub/file-7", tree / "link");
    for (const char* options :
         {"-t ext4 -b 1024", "-t ext4 -b 4096 -O orphan_file", "-t ext3 -b 1024", "-t ext2 -b 4096"}) {
        INFO(options);
        Mounted m(make_image(std::string(options) + " -d " + tree.string(), 24576), nullptr, true);
        REQUIRE(m.error == Errno::OK);
        CHECK((read_file("/mnt/big") == big));
        CHECK(list_dir("/mnt/sub").size() == 1503);
        CHECK(read_file("/mnt/sub/file-1499") == "1499");
        CHECK(read_file("/mnt/link") == "7");
    }
    fs::remove_all(tree);
}

TEST_CASE("ext4: a log that others have written is replayed, and what it revokes is not") {
    World w;
    for (const char* csum : {"-c -v 3", "-c -v 2", ""}) {
        INFO(csum);
        std::vector<u8> image = make_image(
            std::string("-t ext4 -b 1024 -O ") + (*csum ? "metadata_csum" : "^metadata_csum"), 8192);
        TempFile file, data;
        data.write(std::vector<u8>(3 * 1024, 'J'));
        file.write(image);
        const std::string script =
            std::string("jo ") + csum + "\njw -b 7000,7001,7002 " + data.path + "\njw -r 7001\njc\n";
        TempFile commands;
        commands.write(std::vector<u8>(script.begin(), script.end()));
        const Ran ran = run("debugfs -w -f " + commands.path + " " + file.path);
        INFO(ran.output);
        image = file.read();
        REQUIRE((word(image, kIncompat) & 4) != 0);
        {
            Mounted m(image, nullptr, true);  // also a read-only mount replays
            REQUIRE(m.error == Errno::OK);
            CHECK(m.image()[7000 * 1024] == 'J');
            CHECK(m.image()[7001 * 1024] == 0);
            CHECK(m.image()[7002 * 1024 + 1023] == 'J');
            CHECK((word(m.image(), kIncompat) & 4) == 0);
        }
        // On a disk that may not be written nothing changes, and nothing is shown.
        Mounted m(make_image("-t ext4", 8192));
        REQUIRE(m.unmount() == Errno::OK);
        m.replace(image);
        m.disk->set_read_only(true);
        m.mount(nullptr, true);
        CHECK(m.error == Errno::EROFS);
        m.mount("noload", true);
        CHECK(m.error == Errno::OK);
        CHECK((m.image() == image));
    }
}

TEST_CASE("ext4: a file without a name lives until its last user, and not longer than the power") {
    World w;
    std::vector<u8> cut;
    {
        Mounted m(make_image("-t ext4 -b 1024", 8192));
        REQUIRE(make_file("/mnt/a", std::string(50000, 'a')) == Errno::OK);
        REQUIRE(make_file("/mnt/b", std::string(50000, 'b')) == Errno::OK);
        REQUIRE(make_file("/mnt/c", std::string(50000, 'c')) == Errno::OK);
        KernelStatfs before{};
        REQUIRE(m.super().sync().ok());
        REQUIRE(m.super().statfs(&before).ok());
        RefPtr<File> a = vfs_open("/mnt/a", O_RDWR, 0).release_value();
        RefPtr<File> b = vfs_open("/mnt/b", O_RDWR, 0).release_value();
        RefPtr<File> c = vfs_open("/mnt/c", O_RDWR, 0).release_value();
        for (const char* path : {"/mnt/a", "/mnt/b", "/mnt/c"}) REQUIRE(vfs_unlink(AT_FDCWD, path).ok());
        char byte = 0;
        loff_t at = 40000;
        CHECK(kernel_read(*b, &byte, 1, at).value() == 1);
        CHECK(byte == 'b');
        RefPtr<File> unnamed = vfs_open("/mnt", O_TMPFILE | O_RDWR, 0600).release_value();
        REQUIRE(m.super().sync().ok());
        cut = m.image();
        b = nullptr;  // out of the middle of the list
        a = nullptr;
        c = nullptr;
        unnamed = nullptr;
        REQUIRE(m.super().commit().ok());
        KernelStatfs after{};
        REQUIRE(m.super().statfs(&after).ok());
        CHECK(after.f_bfree > before.f_bfree + 140);
        CHECK(after.f_ffree == before.f_ffree + 3);
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
    }
    Mounted m(cut);
    REQUIRE(m.error == Errno::OK);
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
}

TEST_CASE("ext4: a full disk says so and stays whole") {
    World w;
    for (const char* options : {"-t ext4 -b 1024", "-t ext4 -b 4096", "-t ext2 -b 1024"}) {
        INFO(options);
        Mounted m(make_image(options, 8192));
        Errno last = Errno::OK;
        int made = 0;
        for (; last == Errno::OK && made < 200; made++) {
            last = make_file(("/mnt/f" + std::to_string(made)).c_str(), std::string(70000, 'x'));
        }
        CHECK(last == Errno::ENOSPC);
        CHECK(m.super().sync().ok());
        CHECK(read_file("/mnt/f3") == std::string(70000, 'x'));
        for (int i = 0; i < made; i += 2)
            REQUIRE(vfs_unlink(AT_FDCWD, ("/mnt/f" + std::to_string(i)).c_str()).ok());
        REQUIRE(m.super().commit().ok());
        CHECK(make_file("/mnt/again", std::string(70000, 'y')) == Errno::OK);
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
        m.mount();
        CHECK((read_file("/mnt/again") == std::string(70000, 'y')));
    }
}

TEST_CASE("ext4: a directory of thousands of names is found by hash, listed once each, and emptied") {
    World w;
    for (const char* options : {"-t ext4 -b 1024 -N 12000", "-t ext4 -b 1024 -N 12000 -O ^metadata_csum",
                                "-t ext2 -b 1024 -N 12000 -O ^dir_index"}) {
        INFO(options);
        Mounted m(make_image(options, 20480));
        const int count = std::string(options).find("ext2") == std::string::npos ? 9000 : 1500;
        REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/d", 0755).ok());
        const std::string tail(60, 't');
        for (int i = 0; i < count; i++) {
            REQUIRE(
                vfs_mknod(AT_FDCWD, ("/mnt/d/" + std::to_string(i) + tail).c_str(), S_IFREG | 0644, 0).ok());
        }
        std::vector<std::string> names = list_dir("/mnt/d");
        CHECK(names.size() == static_cast<size_t>(count) + 2);
        std::sort(names.begin(), names.end());
        CHECK(std::unique(names.begin(), names.end()) == names.end());
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
        m.mount();
        for (int i = 0; i < count; i++) {
            REQUIRE(vfs_unlink(AT_FDCWD, ("/mnt/d/" + std::to_string(i) + tail).c_str()).ok());
        }
        CHECK(error_of(vfs_rmdir(AT_FDCWD, "/mnt/d")) == Errno::OK);
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
    }
}

TEST_CASE("ext4: a directory read piece by piece shows each name that stays once, and none that is gone") {
    struct Few final : DirContext {
        bool emit(const Name& name, u64, u8) override {
            if (names.size() == 7) return false;
            names.emplace_back(name.text, name.length);
            return true;
        }
        std::vector<std::string> names;
    };
    World w;
    for (const char* options : {"-t ext4 -b 1024", "-t ext2 -b 1024 -O ^dir_index"}) {
        INFO(options);
        Mounted m(make_image(options, 8192));
        REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/d", 0755).ok());
        const auto path = [](int i) { return "/mnt/d/name" + std::to_string(i); };
        const int count = 600;
        std::set<std::string> gone;
        for (int i = 0; i < count; i++) REQUIRE(make_file(path(i).c_str(), "") == Errno::OK);
        RefPtr<File> dir = vfs_open("/mnt/d", O_RDONLY | O_DIRECTORY, 0).release_value();
        std::multiset<std::string> seen;
        loff_t position = 0;
        for (int round = 0;; round++) {
            Few some;
            some.position = position;
            some.dentry = dir->path.dentry.get();
            REQUIRE(dir->iterate(some).ok());
            if (some.names.empty()) break;
            position = some.position;
            for (const std::string& name : some.names) {
                CHECK(gone.count(name) == 0);
                seen.insert(name);
            }
            if (round % 3 != 0) continue;  // some pieces come out of one look at the directory
            const std::string victim = "name" + std::to_string(round * 37 % count);
            if (vfs_unlink(AT_FDCWD, ("/mnt/d/" + victim).c_str()).ok()) gone.insert(victim);
        }
        CHECK(gone.size() > 20);
        for (int i = 0; i < count; i++) {
            const std::string name = "name" + std::to_string(i);
            if (gone.count(name) == 0) CHECK(seen.count(name) == 1);
        }
        CHECK(seen.count(".") == 1);
        CHECK(seen.count("..") == 1);
    }
}

TEST_CASE("ext4: files written and left keep their data however many inodes come after them") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024 -N 12000", 30720));
    const int count = 10000;
    const auto path = [](int i) { return "/mnt/" + std::to_string(i % 16) + "/" + std::to_string(i); };
    for (int d = 0; d < 16; d++)
        REQUIRE(vfs_mkdir(AT_FDCWD, ("/mnt/" + std::to_string(d)).c_str(), 0755).ok());
    for (int i = 0; i < count; i++) REQUIRE(make_file(path(i).c_str(), std::to_string(i)) == Errno::OK);
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += read_file(path(i).c_str()) != std::to_string(i);
    CHECK(wrong == 0);
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
    m.mount();
    for (int i = 0; i < count; i++) wrong += read_file(path(i).c_str()) != std::to_string(i);
    CHECK(wrong == 0);
}

TEST_CASE("ext4: attributes and ACLs are kept as Linux keeps them") {
    World w;
    for (const char* options : {"-t ext4 -b 1024", "-t ext4 -b 4096 -I 128", "-t ext3 -b 1024"}) {
        INFO(options);
        Mounted m(make_image(options, 8192));
        REQUIRE(make_file("/mnt/f", "text") == Errno::OK);
        Path place = lookup_at(AT_FDCWD, "/mnt/f", 0).release_value();
        const std::string large(700, 'L');
        REQUIRE(vfs_setxattr(place, "user.small", "one", 3, 0).ok());
        REQUIRE(vfs_setxattr(place, "user.large", large.data(), large.size(), 0).ok());
        REQUIRE(vfs_setxattr(place, "trusted.t", "two", 3, 0).ok());
        CHECK(error_of(vfs_setxattr(place, "user.small", "x", 1, kXattrCreate)) == Errno::EEXIST);
        CHECK(error_of(vfs_setxattr(place, "user.none", "x", 1, kXattrReplace)) == Errno::ENODATA);
        const std::string huge(5000, 'H');
        CHECK(error_of(vfs_setxattr(place, "user.huge", huge.data(), huge.size(), 0)) == Errno::ENOSPC);
        // u::rw- u:1000:r-- g::r-- m::r-- o::---
        const u8 acl[] = {2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                          0, 0xe8, 3,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                          4, 0,    255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
        REQUIRE(vfs_setxattr(place, "system.posix_acl_access", acl, sizeof(acl), 0).ok());
        REQUIRE(vfs_setxattr(place, "user.small", "ONE", 3, 0).ok());
        REQUIRE(vfs_removexattr(place, "trusted.t").ok());
        place = Path();
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
        std::vector<u8> image = m.image();
        CHECK(debugfs(image, "ea_get /f user.small").find("ONE") != std::string::npos);
        CHECK(debugfs(image, "ea_get /f user.large").find("LLLL") != std::string::npos);
        CHECK(debugfs(image, "ea_list /f").find("system.posix_acl_access (28)") != std::string::npos);
        debugfs(image, "ea_set /f user.theirs hello");
        m.replace(image);
        m.mount();
        CHECK(attribute("/mnt/f", "user.theirs") == "hello");
        CHECK(attribute("/mnt/f", "user.large") == large);
        CHECK(attribute("/mnt/f", "system.posix_acl_access") ==
              std::string(reinterpret_cast<const char*>(acl), sizeof(acl)));
        KernelStat st;
        Path keep;
        inode_of("/mnt/f", keep).getattr(&st);
        CHECK((st.st_mode & 0777) == 0640);
        KString names;
        REQUIRE(keep.inode().listxattr(names).ok());
        CHECK(std::string(names.c_str(), names.size()).find(std::string("user.large\0", 11)) !=
              std::string::npos);
        keep = Path();
        REQUIRE(vfs_unlink(AT_FDCWD, "/mnt/f").ok());
        REQUIRE(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
    }
}

TEST_CASE("ext4: holes, blocks given ahead, and what lies beyond the end") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024", 16384));
    RefPtr<File> f = vfs_open("/mnt/f", O_RDWR | O_CREAT, 0644).release_value();
    loff_t at = 1 << 20;
    REQUIRE(kernel_write(*f, "end", 3, at).ok());
    CHECK(f->seek(0, SEEK_DATA).value() == 1 << 20);
    CHECK(f->seek(0, SEEK_HOLE).value() == 0);
    CHECK(f->seek(1 << 20, SEEK_HOLE).value() == (1 << 20) + 3);
    REQUIRE(f->allocate(0, 0, 200000).ok());
    Path keep;
    KernelStat st;
    inode_of("/mnt/f", keep).getattr(&st);
    CHECK(st.st_blocks >= 2 * 196);
    CHECK(f->seek(0, SEEK_DATA).value() == 1 << 20);  // given, but not written
    CHECK((read_file("/mnt/f").substr(0, 200000) == std::string(200000, '\0')));
    at = 100000;
    REQUIRE(kernel_write(*f, "middle", 6, at).ok());
    REQUIRE(f->sync(false).ok());
    CHECK(f->seek(0, SEEK_DATA).value() <= 100000);
    REQUIRE(f->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 99000).ok());
    REQUIRE(f->allocate(FALLOC_FL_KEEP_SIZE, 3 << 20, 100000).ok());  // beyond the end
    CHECK(error_of(f->allocate(0x40, 0, 1000)) == Errno::EOPNOTSUPP);
    f = nullptr;
    keep = Path();
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
    m.mount();
    const std::string text = read_file("/mnt/f");
    CHECK(text.size() == (1 << 20) + 3);
    CHECK(text.substr(100000, 6) == "middle");
    // A shorter file that grows again does not show what it had.
    REQUIRE(vfs_truncate(lookup_at(AT_FDCWD, "/mnt/f", 0).value(), 100003).ok());
    REQUIRE(vfs_truncate(lookup_at(AT_FDCWD, "/mnt/f", 0).value(), 100200).ok());
    REQUIRE(m.unmount() == Errno::OK);
    m.mount();
    CHECK((read_file("/mnt/f").substr(100000) == "mid" + std::string(197, '\0')));
}

TEST_CASE("ext4: modes, owners, times and flags reach the disk") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024", 8192));
    REQUIRE(make_file("/mnt/f", "text") == Errno::OK);
    {
        const Path place = lookup_at(AT_FDCWD, "/mnt/f", 0).release_value();
        REQUIRE(vfs_chown(place, 70000, 80000).ok());
        REQUIRE(vfs_chmod(place, 04751).ok());
        const KernelTimespec times[2] = {{-5, 999999999}, {0x2'8000'1234, 123456789}};
        REQUIRE(vfs_utimes(place, times).ok());
    }
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
    m.mount();
    KernelStat st;
    Path keep;
    inode_of("/mnt/f", keep).getattr(&st);
    CHECK(st.st_uid == 70000);
    CHECK(st.st_gid == 80000);
    CHECK((st.st_mode & 07777) == 04751);
    CHECK(st.st_atim.tv_sec == -5);
    CHECK(st.st_atim.tv_nsec == 999999999);
    CHECK(st.st_mtim.tv_sec == 0x2'8000'1234);
    CHECK(st.st_mtim.tv_nsec == 123456789);
    RefPtr<File> f = vfs_open("/mnt/f", O_RDWR, 0).release_value();
    u32 flags = 0;
    REQUIRE(f->ioctl(0x80086601, address(&flags)).ok());
    CHECK(flags == 0x80000);
    flags |= 0x10;
    REQUIRE(f->ioctl(0x40086602, address(&flags)).ok());
    f = nullptr;
    CHECK(error_of(vfs_unlink(AT_FDCWD, "/mnt/f")) == Errno::EPERM);
    CHECK(error_of(vfs_open("/mnt/f", O_RDWR, 0)) == Errno::EPERM);
    CHECK(error_of(vfs_chmod(keep, 0600)) == Errno::EPERM);
}

TEST_CASE("ext4: two names change places, and directories their parents") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024", 8192));
    REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/a", 0755).ok());
    REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/b", 0755).ok());
    REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/a/dir", 0755).ok());
    REQUIRE(make_file("/mnt/b/file", "file") == Errno::OK);
    REQUIRE(make_file("/mnt/a/dir/inner", "inner") == Errno::OK);
    REQUIRE(vfs_rename(AT_FDCWD, "/mnt/a/dir", AT_FDCWD, "/mnt/b/file", RENAME_EXCHANGE).ok());
    CHECK(read_file("/mnt/a/dir") == "file");
    CHECK(read_file("/mnt/b/file/inner") == "inner");
    CHECK(error_of(vfs_rename(AT_FDCWD, "/mnt/a/dir", AT_FDCWD, "/mnt/b/file", RENAME_NOREPLACE)) ==
          Errno::EEXIST);
    REQUIRE(make_file("/mnt/b/covered", "text") == Errno::OK);
    REQUIRE(vfs_rename(AT_FDCWD, "/mnt/b/covered", AT_FDCWD, "/mnt/a/covered", RENAME_WHITEOUT).ok());
    CHECK(read_file("/mnt/a/covered") == "text");
    REQUIRE(vfs_rename(AT_FDCWD, "/mnt/b/file", AT_FDCWD, "/mnt/a/moved", 0).ok());
    REQUIRE(vfs_mkdir(AT_FDCWD, "/mnt/empty", 0755).ok());
    REQUIRE(vfs_rename(AT_FDCWD, "/mnt/a/moved", AT_FDCWD, "/mnt/empty", 0).ok());
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
    m.mount();
    CHECK(read_file("/mnt/empty/inner") == "inner");
    KernelStat st;
    Path keep;
    inode_of("/mnt/a", keep).getattr(&st);
    CHECK(st.st_nlink == 2);
    inode_of("/mnt/b/covered", keep).getattr(&st);
    CHECK(S_ISCHR(st.st_mode));
    CHECK(st.st_rdev == 0);
}

TEST_CASE("ext4: remounted read-only the disk is clean, and nothing changes it") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024", 8192));
    REQUIRE(make_file("/mnt/f", "text") == Errno::OK);
    CHECK((word(m.image(), kIncompat) & 4) != 0);
    REQUIRE(error_of(do_mount(nullptr, "/mnt", nullptr, MS_REMOUNT | MS_RDONLY, nullptr)) == Errno::OK);
    CHECK((word(m.image(), kIncompat) & 4) == 0);
    CHECK(faults(m.image()) == "");
    const std::vector<u8> image = m.image();
    CHECK(make_file("/mnt/g", "text") == Errno::EROFS);
    CHECK(error_of(vfs_unlink(AT_FDCWD, "/mnt/f")) == Errno::EROFS);
    CHECK(read_file("/mnt/f") == "text");
    CHECK((m.image() == image));
    CHECK(error_of(do_mount(nullptr, "/mnt", nullptr, MS_REMOUNT, "nonsense")) == Errno::EINVAL);
    REQUIRE(error_of(do_mount(nullptr, "/mnt", nullptr, MS_REMOUNT, "errors=remount-ro")) == Errno::OK);
    CHECK(make_file("/mnt/g", "text") == Errno::OK);
    REQUIRE(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
    CHECK((m.image()[kState] & 1) == 1);
}

TEST_CASE("ext4: a device that fails is answered by errors and no more writes") {
    World w;
    Mounted m(make_image("-t ext4 -b 1024", 8192), "errors=remount-ro");
    REQUIRE(make_file("/mnt/f", std::string(5000, 'f')) == Errno::OK);
    m.disk->failure = Errno::EIO;
    RefPtr<File> f = vfs_open("/mnt/f", O_RDWR, 0).release_value();
    CHECK(error_of(f->sync(false)) == Errno::EIO);
    m.disk->failure = Errno::OK;
    const std::vector<u8> image = m.image();
    CHECK(make_file("/mnt/g", "x") == Errno::EROFS);
    f = nullptr;
    CHECK(m.unmount() == Errno::OK);
    m.mount();
    CHECK(m.error == Errno::OK);
    CHECK(m.unmount() == Errno::OK);
    CHECK(faults(m.image()) == "");
}
