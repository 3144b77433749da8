// Pseudo-terminals: lines, echo, signals and job control through a master and its slave.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "check.h"

static int master;
static char seen[4096];

// Everything the master gives within a moment.
static const char* screen(void) {
    size_t n = 0;
    struct pollfd p = {master, POLLIN, 0};
    while (poll(&p, 1, 200) == 1 && (p.revents & POLLIN)) {
        ssize_t got = read(master, seen + n, sizeof(seen) - 1 - n);
        if (got <= 0) break;
        n += (size_t)got;
    }
    seen[n] = 0;
    return seen;
}

static void type(const char* keys) { write(master, keys, strlen(keys)); }

static volatile sig_atomic_t interrupts, hangups;
static void on_signal(int sig) { sig == SIGINT ? interrupts++ : hangups++; }

int main(void) {
    mkdir("/dev/pts", 0755);
    if (access("/dev/pts/ptmx", F_OK)) mount("devpts", "/dev/pts", "devpts", 0, "");
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    char name[64];
    CHECK_ERROR(ioctl(master, TIOCGPTN, (char*)8), EFAULT);
    CHECK(ptsname_r(master, name, sizeof(name)) == 0 && !strncmp(name, "/dev/pts/", 9));
    CHECK_ERROR(open(name, O_RDWR | O_NOCTTY), EIO);  // locked
    CHECK(unlockpt(master) == 0);
    int slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0 && isatty(slave));
    struct termios t;
    CHECK(tcgetattr(slave, &t) == 0 && (t.c_lflag & ICANON) && (t.c_lflag & ECHO) && t.c_cc[VINTR] == 3);
    char buf[100];
    type("abc\177d\n");
    CHECK(!strcmp(screen(), "abc\b \bd\r\n"));
    CHECK(read(slave, buf, 100) == 4 && !memcmp(buf, "abd\n", 4));
    write(slave, "out\n", 4);
    CHECK(!strcmp(screen(), "out\r\n"));
    t.c_lflag &= ~(ICANON | ECHO);
    t.c_cc[VMIN] = 0, t.c_cc[VTIME] = 1;
    CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
    CHECK(read(slave, buf, 100) == 0);
    type("xy");
    CHECK(read(slave, buf, 100) == 2);
    struct winsize ws = {24, 80, 0, 0}, back;
    CHECK(ioctl(master, TIOCSWINSZ, &ws) == 0 && ioctl(slave, TIOCGWINSZ, &back) == 0 && back.ws_col == 80);
    CHECK_ERROR(ioctl(slave, TIOCGPGRP, buf), ENOTTY);
    t.c_lflag |= ICANON | ECHO;
    CHECK(tcsetattr(slave, TCSAFLUSH, &t) == 0);
    CHECK_ERROR(lseek(slave, 0, SEEK_SET), ESPIPE);
    close(slave);
    CHECK(read(master, buf, 1) == -1 && errno == EIO);

    int report[2];
    pipe(report);
    pid_t child = fork();
    if (child == 0) {  // a session leader with this terminal, and a background child
        close(master);
        setsid();
        signal(SIGINT, on_signal);
        signal(SIGHUP, on_signal);
        int tty = open(name, O_RDWR);
        int good = tcgetpgrp(tty) == getpid() && tcgetsid(tty) == getpid() && open("/dev/tty", O_RDWR) >= 0;
        pid_t background = fork();
        if (background == 0) {
            setpgid(0, 0);
            read(tty, buf, 1);  // SIGTTIN
            _exit(9);
        }
        int status;
        good = good && waitpid(background, &status, WUNTRACED) == background && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN;
        write(report[1], good ? "G" : "B", 1);
        while (!interrupts) usleep(1000);
        write(report[1], "I", 1);
        kill(background, SIGKILL);
        while (!hangups) usleep(1000);
        write(report[1], "H", 1);
        good = read(tty, buf, 1) == 0 && write(tty, "x", 1) == -1 && errno == EIO;
        write(report[1], good ? "E" : "B", 1);
        _exit(0);
    }
    CHECK(read(report[0], buf, 1) == 1 && buf[0] == 'G');
    type("\003");
    CHECK(read(report[0], buf, 1) == 1 && buf[0] == 'I');
    CHECK(!strcmp(screen(), "^C"));
    close(master);
    CHECK(read(report[0], buf, 1) == 1 && buf[0] == 'H');
    CHECK(read(report[0], buf, 1) == 1 && buf[0] == 'E');
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_ERROR(open(name, O_RDWR), ENOENT);
    CHECK_END();
}
