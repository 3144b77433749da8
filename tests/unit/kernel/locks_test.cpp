// Record locks: how ranges split, merge and conflict (owners are told apart by their tables of files); and the order
// of the kernel's own locks where a page fault waits for a disk.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/file_locks.h"
#include "mm/memory_object.h"

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
    CHECK_FALSE(flock_valid(LOCK_SH | LOCK_EX));
}

namespace {

// A file on a disk, as far as locks go: its pages, the map of its blocks, the blocks of the map itself, and a queue
// of requests that an interrupt answers.
class DiskFile final : public MemoryObject {
  public:
    Result<Page*> get_page(u64 index, bool) override {
        const auto pages = pages_.lock();
        if (!*pages) {
            const u64 block = TRY(block_of(index));
            Page* page = alloc_page();
            read_block(block, page_address(page));
            *pages = page;
        }
        page_get(*pages);
        return *pages;
    }
    /// What the disk's interrupt does: answers the oldest request.
    bool interrupt() {
        Request* request = queue_.with([](Requests& q) { return q.pop_front(); });
        if (!request) return false;
        memset(request->to, static_cast<int>(request->block), kPageSize);
        __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
        answered_.wake_all();
        return true;
    }
    ~DiskFile() override {
        if (Page* page = *pages_.lock()) page_put(page);
    }

    int reads = 0;

  private:
    struct Request {
        ListNode node;
        u64 block;
        void* to;
        bool done = false;
    };
    using Requests = List<Request, &Request::node>;
    using MapBlock = std::vector<u8>;

    Result<u64> block_of(u64 index) {
        const auto map = map_.lock();
        const auto cached = cache_.lock();
        if (cached->empty()) {
            cached->resize(kPageSize);
            read_block(*map, cached->data());
        }
        return cached->at(index) + 1ull;
    }
    void read_block(u64 block, void* to) {
        Request request{{}, block, to};
        queue_.lock()->push_back(&request);
        reads++;
        wait_event_uninterruptible(answered_,
                                   [&] { return __atomic_load_n(&request.done, __ATOMIC_ACQUIRE); });
    }

    Guarded<Page*, LockRank::kObjectPages> pages_;
    Guarded<u64, LockRank::kBlockMap> map_{u64{7}};
    Guarded<MapBlock, LockRank::kBlockCache> cache_;
    Guarded<Requests, LockRank::kBlockQueue> queue_;
    WaitQueue answered_;
};

}  // namespace

TEST_CASE("a page fault may read a file from its disk, also in the middle of a read or write of that file") {
    World w;
    RefPtr<DiskFile> file = make_ref<DiskFile>().release_value();
    on_sleep([&] { return file->interrupt(); });
    Mutex position{LockRank::kFilePosition}, inode{LockRank::kInode}, mmap_lock{LockRank::kMm};
    MutexGuard position_guard(position),
        inode_guard(inode);  // write(2) copies from memory that maps the file
    MutexGuard fault(mmap_lock);
    Result<Page*> page = file->get_page(0, false);
    REQUIRE(page.ok());
    CHECK(file->reads == 2);  // the map, and the page that it says
    CHECK(*static_cast<u8*>(page_address(page.value())) == 8);
    page_put(page.value());
}
