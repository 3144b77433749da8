// The lines are what strace 6.1 prints for the same calls on Linux.
#include "emulator/guestos/syscalls/syscall_decode.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/unit/catch.h"
#include "tests/unit/guestos/fake_memory.h"

using namespace orrery;

namespace {

struct Call {
    FakeMemory memory;
    // The whole line: memory changes between entry and return by `fill`.
    template <typename Fill>
    std::string line(u64 number, std::array<u64, 6> arguments, i64 result, Fill fill) {
        DecodedCall call = decode_entry(memory, number, arguments);
        fill();
        decode_return(memory, call, result);
        return call_text(call) + " = " + result_text(memory, call, result);
    }
    std::string line(u64 number, std::array<u64, 6> arguments, i64 result) {
        return line(number, arguments, result, [] {});
    }
};

constexpr u64 kBuffer = 0x1000, kPath = 0x2000;
constexpr u64 kAtFdcwd = static_cast<u32>(-100);

}  // namespace

TEST_CASE("read and write show their bytes", "[guest]") {
    Call c;
    c.memory.text(kBuffer, "hi\n");
    CHECK(c.line(1, {1, kBuffer, 3}, 3) == "write(1, \"hi\\n\", 3) = 3");
    c.memory.text(kBuffer, "0123456789012345678901234567890123456789");
    CHECK(c.line(1, {1, kBuffer, 40}, 40) == "write(1, \"01234567890123456789012345678901\"..., 40) = 40");
    CHECK(c.line(1, {1, 0x9999000, 3}, -14) == "write(1, 0x9999000, 3) = -1 EFAULT (Bad address)");
    // A read's buffer counts at the return, and only as far as it was filled.
    CHECK(c.line(0, {0, kBuffer, 4096}, 2, [&] { c.memory.text(kBuffer, "y\n"); }) ==
          "read(0, \"y\\n\", 4096) = 2");
    CHECK(c.line(0, {0, kBuffer, 4096}, 0) == "read(0, \"\", 4096) = 0");
    CHECK(c.line(0, {0, kBuffer, 1}, -11) ==
          "read(0, 0x1000, 1) = -1 EAGAIN (Resource temporarily unavailable)");
    const DecodedCall call = decode_entry(c.memory, 0, {0, kBuffer, 4096});
    CHECK(call_beginning(call) == "read(0, ");
}

TEST_CASE("strings are escaped as C does", "[guest]") {
    Call c;
    const char bytes[] = {'a', '"', '\\', '\t', 1, '2', 0x7f, static_cast<char>(0xe2), 0};
    c.memory.poke(kBuffer, bytes, sizeof bytes);
    CHECK(c.line(1, {2, kBuffer, 9}, 9) == "write(2, \"a\\\"\\\\\\t\\0012\\177\\342\\0\", 9) = 9");
}

TEST_CASE("open shows flags by name, and a mode only where one counts", "[guest]") {
    Call c;
    c.memory.text(kPath, "/etc/passwd");
    CHECK(c.line(257, {kAtFdcwd, kPath, O_RDONLY | O_CLOEXEC, 0}, 3) ==
          "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3");
    CHECK(
        c.line(257, {kAtFdcwd, kPath, O_WRONLY | O_CREAT | O_TRUNC, 0644}, -13) ==
        "openat(AT_FDCWD, \"/etc/passwd\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 EACCES (Permission denied)");
    CHECK(c.line(2, {kPath, O_RDWR | O_APPEND, 0}, -2) ==
          "open(\"/etc/passwd\", O_RDWR|O_APPEND) = -1 ENOENT (No such file or directory)");
    CHECK(c.line(257, {kAtFdcwd, 0, 0}, -14) == "openat(AT_FDCWD, NULL, O_RDONLY) = -1 EFAULT (Bad address)");
}

TEST_CASE("memory calls", "[guest]") {
    Call c;
    CHECK(c.line(9, {0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, static_cast<u32>(-1), 0},
                 0x7f0000000000) ==
          "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000");
    CHECK(c.line(12, {0}, 0x5ec000) == "brk(NULL) = 0x5ec000");
    CHECK(c.line(10, {0x5db000, 28672, PROT_READ}, 0) == "mprotect(0x5db000, 28672, PROT_READ) = 0");
    CHECK(c.line(10, {0x5db000, 4096, 0}, 0) == "mprotect(0x5db000, 4096, PROT_NONE) = 0");
}

TEST_CASE("execve shows its arguments, and how many variables", "[guest]") {
    Call c;
    c.memory.text(kPath, "/bin/ls");
    c.memory.text(0x3000, "ls");
    c.memory.text(0x3010, "/");
    const u64 argv[] = {0x3000, 0x3010, 0}, envp[] = {0x3000, 0x3010, 0x3000, 0};
    c.memory.poke(0x4000, argv, sizeof argv);
    c.memory.poke(0x5000, envp, sizeof envp);
    CHECK(c.line(59, {kPath, 0x4000, 0x5000}, 0) ==
          "execve(\"/bin/ls\", [\"ls\", \"/\"], 0x5000 /* 3 vars */) = 0");
}

TEST_CASE("structures", "[guest]") {
    Call c;
    struct stat st {};
    st.st_mode = S_IFREG | 0755;
    st.st_size = 1234;
    CHECK(c.line(5, {3, kBuffer}, 0, [&] { c.memory.put(kBuffer, st); }) ==
          "fstat(3, {st_mode=S_IFREG|0755, st_size=1234, ...}) = 0");
    st.st_mode = S_IFCHR | 0620;
    st.st_rdev = makedev(0x88, 0);
    CHECK(c.line(5, {1, kBuffer}, 0, [&] { c.memory.put(kBuffer, st); }) ==
          "fstat(1, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0), ...}) = 0");
    CHECK(c.line(5, {9, kBuffer}, -9) == "fstat(9, 0x1000) = -1 EBADF (Bad file descriptor)");

    c.memory.put(kBuffer, timespec{1, 500});
    CHECK(c.line(35, {kBuffer, 0}, 0) == "nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
    c.memory.put(kPath, timespec{0, 7});
    CHECK(c.line(35, {kBuffer, kPath}, 0) == "nanosleep({tv_sec=1, tv_nsec=500}, 0x2000) = 0");
    CHECK(c.line(35, {kBuffer, kPath}, -4) ==
          "nanosleep({tv_sec=1, tv_nsec=500}, {tv_sec=0, tv_nsec=7}) = -1 EINTR (Interrupted system call)");
    CHECK(c.line(292, {3, 0, 0}, 0) == "dup3(3, 0, 0) = 0");

    const i32 pipes[] = {3, 4};
    CHECK(c.line(293, {kBuffer, O_CLOEXEC}, 0, [&] { c.memory.poke(kBuffer, pipes, sizeof pipes); }) ==
          "pipe2([3, 4], O_CLOEXEC) = 0");

    const u64 action[] = {0x401230, 0x14000000, 0x416390, u64{1} << 1 | u64{1} << 16};
    c.memory.poke(kBuffer, action, sizeof action);
    CHECK(c.line(13, {2, kBuffer, 0, 8}, 0) ==
          "rt_sigaction(SIGINT, {sa_handler=0x401230, sa_mask=[INT CHLD], sa_flags=SA_RESTORER|SA_RESTART, "
          "sa_restorer=0x416390}, NULL, 8) = 0");
    c.memory.put<u64>(kBuffer, ~(u64{1} << 31 | u64{1} << 32));
    CHECK(c.line(14, {2, kBuffer, 0, 8}, 0) == "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0");

    const u64 limits[] = {8192 * 1024, ~u64{0}};
    CHECK(c.line(302, {0, 3, 0, kBuffer}, 0, [&] { c.memory.poke(kBuffer, limits, sizeof limits); }) ==
          "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
}

TEST_CASE("waiting", "[guest]") {
    Call c;
    const auto status = [&](u32 value) { return [&c, value] { c.memory.put(kBuffer, value); }; };
    CHECK(c.line(61, {static_cast<u64>(-1), kBuffer, WNOHANG, 0}, 12, status(3 << 8)) ==
          "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL) = 12");
    CHECK(c.line(61, {static_cast<u64>(-1), kBuffer, 0, 0}, 12, status(11 | 0x80)) ==
          "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 12");
    CHECK(c.line(61, {static_cast<u64>(-1), kBuffer, WUNTRACED, 0}, 12, status(0x7f | 20 << 8)) ==
          "wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGTSTP}], WUNTRACED, NULL) = 12");
    CHECK(c.line(61, {static_cast<u64>(-1), kBuffer, 0, 0}, -10) ==
          "wait4(-1, 0x1000, 0, NULL) = -1 ECHILD (No child processes)");
    c.memory.put(kBuffer, pollfd{0, POLLIN, 0});
    CHECK(c.line(7, {kBuffer, 1, 1000}, 0) == "poll([{fd=0, events=POLLIN}], 1, 1000) = 0 (Timeout)");
    CHECK(c.line(7, {kBuffer, 1, static_cast<u32>(-1)}, 1, [&] {
        c.memory.put(kBuffer, pollfd{0, POLLIN, POLLIN});
    }) == "poll([{fd=0, events=POLLIN}], 1, -1) = 1 ([{fd=0, revents=POLLIN}])");
}

TEST_CASE("commands decide what their argument is", "[guest]") {
    Call c;
    CHECK(c.line(72, {3, F_GETFD}, 1) == "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)");
    CHECK(c.line(72, {3, F_SETFD, FD_CLOEXEC}, 0) == "fcntl(3, F_SETFD, FD_CLOEXEC) = 0");
    CHECK(c.line(72, {3, F_GETFL}, 0x8002) == "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)");
    CHECK(c.line(16, {1, 0x5401, kBuffer}, -25) ==
          "ioctl(1, TCGETS, 0x1000) = -1 ENOTTY (Inappropriate ioctl for device)");
    const u32 termios[9] = {0, 1, 015, 013};
    CHECK(c.line(16, {1, 0x5401, kBuffer}, 0, [&] { c.memory.poke(kBuffer, termios, sizeof termios); }) ==
          "ioctl(1, TCGETS, {B9600 opost isig icanon echo ...}) = 0");
    const u16 window[4] = {24, 80, 0, 0};
    CHECK(c.line(16, {1, 0x5413, kBuffer}, 0, [&] { c.memory.poke(kBuffer, window, sizeof window); }) ==
          "ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0");
    c.memory.text(kBuffer, "sh");
    CHECK(c.line(157, {15, kBuffer}, 0) == "prctl(PR_SET_NAME, \"sh\") = 0");
}

TEST_CASE("clone, exits and calls that the kernel lacks", "[guest]") {
    Call c;
    CHECK(c.line(56, {0x01200011, 0, 0, 0x5ec690}, 15) ==
          "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, "
          "child_tidptr=0x5ec690) = 15");
    CHECK(c.line(231, {7}, 0) == "exit_group(7) = 0");
    CHECK(syscall_name(334) == "rseq");
    CHECK(syscall_name(5000) == "syscall_0x1388");
    CHECK(c.line(5000, {1, 2, 3, 4, 5, 6}, -38) ==
          "syscall_0x1388(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)");
    CHECK(c.line(95, {022}, 02) == "umask(022) = 02");
}
