// An ext4 image of this machine's mke2fs on a disk in memory, mounted on /mnt by the kernel's own code, and judged by
// e2fsck. Include after shim.h.
#pragma once

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fs/ext4/ext4.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/vfs_ops.h"
#include "tests/unit/kernel/memory_disk.h"

namespace ext4_test {

/// A file that is gone with its object.
class TempFile {
  public:
    TempFile() {
        char text[] = "/tmp/orrery-ext4-XXXXXX";
        const int fd = mkstemp(text);
        if (fd >= 0) close(fd);
        path = text;
    }
    ~TempFile() { unlink(path.c_str()); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;

    void write(const std::vector<u8>& data) const {
        FILE* f = fopen(path.c_str(), "wb");
        REQUIRE(f);
        REQUIRE(fwrite(data.data(), 1, data.size(), f) == data.size());
        fclose(f);
    }
    std::vector<u8> read() const {
        std::vector<u8> data;
        FILE* f = fopen(path.c_str(), "rb");
        REQUIRE(f);
        fseek(f, 0, SEEK_END);
        data.resize(static_cast<size_t>(ftell(f)));
        rewind(f);
        REQUIRE(fread(data.data(), 1, data.size(), f) == data.size());
        fclose(f);
        return data;
    }
    std::string path;
};

struct Ran {
    int status;
    std::string output;
};
inline Ran run(const std::string& command) {
    Ran ran{-1, ""};
    FILE* pipe = popen(("PATH=$PATH:/sbin:/usr/sbin; " + command + " 2>&1").c_str(), "r");
    REQUIRE(pipe);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), pipe)) > 0;) ran.output.append(chunk, n);
    ran.status = pclose(pipe);
    return ran;
}

/// What mke2fs makes of `options` ("-t ext4 -b 1024") and a size in KiB.
inline std::vector<u8> make_image(const std::string& options, u64 kib) {
    TempFile file;
    const Ran made =
        run("mke2fs -q -F -E lazy_itable_init=1,hash_seed=01020304-0506-0708-090a-0b0c0d0e0f10 -U "
            "11223344-5566-7788-99aa-bbccddeeff00 " +
            options + " " + file.path + " " + std::to_string(kib) + "k");
    INFO(made.output);
    REQUIRE(made.status == 0);
    return file.read();
}

/// What debugfs answers to `request` (writing if it must).
inline std::string debugfs(std::vector<u8>& image, const std::string& request) {
    TempFile file;
    file.write(image);
    const Ran ran = run("debugfs -w -R '" + request + "' " + file.path);
    image = file.read();
    return ran.output;
}

/// e2fsck's words about the image; empty when it is clean.
inline std::string faults(const std::vector<u8>& image) {
    TempFile file;
    file.write(image);
    const Ran ran = run("e2fsck -fn " + file.path);
    return ran.status == 0 ? "" : ran.output;
}

class Mounted {
  public:
    explicit Mounted(std::vector<u8> image, const char* options = nullptr, bool read_only = false,
                     const char* type = "ext4") {
        replace(std::move(image));
        (void)vfs_mkdir(AT_FDCWD, "/mnt", 0755);
        mount(options, read_only, type);
    }
    ~Mounted() { (void)unmount(); }

    /// Another disk, of which nothing is in any cache; not mounted.
    void replace(std::vector<u8> image) {
        REQUIRE(!mounted);
        disk = make_ref<MemoryDisk>(image.size(), "vda").release_value();
        disk->data = std::move(image);
        disk->write_cache = true;
    }

    void mount(const char* options = nullptr, bool read_only = false, const char* type = "ext4") {
        Result<RefPtr<SuperBlock>> made = Ext4Super::mount(type, disk, read_only, options);
        error = made.ok() ? Errno::OK : made.error();
        if (!made.ok()) return;
        RefPtr<SuperBlock> sb = made.release_value();
        RefPtr<Mount> m = Mount::make(sb, sb->root, "/dev/vda", read_only ? MS_RDONLY : 0).release_value();
        const Path where = lookup_at(AT_FDCWD, "/mnt", kWalkFollow).release_value();
        attach_mount(std::move(m), where).release_value();
        mounted = true;
    }
    Errno unmount() {
        if (!mounted) return Errno::OK;
        mounted = false;
        return shim::error_of(do_umount("/mnt", 0));
    }
    Ext4Super& super() {
        return static_cast<Ext4Super&>(*lookup_at(AT_FDCWD, "/mnt", kWalkFollow).value().mount->sb);
    }
    const std::vector<u8>& image() const { return disk->data; }

    RefPtr<MemoryDisk> disk;
    Errno error = Errno::OK;
    bool mounted = false;
};

}  // namespace ext4_test
