// Loop devices (loop(4)): a file becomes a block device; offset, size limit, read-only, autoclear, what is refused. Runs in
// the guest alone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"

// <linux/loop.h>, which musl's headers lack.
enum {
    LOOP_SET_FD = 0x4c00,
    LOOP_CLR_FD = 0x4c01,
    LOOP_SET_STATUS64 = 0x4c04,
    LOOP_GET_STATUS64 = 0x4c05,
    LOOP_SET_BLOCK_SIZE = 0x4c09,
    LOOP_CONFIGURE = 0x4c0a,
    LOOP_CTL_ADD = 0x4c80,
    LOOP_CTL_REMOVE = 0x4c81,
    LOOP_CTL_GET_FREE = 0x4c82,
};
enum { LO_FLAGS_READ_ONLY = 1, LO_FLAGS_AUTOCLEAR = 4 };
struct loop_info64 {
    uint64_t lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
    uint32_t lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    uint8_t lo_file_name[64], lo_crypt_name[64], lo_encrypt_key[32];
    uint64_t lo_init[2];
};
struct loop_config {
    uint32_t fd, block_size;
    struct loop_info64 info;
    uint64_t reserved[8];
};

static char buffer[4096];
static char path[64];
static struct loop_config config;
static struct loop_info64 info;

static const char *loop_path(int n) {
    sprintf(path, "loop%d", n);
    unlink(path);
    mknod(path, S_IFBLK | 0600, makedev(7, n));
    return path;
}

static unsigned long long size_of(int fd) {
    unsigned long long bytes = 0;
    ioctl(fd, BLKGETSIZE64, &bytes);
    return bytes;
}

static const char *sysfs_word(const char *name) {
    char file[128];
    snprintf(file, sizeof(file), "sys/block/loop0/%s", name);
    int fd = open(file, O_RDONLY);
    if (fd < 0) return "none";
    ssize_t n = read(fd, buffer, sizeof(buffer) - 1);
    close(fd);
    buffer[n > 0 ? n - 1 : 0] = 0;
    return buffer;
}

int main(void) {
    mkdir("sys", 0700);
    CHECK(mount("sysfs", "sys", "sysfs", 0, 0) == 0);
    mknod("control", S_IFCHR | 0600, makedev(10, 237));
    int control = open("control", O_RDWR);
    CHECK(control >= 0 && ioctl(control, LOOP_CTL_GET_FREE) == 0);
    CHECK_ERROR(ioctl(control, 0x4c99), ENOSYS);
    CHECK_ERROR(ioctl(control, LOOP_CTL_ADD, 3), EEXIST);
    CHECK(ioctl(control, LOOP_CTL_ADD, 20) == 20 && ioctl(control, LOOP_CTL_REMOVE, 20) == 20);
    CHECK_ERROR(ioctl(control, LOOP_CTL_REMOVE, 20), ENODEV);
    int file = open("file", O_CREAT | O_RDWR, 0600);
    memset(buffer, 'a', sizeof(buffer));
    for (int i = 0; i < 16; i++) buffer[0] = (char)('A' + i), write(file, buffer, sizeof(buffer));
    int loop = open(loop_path(0), O_RDWR);
    CHECK(loop >= 0 && size_of(loop) == 0);
    CHECK_ERROR(ioctl(loop, LOOP_CLR_FD), ENXIO);
    CHECK_ERROR(ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
    CHECK_ERROR(ioctl(loop, LOOP_SET_FD, 99), EBADF);
    CHECK_ERROR(ioctl(loop, LOOP_SET_FD, control), EINVAL);
    CHECK_ERROR(ioctl(loop, LOOP_SET_FD, loop), EBADF);
    CHECK_ERROR(ioctl(loop, LOOP_CONFIGURE, 8), EFAULT);
    CHECK(!strcmp(sysfs_word("loop/autoclear"), "none"));
    CHECK(ioctl(loop, LOOP_SET_FD, file) == 0 && size_of(loop) == 65536);
    CHECK_ERROR(ioctl(loop, LOOP_SET_FD, file), EBUSY);
    CHECK(!strcmp(sysfs_word("size"), "128") && !strcmp(sysfs_word("loop/offset"), "0"));
    CHECK(strlen(sysfs_word("loop/backing_file")) > 5 && !strcmp(buffer + strlen(buffer) - 5, "/file"));
    CHECK(pread(loop, buffer, 1, 4096) == 1 && buffer[0] == 'B');
    CHECK(pwrite(loop, "Z", 1, 8192) == 1 && fsync(loop) == 0);
    CHECK(pread(file, buffer, 1, 8192) == 1 && buffer[0] == 'Z');
    CHECK(ioctl(loop, LOOP_GET_STATUS64, &info) == 0 && info.lo_number == 0 && info.lo_flags == 0);
    struct stat st;
    CHECK(fstat(file, &st) == 0 && info.lo_inode == st.st_ino && info.lo_device == st.st_dev);
    info.lo_offset = 4096, info.lo_sizelimit = 8192;
    CHECK(ioctl(loop, LOOP_SET_STATUS64, &info) == 0 && size_of(loop) == 8192);
    CHECK(pread(loop, buffer, 1, 0) == 1 && buffer[0] == 'B' && pread(loop, buffer, 1, 8192) == 0);
    CHECK_ERROR(pwrite(loop, "x", 1, 8192), ENOSPC);
    info.lo_offset = 1ull << 63;
    CHECK_ERROR(ioctl(loop, LOOP_SET_STATUS64, &info), EOVERFLOW);
    CHECK_ERROR(ioctl(loop, LOOP_SET_BLOCK_SIZE, 1000), EINVAL);
    CHECK(ioctl(loop, LOOP_SET_BLOCK_SIZE, 4096) == 0 && !strcmp(sysfs_word("queue/logical_block_size"), "4096"));
    CHECK(ioctl(loop, LOOP_CLR_FD) == 0);
    close(loop);
    loop = open(path, O_RDWR);
    CHECK_ERROR(ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
    CHECK(size_of(loop) == 0);
    config.fd = (unsigned)file, config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    strcpy((char *)config.info.lo_file_name, "a name");
    CHECK(ioctl(loop, LOOP_CONFIGURE, &config) == 0 && !strcmp(sysfs_word("ro"), "1"));
    CHECK(ioctl(loop, LOOP_GET_STATUS64, &info) == 0 && !strcmp((char *)info.lo_file_name, "a name"));
    CHECK(!strcmp(sysfs_word("loop/autoclear"), "1"));
    CHECK_ERROR(open(path, O_RDWR), EACCES);
    close(loop);
    CHECK(!strcmp(sysfs_word("loop/autoclear"), "none") && !strcmp(sysfs_word("size"), "0"));
    loop = open(path, O_RDWR);
    config.info.lo_flags = 0x100;
    CHECK_ERROR(ioctl(loop, LOOP_CONFIGURE, &config), EINVAL);
    // A loop device of a loop device; no circle.
    config.info.lo_flags = 0;
    CHECK(ioctl(loop, LOOP_CONFIGURE, &config) == 0);
    int second = open(loop_path(1), O_RDWR);
    CHECK(ioctl(second, LOOP_SET_FD, loop) == 0 && size_of(second) == 65536);
    CHECK(pread(second, buffer, 1, 8192) == 1 && buffer[0] == 'Z');
    CHECK(ioctl(second, LOOP_CLR_FD) == 0);
    close(second);
    CHECK(ioctl(loop, LOOP_CLR_FD) == 0);
    close(loop);
    CHECK(umount("sys") == 0);
    CHECK_END();
}
