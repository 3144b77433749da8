// What only the machine's owner may do, done: setting the clock and the names, mounting, the kernel's log. Runs in the
// guest alone, since it would change the host.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static char text[65536];

int main(void) {
    struct timeval tv = {1000000000, 500000};
    struct timespec ts = {0}, before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(syscall(SYS_settimeofday, &tv, 0) == 0 && syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts) == 0);
    CHECK(ts.tv_sec == 1000000000 && ts.tv_nsec >= 500000000);
    ts.tv_sec = 1700000000, ts.tv_nsec = 7;
    CHECK(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts) == 0 && time(0) == 1700000000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(after.tv_sec - before.tv_sec < 5);  // the other clock does not jump
    struct utsname name;
    CHECK(syscall(SYS_sethostname, "host.example", 4) == 0 && syscall(SYS_setdomainname, "domain", 6) == 0);
    CHECK(uname(&name) == 0 && !strcmp(name.nodename, "host") && !strcmp(name.domainname, "domain"));
    CHECK(syscall(SYS_setdomainname, "", 0) == 0 && uname(&name) == 0 && !name.domainname[0]);
    CHECK_ERROR(syscall(SYS_setdomainname, 8, 6), EFAULT);
    mkdir("m", 0700);
    CHECK(syscall(SYS_mount, "x", "m", "tmpfs", MS_NOSUID, "size=64k,mode=700") == 0);
    int fd = open("m/f", O_CREAT | O_RDWR, 0600);
    CHECK_ERROR(syscall(SYS_umount2, "m", 0), EBUSY);
    CHECK_ERROR(syscall(SYS_mount, "x", "m", "nofs", 0, 0), ENODEV);
    CHECK_ERROR(syscall(SYS_mount, "x", "none", "tmpfs", 0, 0), ENOENT);
    CHECK_ERROR(syscall(SYS_umount2, "m", 0x100), EINVAL);
    close(fd);
    CHECK(syscall(SYS_mount, 0, "m", 0, MS_REMOUNT | MS_RDONLY, 0) == 0);
    CHECK_ERROR(open("m/g", O_CREAT | O_RDWR, 0600), EROFS);
    CHECK(syscall(SYS_umount2, "m", 0) == 0);
    CHECK_ERROR(syscall(SYS_umount2, "m", 0), EINVAL);
    CHECK(rmdir("m") == 0);
    long n = syscall(SYS_syslog, 3, text, sizeof(text));  // the whole log, not taken away
    CHECK(n > 100 && n == syscall(SYS_syslog, 3, text, sizeof(text)) && syscall(SYS_syslog, 10, 0, 0) >= n);
    CHECK(syscall(SYS_syslog, 8, 0, 3) == 0);  // the console's level
    CHECK_ERROR(syscall(SYS_syslog, 8, 0, 9), EINVAL);
    CHECK(syscall(SYS_syslog, 5, 0, 0) == 0 && syscall(SYS_syslog, 3, text, sizeof(text)) < n);  // cleared for reading
    CHECK_END();
}
