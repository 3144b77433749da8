// The host's and the domain's name are one fact: sethostname, uname and /proc/sys/kernel agree.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"

static int file_says(const char *path, const char *expected) {
    char text[100] = {0};
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 && strcmp(text, expected) == 0;
}
static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text);
}

int main(void) {
    struct utsname name;
    CHECK(sethostname("first", 5) == 0);
    CHECK(file_says("/proc/sys/kernel/hostname", "first\n"));
    CHECK(write_file("/proc/sys/kernel/hostname", "second\n"));
    CHECK(uname(&name) == 0 && strcmp(name.nodename, "second") == 0);
    CHECK(setdomainname("there", 5) == 0);
    CHECK(file_says("/proc/sys/kernel/domainname", "there\n"));
    CHECK(uname(&name) == 0 && strcmp(name.domainname, "there") == 0);
    CHECK(file_says("/proc/sys/kernel/ostype", "Linux\n"));
    CHECK_END();
}
