// Random work on ext4 and its kin: against a model, with the power cut at any write, and on damaged images.
#include "tests/unit/kernel/shim/shim.h"

#include <cstdlib>

#include "tests/unit/kernel/ext4_workload.h"

using namespace shim;
using namespace ext4_test;

namespace {

/// How much to do: a little in every run, all of it when the environment says so (tests/campaigns).
bool long_run() {
    return std::getenv("ORRERY_TEST_LONG") != nullptr;
}

struct Kind {
    const char* options;
    u64 kib;
};
const Kind kKinds[] = {
    {"-t ext4 -b 1024 -O orphan_file,metadata_csum_seed", 12288},
    {"-t ext4 -b 4096", 16384},
    {"-t ext4 -b 1024 -O ^metadata_csum,^64bit", 12288},
    {"-t ext3 -b 1024", 12288},
    {"-t ext2 -b 2048", 12288},
};

/// Everything that the disk was told, in order.
struct Recorder {
    struct Event {
        u64 sector;
        std::vector<u8> data;  // empty: a flush
        bool durable;          // FUA
    };
    std::vector<Event> events;

    void watch(MemoryDisk& disk) {
        disk.on_bio = [this](const Bio& bio) {
            if (bio.op == BlockOp::kFlush || (bio.op == BlockOp::kWrite && (bio.flags & kBioPreflush)))
                events.push_back({0, {}, false});
            if (bio.op != BlockOp::kWrite) return;
            Event e{bio.sector, {}, (bio.flags & kBioFua) != 0};
            for (u32 i = 0; i < bio.segment_count; i++) {
                const u8* at = static_cast<const u8*>(bio.segments[i].data);
                e.data.insert(e.data.end(), at, at + bio.segments[i].length);
            }
            events.push_back(std::move(e));
        };
    }
    /// The disk as it may be when the power goes after `count` events: what was flushed is there, of what was not
    /// any part, down to single sectors' order within a write.
    std::vector<u8> cut(const std::vector<u8>& before, size_t count, Dice& dice) const {
        std::vector<u8> image = before;
        size_t flushed = 0;
        for (size_t i = 0; i < count; i++) {
            if (events[i].data.empty()) flushed = i;
        }
        for (size_t i = 0; i < count; i++) {
            const Event& e = events[i];
            if (e.data.empty()) continue;
            const bool surely = i < flushed || e.durable;
            for (size_t at = 0; at < e.data.size(); at += kSectorSize * 8) {
                if (!surely && dice.roll(2) == 0) continue;
                const size_t n = std::min<size_t>(kSectorSize * 8, e.data.size() - at);
                std::copy_n(e.data.begin() + static_cast<long>(at), n,
                            image.begin() + static_cast<long>((e.sector << kSectorShift) + at));
            }
        }
        return image;
    }
};

struct Promise {
    size_t from, to;  // while fewer events than `to` have happened
    std::string path, content;
};

void power_cut(const Kind& kind, u32 seed, u32 steps, u32 cuts) {
    World w;
    std::vector<u8> before;
    Recorder recorder;
    std::vector<Promise> promises;
    {
        Mounted m(make_image(kind.options, kind.kib));
        REQUIRE(m.error == Errno::OK);
        before = m.image();
        recorder.watch(*m.disk);
        Workload work(seed);
        work.promised = [&](const std::string& path, const std::string& content) {
            promises.push_back({recorder.events.size(), ~size_t{0}, path, content});
        };
        work.broken = [&](const std::string& path) {
            for (Promise& p : promises) {
                if (p.path == path && p.to == ~size_t{0}) p.to = recorder.events.size();
            }
        };
        Dice dice(seed + 1);
        for (u32 i = 0; i < steps; i++) {
            work.step();
            if (dice.roll(20) == 0) REQUIRE(m.super().commit().ok());
            if (dice.roll(60) == 0) REQUIRE(m.super().sync().ok());
        }
        m.disk->on_bio = nullptr;
    }
    Dice dice(seed + 2);
    const size_t total = recorder.events.size();
    for (u32 i = 0; i < cuts; i++) {
        const size_t at = cuts >= total ? std::min<size_t>(i, total) : dice.roll(static_cast<u32>(total + 1));
        if (cuts >= total && i > total) break;
        INFO(kind.options << " seed " << seed << " cut after " << at << " of " << total);
        Mounted m(recorder.cut(before, at, dice));
        REQUIRE(m.error == Errno::OK);
        for (const Promise& p : promises) {
            if (at < p.from || at >= p.to) continue;
            INFO(p.path);
            const bool there = lookup_at(AT_FDCWD, p.path.c_str(), 0).ok();
            CHECK(there);
            if (there) CHECK((read_file(p.path.c_str()) == p.content));
        }
        REQUIRE(m.unmount() == Errno::OK);
        const std::string said = faults(m.image());
        REQUIRE(said == "");
    }
}

}  // namespace

TEST_CASE("ext4: random work gives what the model gives and a clean disk") {
    for (const Kind& kind : kKinds) {
        for (u32 seed = 1; seed <= (long_run() ? 40u : 2u); seed++) {
            World w;
            INFO(kind.options << " seed " << seed);
            Mounted m(make_image(kind.options, kind.kib));
            REQUIRE(m.error == Errno::OK);
            Workload work(seed);
            for (u32 round = 0; round < 4; round++) {
                for (u32 i = 0; i < 150; i++) work.step();
                work.check();
                REQUIRE(m.unmount() == Errno::OK);
                const std::string said = faults(m.image());
                REQUIRE(said == "");
                m.mount();
                REQUIRE(m.error == Errno::OK);
                work.check();
            }
        }
    }
}

TEST_CASE("ext4: after a power cut the disk is clean and has what was synced") {
    for (const Kind& kind : kKinds) {
        if (std::string(kind.options).find("ext2") != std::string::npos) continue;  // promises nothing
        for (u32 seed = 1; seed <= (long_run() ? 5u : 1u); seed++)
            power_cut(kind, seed, 120, long_run() ? 100000 : 12);
    }
}

namespace {

/// Lists, reads and changes whatever is there; everything may fail, nothing may crash or go on for ever.
void use_tree(const std::string& dir, u32 depth, u32& budget) {
    std::vector<std::string> names;
    try {
        names = list_dir(dir.c_str());
    } catch (const std::exception&) {
        return;
    }
    for (const std::string& name : names) {
        if (name == "." || name == ".." || budget == 0) continue;
        budget--;
        const std::string path = dir + "/" + name;
        Result<Path> place = lookup_at(AT_FDCWD, path.c_str(), 0);
        if (!place.ok()) continue;
        KernelStat st;
        place.value().inode().getattr(&st);
        KString text;
        (void)place.value().inode().listxattr(text);
        char value[256];
        (void)place.value().inode().getxattr("user.note", value, sizeof(value));
        if (place.value().inode().is_symlink()) (void)place.value().inode().readlink();
        if (place.value().inode().is_dir()) {
            if (depth < 6) use_tree(path, depth + 1, budget);
            continue;
        }
        Result<RefPtr<File>> file = vfs_open(path.c_str(), O_RDWR, 0);
        if (!file.ok() || !place.value().inode().is_regular()) continue;
        loff_t at = 0;
        char chunk[4096];
        for (int i = 0; i < 16; i++) {
            Result<size_t> n = kernel_read(*file.value(), chunk, sizeof(chunk), at);
            if (!n.ok() || n.value() == 0) break;
        }
        (void)file.value()->seek(0, SEEK_HOLE);
        at = 30000;
        (void)kernel_write(*file.value(), chunk, 3000, at);
        (void)file.value()->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 20000);
        (void)file.value()->sync(false);
        (void)vfs_truncate(place.value(), 500);
    }
}

void change_tree(u32 round) {
    (void)make_file("/mnt/new", std::string(5000, 'x'));
    (void)vfs_mkdir(AT_FDCWD, "/mnt/newdir", 0755);
    for (int i = 0; i < 20; i++) {
        (void)make_file(("/mnt/newdir/" + std::string(100, 'a') + std::to_string(i)).c_str(), "text");
    }
    (void)vfs_symlink(std::string(150, 's').c_str(), AT_FDCWD, "/mnt/newdir/link");
    (void)vfs_rename(AT_FDCWD, "/mnt/new", AT_FDCWD, "/mnt/newdir/moved", 0);
    std::vector<std::string> names;
    try {
        names = list_dir("/mnt");
    } catch (const std::exception&) {
    }
    for (const std::string& name : names) {
        if ((round++ & 1) && name[0] != '.') (void)vfs_unlink(AT_FDCWD, ("/mnt/" + name).c_str());
    }
}

}  // namespace

TEST_CASE("ext4: a damaged image is refused or endured") {
    const Kind kinds[] = {{"-t ext4 -b 1024 -O ^metadata_csum,orphan_file", 4096},
                          {"-t ext4 -b 1024 -O ^has_journal,^metadata_csum", 2048},
                          {"-t ext3 -b 1024 -O ^resize_inode", 4096},
                          {"-t ext4 -b 4096", 8192}};
    for (const Kind& kind : kinds) {
        World w;
        std::vector<u8> good;
        {
            Mounted m(make_image(kind.options, kind.kib));
            REQUIRE(m.error == Errno::OK);
            Workload work(17);
            for (u32 i = 0; i < 250; i++) work.step();
            REQUIRE(m.super().sync().ok());
            good = m.image();  // as a power cut leaves it: the journal is to be replayed
        }
        std::vector<size_t> places;  // where something is
        for (size_t at = 1024; at + 16 <= good.size(); at += 16) {
            for (size_t k = 0; k < 16; k++) {
                if (good[at + k] != 0 && (good[at + k] < 'a' || good[at + k] > 'z')) {
                    places.push_back(at);
                    break;
                }
            }
        }
        for (u32 seed = 0; seed < (long_run() ? 2000u : 150u); seed++) {
            Dice dice(seed);
            std::vector<u8> bad = good;
            const u32 hits = 1 + dice.roll(seed % 3 == 0 ? 200 : 6);
            for (u32 i = 0; i < hits; i++) {
                u8& byte = bad[places[dice.roll(static_cast<u32>(places.size()))] + dice.roll(16)];
                const u8 values[] = {
                    0, 0xff, 0x7f, 0x80, 1, static_cast<u8>(dice.roll(256)), static_cast<u8>(byte + 1)};
                byte = values[dice.roll(7)];
            }
            INFO(kind.options << " seed " << seed);
            Mounted m(bad, seed % 4 == 0 ? "errors=remount-ro" : nullptr, seed % 7 == 0);
            if (m.error != Errno::OK) continue;
            u32 budget = 300;
            use_tree("/mnt", 0, budget);
            change_tree(seed);
            CHECK(m.unmount() == Errno::OK);
        }
    }
}
