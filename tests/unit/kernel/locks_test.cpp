// Record locks: how ranges split, merge and conflict. Owners are told apart by their tables of files.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/file_locks.h"

using namespace shim;

namespace {

struct Lockers {
    RefPtr<File> file = [] {
        make_file("/f", std::string(100, 'x'));
        return vfs_open("/f", O_RDWR, 0).release_value();
    }();
    FilesStruct* first = task().files;
    RefPtr<FilesStruct> second = FilesStruct::make().release_value();

    /// As process 1 (the task's own table) or 2.
    Errno set(int who, i16 type, i64 start, i64 length, int command = F_SETLK) {
        KernelFlock l{type, SEEK_SET, 0, start, length, 0, 0};
        return with(who, [&] { return error_of(fcntl_lock(*file, command, l)); });
    }
    /// What process `who` is told stands in the way of a write lock: "start+length" or "free".
    std::string ask(int who, i64 start, i64 length) {
        KernelFlock l{F_WRLCK, SEEK_SET, 0, start, length, 0, 0};
        with(who, [&] { return error_of(fcntl_lock(*file, F_GETLK, l)); });
        if (l.l_type == F_UNLCK) return "free";
        return std::to_string(l.l_start) + "+" + std::to_string(l.l_len);
    }
    template <class Act>
    Errno with(int who, Act act) {
        FilesStruct* before = task().files;
        task().files = who == 2 ? second.get() : first;
        const Errno e = act();
        task().files = before;
        return e;
    }
};

}  // namespace

TEST_CASE("a lock unlocked in its middle becomes two; joined again it is one") {
    World w;
    Lockers l;
    REQUIRE(l.set(1, F_WRLCK, 10, 10) == Errno::OK);
    CHECK(l.ask(2, 0, 0) == "10+10");
    REQUIRE(l.set(1, F_UNLCK, 13, 2) == Errno::OK);
    CHECK(l.ask(2, 0, 0) == "10+3");
    CHECK(l.ask(2, 13, 0) == "15+5");
    CHECK(l.ask(2, 13, 2) == "free");
    REQUIRE(l.set(1, F_WRLCK, 13, 2) == Errno::OK);
    CHECK(l.ask(2, 0, 0) == "10+10");
    REQUIRE(l.set(1, F_WRLCK, 5, 0) == Errno::OK);
    CHECK(l.ask(2, 0, 0) == "5+0");
    CHECK(l.ask(1, 0, 0) == "free");  // nobody is in one's own way
}

TEST_CASE("shared locks share, exclusive ones do not; changing the kind splits") {
    World w;
    Lockers l;
    REQUIRE(l.set(1, F_RDLCK, 0, 10) == Errno::OK);
    REQUIRE(l.set(2, F_RDLCK, 5, 10) == Errno::OK);
    CHECK(l.set(2, F_WRLCK, 5, 1) == Errno::EAGAIN);
    CHECK(l.set(2, F_WRLCK, 12, 1) == Errno::OK);
    CHECK(l.set(1, F_RDLCK, 12, 1) == Errno::EAGAIN);
    CHECK(l.set(1, F_RDLCK, 13, 1) == Errno::OK);
}

TEST_CASE("waiting ends when the other lets go, by a signal, or at once when it would never end") {
    World w;
    Lockers l;
    REQUIRE(l.set(1, F_WRLCK, 0, 10) == Errno::OK);
    on_sleep([&] { return l.set(1, F_UNLCK, 0, 10) == Errno::OK; });
    CHECK(l.set(2, F_WRLCK, 0, 10, F_SETLKW) == Errno::OK);
    on_sleep([] {
        interrupt(true);
        return true;
    });
    CHECK(l.set(1, F_WRLCK, 0, 10, F_SETLKW) == Errno::ERESTARTSYS);
    interrupt(false);
    REQUIRE(l.set(1, F_WRLCK, 20, 1) == Errno::OK);
    on_sleep([&] {
        CHECK(l.set(1, F_WRLCK, 0, 1, F_SETLKW) == Errno::EDEADLK);
        interrupt(true);
        return true;
    });
    CHECK(l.set(2, F_WRLCK, 20, 1, F_SETLKW) == Errno::ERESTARTSYS);
    interrupt(false);
}

TEST_CASE("closing any descriptor of the file gives up the process's record locks, and no one else's") {
    World w;
    Lockers l;
    REQUIRE(l.set(1, F_WRLCK, 0, 10) == Errno::OK);
    REQUIRE(l.set(2, F_WRLCK, 20, 10) == Errno::OK);
    const int fd = task().files->install(vfs_open("/f", O_RDONLY, 0).release_value(), false).release_value();
    REQUIRE(task().files->close(fd).ok());
    CHECK(l.ask(2, 0, 10) == "free");
    CHECK(l.ask(1, 20, 10) == "20+10");
}

TEST_CASE("flock belongs to the open file description") {
    World w;
    Lockers l;
    RefPtr<File> other = vfs_open("/f", O_RDONLY, 0).release_value();
    REQUIRE(flock_file(*l.file, LOCK_EX).ok());
    CHECK(error_of(flock_file(*other, LOCK_SH | LOCK_NB)) == Errno::EAGAIN);
    REQUIRE(flock_file(*l.file, LOCK_SH).ok());
    CHECK(flock_file(*other, LOCK_SH | LOCK_NB).ok());
    other.reset();
    CHECK(flock_file(*l.file, LOCK_EX | LOCK_NB).ok());
    CHECK(error_of(flock_file(*l.file, 99)) == Errno::EINVAL);
}
