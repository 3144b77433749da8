// ext4, ext3 and ext2 on images that this machine's mke2fs has made, judged by its e2fsck and read by its debugfs.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/ext4/checksum.h"
#include "fs/ext4/dir_hash.h"
#include "tests/unit/kernel/ext4_disk.h"

using namespace shim;
using namespace ext4_test;

namespace {

const char* const kKinds[] = {
    "-t ext4 -b 4096",
    "-t ext4 -b 1024",
    "-t ext4 -b 1024 -O ^metadata_csum,^64bit,uninit_bg",
    "-t ext4 -b 2048 -I 128",
    "-t ext3 -b 1024",
    "-t ext2 -b 1024",
    "-t ext2 -b 4096 -O ^filetype,^dir_index",
};

std::string pattern(size_t size, u32 seed) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = static_cast<char>(seed >> 24);
    }
    return text;
}

[[maybe_unused]] RefPtr<File> open_file(const std::string& path, int flags) {
    return vfs_open(path.c_str(), flags, 0644).release_value();
}

}  // namespace

TEST_CASE("ext4: CRC-32C and the directory hashes are as the field has them") {
    CHECK((crc32c(~0u, "123456789", 9) ^ ~0u) == 0xe3069283u);
    CHECK((crc32c_by_table(~0u, "123456789", 9) ^ ~0u) == 0xe3069283u);
    init_checksums();
    CHECK((crc32c(~0u, "123456789", 9) ^ ~0u) == 0xe3069283u);
    std::string bytes;
    for (int i = 0; i < 100; i++) bytes.push_back(static_cast<char>(i * 37));
    for (size_t from = 0; from < 9; from++) {
        for (size_t size = 0; size < 80; size++) {
            REQUIRE(crc32c(5, bytes.data() + from, size) == crc32c_by_table(5, bytes.data() + from, size));
        }
    }
    CHECK(crc16(0, "123456789", 9) == 0xbb3d);
    std::vector<u8> image = make_image("-t ext4", 8192);
    const u32 seed[4] = {0x04030201, 0x08070605, 0x0c0b0a09, 0x100f0e0d};
    const char* versions[] = {"legacy", "half_md4", "tea"};
    for (const char* name : {"a", "hello.c", "a-longer-name-than-the-others-which-fills-two-rounds-of-md4",
                             "gr\xc3\xbc\xc3\x9f"}) {
        for (u32 v = 0; v < 3; v++) {
            const std::string said = run("debugfs -R 'dx_hash -h " + std::string(versions[v]) +
                                         " -s 01020304-0506-0708-090a-0b0c0d0e0f10 " + name + "'")
                                         .output;
            char mine[32];
            u32 minor = 0;
            const u32 hash = ext4::dir_hash(name, static_cast<u32>(strlen(name)),
                                            static_cast<ext4::HashVersion>(v), seed, &minor);
            snprintf(mine, sizeof(mine), "0x%08x", hash);
            INFO(versions[v] << " " << name << ": " << said);
            CHECK(said.find(mine) != std::string::npos);
            // The unsigned kinds differ where a byte is above 127, and only there.
            const u32 other = ext4::dir_hash(name, static_cast<u32>(strlen(name)),
                                             static_cast<ext4::HashVersion>(v + 3), seed);
            CHECK((other == hash) == (static_cast<u8>(name[2]) < 128 || name[1] == 0));
        }
    }
}

TEST_CASE("ext4: files and directories and links outlive the mount on every kind of image") {
    for (const char* kind : kKinds) {
        World w;
        INFO(kind);
        Mounted m(make_image(kind, 16384));
        REQUIRE(m.error == Errno::OK);
        CHECK(list_dir("/mnt").size() == 3);
        const std::string big = pattern(700'000, 7);
        CHECK(make_file("/mnt/small", "hello\n") == Errno::OK);
        CHECK(make_file("/mnt/big", big) == Errno::OK);
        CHECK(error_of(vfs_mkdir(AT_FDCWD, "/mnt/dir", 0750)) == Errno::OK);
        for (int i = 0; i < 300; i++) {
            const std::string path = "/mnt/dir/a rather long name for a file " + std::to_string(i);
            CHECK(make_file(path.c_str(), std::to_string(i)) == Errno::OK);
        }
        CHECK(error_of(vfs_symlink("dir/short", AT_FDCWD, "/mnt/fast")) == Errno::OK);
        const std::string long_target = "/mnt/" + std::string(200, 'x');
        CHECK(error_of(vfs_symlink(long_target.c_str(), AT_FDCWD, "/mnt/slow")) == Errno::OK);
        CHECK(error_of(vfs_link(AT_FDCWD, "/mnt/small", AT_FDCWD, "/mnt/dir/hard", 0)) == Errno::OK);
        CHECK(error_of(vfs_mknod(AT_FDCWD, "/mnt/null", S_IFCHR | 0666, make_dev(1, 3))) == Errno::OK);
        CHECK(error_of(vfs_mknod(AT_FDCWD, "/mnt/wide", S_IFBLK | 0600, make_dev(259, 70000))) == Errno::OK);
        for (int i = 0; i < 300; i += 3) {
            const std::string path = "/mnt/dir/a rather long name for a file " + std::to_string(i);
            CHECK(error_of(vfs_unlink(AT_FDCWD, path.c_str())) == Errno::OK);
        }
        CHECK(m.unmount() == Errno::OK);
        CHECK(faults(m.image()) == "");
        m.mount();
        REQUIRE(m.error == Errno::OK);
        CHECK(read_file("/mnt/small") == "hello\n");
        CHECK(read_file("/mnt/dir/hard") == "hello\n");
        CHECK((read_file("/mnt/big") == big));
        CHECK(list_dir("/mnt/dir").size() == 203);
        CHECK(read_file("/mnt/dir/a rather long name for a file 298") == "298");
        CHECK(lookup_at(AT_FDCWD, "/mnt/slow", 0).value().inode().readlink().value() == long_target.c_str());
        CHECK(lookup_at(AT_FDCWD, "/mnt/fast", 0).value().inode().readlink().value() == "dir/short");
        CHECK(lookup_at(AT_FDCWD, "/mnt/null", 0).value().inode().rdev == make_dev(1, 3));
        CHECK(lookup_at(AT_FDCWD, "/mnt/wide", 0).value().inode().rdev == make_dev(259, 70000));
        CHECK(lookup_at(AT_FDCWD, "/mnt/small", 0).value().inode().nlink == 2);
        CHECK(m.unmount() == Errno::OK);
    }
}
