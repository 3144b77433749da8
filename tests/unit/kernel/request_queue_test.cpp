// Merging, the two schedulers, and flushes around a write.
#include "tests/unit/kernel/shim/shim.h"

#include "block/disk.h"

using namespace shim;

namespace {

alignas(4096) u8 g_memory[64 * 4096];

struct TestBio : Bio {
    TestBio(BlockOp its_op, u64 first, u32 sectors, u64 at_ns = 0) {
        op = its_op;
        sector = first;
        submitted_ns = at_ns;
        add(g_memory + (first % 64) * 512, sectors * 512);
        done = [](Bio& bio) { static_cast<TestBio&>(bio).finished = true; };
    }
    bool finished = false;
};

/// Takes requests as a driver would, and keeps them until they are ended.
class TestDisk final : public Disk {
  public:
    TestDisk() : Disk("td0", 0x1200) { set_sectors(1 << 20); }
    bool has_write_cache() const override { return true; }
    u32 room = 100;
    std::vector<std::pair<Bio*, BlockOp>> taken;
    void finish(size_t i, Errno result = Errno::OK) {
        Bio* leader = taken[i].first;
        taken.erase(taken.begin() + static_cast<long>(i));
        finished(*leader, result);
    }

  protected:
    bool issue(Bio& leader, BlockOp op) override {
        if (taken.size() >= room) return false;
        taken.emplace_back(&leader, op);
        return true;
    }
};

}  // namespace

TEST_CASE("neighbours become one request, from behind, from before, and over a closed gap") {
    RequestQueue queue;
    TestBio a(BlockOp::kWrite, 8, 8), b(BlockOp::kWrite, 16, 8), c(BlockOp::kWrite, 0, 8),
        d(BlockOp::kWrite, 32, 8), gap(BlockOp::kWrite, 24, 8), read(BlockOp::kRead, 40, 8);
    CHECK_FALSE(queue.insert(a, 0));
    CHECK(queue.insert(b, 0));
    CHECK(queue.insert(c, 0));
    CHECK_FALSE(queue.insert(d, 0));
    CHECK_FALSE(queue.insert(read, 0));
    CHECK(queue.waiting() == 3);
    CHECK(queue.insert(gap, 0));
    CHECK(queue.waiting() == 2);
    CHECK(queue.take(0) == &read);
    Bio* all = queue.take(0);
    CHECK(all == &c);
    CHECK(all->request_sectors == 40);
    std::vector<u64> order;
    for (Bio* bio = all; bio; bio = bio->next_merged) order.push_back(bio->sector);
    CHECK(order == std::vector<u64>{0, 8, 16, 24, 32});
    CHECK(queue.empty());
}

TEST_CASE("a request stays within the limits, and a write with flushes stays alone") {
    RequestQueue queue;
    queue.limits.max_sectors = 16;
    TestBio a(BlockOp::kWrite, 0, 8), b(BlockOp::kWrite, 8, 8), c(BlockOp::kWrite, 16, 8),
        fua(BlockOp::kWrite, 24, 8);
    fua.flags = kBioFua;
    CHECK_FALSE(queue.insert(a, 0));
    CHECK(queue.insert(b, 0));
    CHECK_FALSE(queue.insert(c, 0));
    CHECK_FALSE(queue.insert(fua, 0));
    queue.may_merge = false;
    TestBio d(BlockOp::kWrite, 4000, 8), e(BlockOp::kWrite, 4008, 8);
    CHECK_FALSE(queue.insert(d, 0));
    CHECK_FALSE(queue.insert(e, 0));
    for (int i = 0; i < 5; i++) CHECK(queue.take(0) != nullptr);
    CHECK(queue.take(0) == nullptr);
}

TEST_CASE("deadline goes by sectors, reads first; the overdue and the starved go before") {
    RequestQueue queue;
    TestBio far_read(BlockOp::kRead, 5000, 8), near_read(BlockOp::kRead, 100, 8),
        write(BlockOp::kWrite, 10, 8);
    queue.insert(write, 0);
    queue.insert(far_read, 0);
    queue.insert(near_read, 1);
    CHECK(queue.take(2) == &near_read);
    TestBio behind(BlockOp::kRead, 50, 8);
    queue.insert(behind, 2);
    CHECK(queue.take(3) == &far_read);  // onwards from where the batch is
    CHECK(queue.take(4) == &behind);
    CHECK(queue.take(5) == &write);

    queue.writes_starved = 1;
    queue.fifo_batch = 1;
    TestBio r1(BlockOp::kRead, 10, 1), r2(BlockOp::kRead, 20, 1), r3(BlockOp::kRead, 30, 1),
        w(BlockOp::kWrite, 40, 1);
    for (TestBio* bio : {&r1, &r2, &r3, &w}) queue.insert(*bio, 0);
    std::vector<Bio*> order;
    while (Bio* bio = queue.take(1)) order.push_back(bio);
    REQUIRE(order.size() == 4);
    CHECK(order[1] == &w);

    TestBio old_far(BlockOp::kRead, 10, 1), young(BlockOp::kRead, 90000, 1);
    queue.insert(old_far, 0);
    queue.insert(young, 600'000'000);
    CHECK(queue.take(600'000'000) == &old_far);
    CHECK(queue.take(600'000'000) == &young);
}

TEST_CASE("none goes by age") {
    RequestQueue queue;
    queue.set_scheduler(RequestQueue::Scheduler::kNone);
    TestBio a(BlockOp::kWrite, 900, 1, 1), b(BlockOp::kRead, 5, 1, 2), c(BlockOp::kWrite, 100, 1, 3);
    for (TestBio* bio : {&a, &b, &c}) queue.insert(*bio, bio->submitted_ns);
    CHECK(queue.take(9) == &a);
    CHECK(queue.take(9) == &b);
    CHECK(queue.take(9) == &c);
}

TEST_CASE("a full disk gets the rest when it has room, merged meanwhile; an error reaches every bio") {
    World w;
    RefPtr<TestDisk> disk = make_ref<TestDisk>().release_value();
    disk->room = 1;
    TestBio a(BlockOp::kRead, 0, 8), b(BlockOp::kRead, 100, 8), c(BlockOp::kRead, 108, 8);
    for (TestBio* bio : {&a, &b, &c}) disk->submit(*bio);
    REQUIRE(disk->taken.size() == 1);
    disk->finish(0);
    CHECK(a.finished);
    REQUIRE(disk->taken.size() == 1);
    CHECK(disk->taken[0].first->request_sectors == 16);
    disk->finish(0, Errno::EIO);
    CHECK(b.finished);
    CHECK(c.finished);
    CHECK(c.status == Errno::EIO);
    CHECK(disk->stats().kinds[0].merges == 1);
    CHECK(disk->stats().kinds[0].ios == 2);
    CHECK(disk->stats().in_flight == 0);
    TestBio beyond(BlockOp::kRead, (1 << 20) - 1, 2);
    disk->submit(beyond);
    CHECK(beyond.status == Errno::EIO);
    disk->set_read_only(true);
    TestBio refused(BlockOp::kWrite, 0, 1);
    disk->submit(refused);
    CHECK(refused.status == Errno::EROFS);
}

TEST_CASE("preflush and FUA are a flush, the write, and a flush") {
    World w;
    RefPtr<TestDisk> disk = make_ref<TestDisk>().release_value();
    TestBio bio(BlockOp::kWrite, 0, 8);
    bio.flags = kBioPreflush | kBioFua;
    disk->submit(bio);
    for (const BlockOp op : {BlockOp::kFlush, BlockOp::kWrite, BlockOp::kFlush}) {
        REQUIRE(disk->taken.size() == 1);
        CHECK(disk->taken[0].second == op);
        CHECK_FALSE(bio.finished);
        disk->finish(0);
    }
    CHECK(bio.finished);
    CHECK(disk->taken.empty());
}
