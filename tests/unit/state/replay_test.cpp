// The visitor: what is saved is what is loaded, and the hash sees every field.
#include "emulator/core/state/archive.h"
#include "emulator/core/time/event_queue.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

struct Part {
    u32 number = 7;
    bool flag = true;
    std::vector<u8> data = {1, 2, 3};
    void visit(Archive& archive) {
        archive.field("number", number);
        archive.field("flag", flag);
        archive.field("data", data);
    }
};

u64 hash_of(Part& part) {
    HashArchive archive;
    part.visit(archive);
    return archive.digest();
}

}  // namespace

TEST_CASE("a saved component loads into an equal one") {
    Part saved;
    saved.number = 99;
    saved.flag = false;
    saved.data = {9, 8};
    SaveArchive save;
    save.field("part", saved);
    Part loaded;
    LoadArchive load(save.take());
    load.field("part", loaded);
    CHECK(load.at_end());
    CHECK(loaded.number == 99);
    CHECK_FALSE(loaded.flag);
    CHECK(loaded.data == saved.data);
    CHECK(hash_of(loaded) == hash_of(saved));
}

TEST_CASE("the hash sees every field") {
    Part part;
    const u64 before = hash_of(part);
    part.data[1] ^= 1;
    CHECK(hash_of(part) != before);
}

TEST_CASE("a truncated or foreign snapshot is an error") {
    Part part;
    SaveArchive save;
    save.field("part", part);
    std::vector<u8> bytes = save.take();
    std::vector<u8> cut(bytes.begin(), bytes.end() - 1);
    LoadArchive short_load(cut);
    CHECK_THROWS_AS(short_load.field("part", part), ArchiveError);
    LoadArchive other(bytes);
    CHECK_THROWS_AS(other.field("another", part), ArchiveError);
}

TEST_CASE("guest pages survive a round trip, zero pages included") {
    PagedMemory ram(4 * 4096), other(4 * 4096);
    const auto put = [](PagedMemory& memory, u64 at, u8 value) {
        memory.touch(at / 4096);
        memory.data()[at] = value;
    };
    put(ram, 4096, 1);
    put(ram, 3 * 4096 + 5, 2);
    put(other, 2 * 4096, 3);
    put(other, 4096, 3);
    SaveArchive save;
    save.pages("ram", ram);
    LoadArchive load(save.take());
    load.pages("ram", other);
    CHECK(std::equal(ram.data(), ram.data() + ram.size(), other.data()));
    CHECK(ram.hash() == other.hash());
    // What is written without a word is not seen; with one it is.
    put(other, 4096, 2);
    CHECK(ram.hash() != other.hash());
    put(other, 4096, 1);
    CHECK(ram.hash() == other.hash());
}

TEST_CASE("timers fire in deadline order, then in the order of their making") {
    EventQueue queue;
    std::string fired;
    auto a = queue.add_timer("a", [&](Ticks) { fired += 'a'; });
    auto b = queue.add_timer("b", [&](Ticks) { fired += 'b'; });
    auto c = queue.add_timer("c", [&](Ticks) { fired += 'c'; });
    queue.schedule(c, 10);
    queue.schedule(b, 20);
    queue.schedule(a, 20);
    CHECK(queue.next_deadline() == 10);
    queue.set_now(19);
    queue.run_due();
    CHECK(fired == "c");
    queue.set_now(20);
    queue.run_due();
    CHECK(fired == "cab");
    CHECK(queue.next_deadline() == kNever);
}
