// tmpfs: data, holes, limits, listing; and the unpacking of cpio archives into it.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/initramfs.h"
#include "fs/namei.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs_ops.h"

using namespace shim;

namespace {

RefPtr<File> open_file(const char* path, int flags) {
    return vfs_open(path, flags, 0644).release_value();
}
void write_at(File& f, loff_t at, const std::string& text) {
    REQUIRE(kernel_write(f, text.data(), text.size(), at).value() == text.size());
}
KernelStat stat_of(const char* path) {
    KernelStat st;
    lookup_at(AT_FDCWD, path, 0).release_value().inode().getattr(&st);
    return st;
}

// One newc entry.
std::string entry(const std::string& name, u32 mode, const std::string& data, u32 ino = 1, u32 nlink = 1,
                  u32 major = 0, u32 minor = 0) {
    char head[111];
    snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 7u,
             8u, nlink, 12345u, static_cast<unsigned>(data.size()), 0u, 0u, major, minor,
             static_cast<unsigned>(name.size() + 1), 0u);
    std::string out = head + name + '\0';
    out.resize((out.size() + 3) / 4 * 4);
    out += data;
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}
const std::string kTrailer = entry("TRAILER!!!", 0, "");

Errno unpack(const std::string& archive) {
    return error_of(unpack_initramfs(archive.data(), archive.size()));
}

}  // namespace

TEST_CASE("a hole reads as zeroes and takes no space") {
    World w;
    RefPtr<File> f = open_file("/f", O_RDWR | O_CREAT);
    write_at(*f, 100000, "end");
    CHECK(stat_of("/f").st_size == 100003);
    CHECK(stat_of("/f").st_blocks == 8);
    const std::string text = read_file("/f");
    CHECK(text.substr(0, 100000) == std::string(100000, '\0'));
    CHECK(text.substr(100000) == "end");
    CHECK(f->seek(0, SEEK_DATA).value() == 98304);
    CHECK(f->seek(0, SEEK_HOLE).value() == 0);
    CHECK(f->seek(100001, SEEK_HOLE).value() == 100003);
    CHECK(error_of(f->seek(100003, SEEK_DATA)) == Errno::ENXIO);
}

TEST_CASE("truncation forgets the bytes for good") {
    World w;
    const size_t before = pages_in_use();
    RefPtr<File> f = open_file("/f", O_RDWR | O_CREAT);
    write_at(*f, 0, std::string(10000, 'x'));
    CHECK(pages_in_use() == before + 3);
    Path place = lookup_at(AT_FDCWD, "/f", 0).release_value();
    REQUIRE(vfs_truncate(place, 5000).ok());
    REQUIRE(vfs_truncate(place, 10000).ok());
    CHECK(pages_in_use() == before + 2);
    CHECK(read_file("/f") == std::string(5000, 'x') + std::string(5000, '\0'));
    REQUIRE(f->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 4200).ok());
    const std::string punched = read_file("/f");
    CHECK(punched.substr(0, 100) == std::string(100, 'x'));
    CHECK(punched.substr(100, 4200) == std::string(4200, '\0'));
    CHECK(punched[4300] == 'x');
    REQUIRE(f->allocate(0, 20000, 1).ok());
    CHECK(stat_of("/f").st_size == 20001);
    place = Path();
    vfs_unlink(AT_FDCWD, "/f").release_value();
    CHECK(pages_in_use() > before);  // still open
    f.reset();
    CHECK(pages_in_use() == before);
}

TEST_CASE("a write from a bad address changes nothing") {
    World w;
    RefPtr<File> f = open_file("/f", O_RDWR | O_CREAT);
    write_at(*f, 0, "0123456789");
    std::string from = "abcdef";
    fault_at(from.data() + 3, from.data() + 6);
    loff_t at = 0;
    CHECK(vfs_write(f.get(), address(from.data() + 3), 3, &at) == -14);
    CHECK(vfs_write(f.get(), address(from.data()), 6, &at) == 3);
    CHECK(read_file("/f") == "abc3456789");
    fault_at(nullptr, nullptr);
}

TEST_CASE("the mapping's pages are the file's") {
    World w;
    RefPtr<File> f = open_file("/f", O_RDWR | O_CREAT);
    write_at(*f, 0, std::string(5000, 'a'));
    Page* page = f->memory_object()->get_page(1, true).value();
    static_cast<char*>(page_address(page))[0] = 'Z';
    page_put(page);
    CHECK(read_file("/f")[4096] == 'Z');
    CHECK(error_of(f->memory_object()->get_page(2, false)) == Errno::ENXIO);
}

TEST_CASE("limits: pages and inodes") {
    World w;
    vfs_mkdir(AT_FDCWD, "/m", 0755).release_value();
    REQUIRE(do_mount("none", "/m", "tmpfs", 0, "size=8k,nr_inodes=3,mode=700").ok());
    CHECK(make_file("/m/a", std::string(8192, 'x')) == Errno::OK);
    CHECK(make_file("/m/b", "y") == Errno::ENOSPC);
    CHECK(make_file("/m/c", "") == Errno::ENOSPC);
    CHECK((stat_of("/m").st_mode & 07777) == 0700);
    KernelStatfs st;
    lookup_at(AT_FDCWD, "/m", 0).release_value().inode().sb->statfs(&st).release_value();
    CHECK(st.f_blocks == 2);
    CHECK(st.f_bfree == 0);
    CHECK(st.f_ffree == 0);
    vfs_unlink(AT_FDCWD, "/m/a").release_value();
    CHECK(make_file("/m/b", "y") == Errno::OK);
}

TEST_CASE("RLIMIT_FSIZE shortens a write, then sends SIGXFSZ") {
    World w;
    task().signal->rlimits[kRlimitFsize].cur = 10;
    RefPtr<File> f = open_file("/f", O_RDWR | O_CREAT);
    loff_t at = 0;
    CHECK(kernel_write(*f, "0123456789abc", 13, at).value() == 10);
    CHECK(error_of(kernel_write(*f, "x", 1, at)) == Errno::EFBIG);
    CHECK(signals() == std::vector<Sent>{{0, 100, kSigXfsz}});
}

TEST_CASE("directories list newest first and survive changes while being read") {
    World w;
    for (int i = 0; i < 50; i++) make_file(("/f" + std::to_string(i)).c_str(), "");
    std::vector<std::string> names = list_dir("/");
    REQUIRE(names.size() == 52);
    CHECK(names[0] == ".");
    CHECK(names[1] == "..");
    CHECK(names[2] == "f49");
    CHECK(names[51] == "f0");
    CHECK(stat_of("/").st_size == 20 * 52);
}

TEST_CASE("a deep tree goes away without deep recursion") {
    World w;
    vfs_mkdir(AT_FDCWD, "/m", 0755).release_value();
    REQUIRE(do_mount("none", "/m", "tmpfs", 0, nullptr).ok());
    const Path top = task().fs->cwd();
    task().fs->set_cwd(lookup_at(AT_FDCWD, "/m", 0).release_value());
    for (int i = 0; i < 20000; i++) {
        if (!vfs_mkdir(AT_FDCWD, "d", 0755).ok()) break;  // the inode limit
        task().fs->set_cwd(lookup_at(AT_FDCWD, "d", 0).release_value());
    }
    task().fs->set_cwd(top);
    CHECK(error_of(do_umount("/m", 0)) == Errno::OK);
}

TEST_CASE("a cpio archive becomes files, with owners, modes and times") {
    World w;
    const std::string archive = entry(".", S_IFDIR | 0755, "") + entry("bin", S_IFDIR | 0750, "") +
                                entry("bin/sh", S_IFREG | 04755, "#!code") +
                                entry("sh", S_IFLNK | 0777, "bin/sh") +
                                entry("null", S_IFCHR | 0666, "", 1, 1, 1, 3) + kTrailer;
    REQUIRE(unpack(archive) == Errno::OK);
    CHECK(read_file("/sh") == "#!code");
    const KernelStat st = stat_of("/bin/sh");
    CHECK(st.st_mode == (S_IFREG | 04755));
    CHECK(st.st_uid == 7);
    CHECK(st.st_gid == 8);
    CHECK(st.st_mtim.tv_sec == 12345);
    CHECK(stat_of("/bin").st_mode == (S_IFDIR | 0750));
    CHECK(stat_of("/null").st_rdev == make_dev(1, 3));
}

TEST_CASE("cpio hard links share one file, data last") {
    World w;
    REQUIRE(unpack(entry("a", S_IFREG | 0644, "", 5, 2) + entry("b", S_IFREG | 0644, "data", 5, 2) +
                   kTrailer) == Errno::OK);
    CHECK(read_file("/a") == "data");
    CHECK(stat_of("/a").st_ino == stat_of("/b").st_ino);
    CHECK(stat_of("/a").st_nlink == 2);
}

TEST_CASE("several cpio archives follow each other; a later one wins") {
    World w;
    const std::string first = entry("f", S_IFREG | 0644, "1") + kTrailer + std::string(512, '\0');
    REQUIRE(unpack(first + entry("f", S_IFREG | 0644, "22") + kTrailer) == Errno::OK);
    CHECK(read_file("/f") == "22");
}

TEST_CASE("a damaged cpio archive is refused, never read beyond its end") {
    World w;
    const std::string good = entry("file", S_IFREG | 0644, "0123456789") + kTrailer;
    CHECK(unpack("not a cpio") == Errno::EINVAL);
    // (The last two bytes before the trailer are padding: without them the file is whole.)
    for (size_t cut = 1; cut < good.size() - kTrailer.size() - 2; cut++) {
        CHECK(unpack(std::string(good.data(), cut)) != Errno::OK);
    }
    std::string huge = good;
    huge.replace(6 + 8 * 6, 8, "ffffffff");  // file size
    CHECK(unpack(huge) == Errno::EINVAL);
    std::string name = good;
    name.replace(6 + 8 * 11, 8, "fffffff0");  // name size
    CHECK(unpack(name) == Errno::EINVAL);
}
