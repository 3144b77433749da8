// The page cache of a device and of a mapped file, buffers, read-ahead, write-back and its errors.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/buffer_cache.h"
#include "fs/cached_file.h"
#include "fs/writeback.h"
#include "tests/unit/kernel/memory_disk.h"

using namespace shim;

namespace {

constexpr u64 kDiskSize = 4 << 20;

void fill(MemoryDisk& disk) {
    for (u64 i = 0; i < disk.data.size(); i++) disk.data[i] = static_cast<u8>(i * 7 + i / 4096);
}

/// A file of 1 KiB blocks whose place on the disk is a table, in whatever order; ~0 is a hole.
class TableFile final : public MappedPages {
  public:
    TableFile(BlockDevice& device, u64 bytes, std::vector<u64> table)
        : MappedPages(device, 10, nullptr), blocks(std::move(table)) {
        set_size(bytes);
    }
    ~TableFile() override { drop_all(); }
    Result<BlockExtent> map_blocks(u64 first, u64 wanted, bool create) override {
        BlockExtent extent;
        extent.count = 1;
        if (first >= blocks.size()) {
            if (!create) {
                extent.count = wanted;
                return extent;
            }
            blocks.resize(first + 1, ~0ull);
        }
        if (blocks[first] == ~0ull) {
            if (!create) return extent;
            if (next_free == last_free) return Errno::ENOSPC;
            blocks[first] = next_free++;
            extent.fresh = true;
        }
        extent.kind = BlockExtent::Kind::kMapped;
        extent.block = blocks[first];
        while (extent.count < wanted && first + extent.count < blocks.size() &&
               blocks[first + extent.count] == extent.block + extent.count) {
            extent.count++;
        }
        return extent;
    }
    std::vector<u64> blocks;
    u64 next_free = 3000, last_free = 4000;
};

struct OpenFile {
    RefPtr<CachedFile> file;
    OpenFile(PageCache& cache, int flags) {
        REQUIRE(make_file("/f", "") == Errno::OK);
        RefPtr<File> plain = vfs_open("/f", O_RDWR, 0).release_value();
        file = make_ref<CachedFile>(*plain->inode, cache).release_value();
        file->flags = flags;
    }
    std::string read(u64 at, size_t n) {
        std::string s(n, '\0');
        loff_t pos = static_cast<loff_t>(at);
        s.resize(kernel_read(*file, s.data(), n, pos).release_value());
        return s;
    }
    Errno write(u64 at, const std::string& s) {
        loff_t pos = static_cast<loff_t>(at);
        return error_of(kernel_write(*file, s.data(), s.size(), pos));
    }
};

}  // namespace

TEST_CASE("a second read of a device reads nothing from it") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    fill(disk);
    {
        OpenFile f(*disk.pages().release_value(), O_RDONLY);
        const std::string first = f.read(100, 1 << 20);
        CHECK(first.size() == 1 << 20);
        CHECK(memcmp(first.data(), disk.data.data() + 100, first.size()) == 0);
        const u64 reads = disk.reads;
        CHECK(reads > 0);
        CHECK(reads < 40);  // windows, not pages
        CHECK(f.read(100, 1 << 20) == first);
        CHECK(disk.reads == reads);
        CHECK(f.read(kDiskSize - 10, 100).size() == 10);
        CHECK(f.read(kDiskSize + 10, 100).empty());
    }
    disk.unref();
    CHECK(pages_in_use() == 0);
}

TEST_CASE("what is written reaches the device by sync, and once") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    fill(disk);
    disk.write_cache = true;
    {
        OpenFile f(*disk.pages().release_value(), O_RDWR);
        CHECK(f.write(5000, "hello") == Errno::OK);
        CHECK(f.read(5000, 5) == "hello");
        CHECK(disk.writes == 0);
        CHECK(memcmp(&disk.data[5000], "hello", 5) != 0);
        CHECK(page_cache_counts.dirty == 1);
        REQUIRE(f.file->cache().write_and_wait().ok());
        CHECK(disk.writes == 1);
        CHECK(memcmp(&disk.data[5000], "hello", 5) == 0);
        CHECK(page_cache_counts.dirty == 0);
        CHECK(page_cache_counts.writeback == 0);
        sync_all_pages();
        CHECK(disk.writes == 1);
        CHECK(f.write(9000, "again") == Errno::OK);
        sync_all_pages();
        CHECK(disk.writes == 2);
    }
    disk.unref();
    CHECK(pages_in_use() == 0);
}

TEST_CASE("an I/O error reaches a reader as EIO, and a writer at fsync, each open file once") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    disk.failure = Errno::EIO;
    disk.bad_from = 80;
    disk.bad_to = 88;
    {
        OpenFile f(*disk.pages().release_value(), O_RDWR);
        std::string s(4096, '\0');
        loff_t pos = 80 * 512;
        CHECK(error_of(kernel_read(*f.file, s.data(), s.size(), pos)) == Errno::EIO);
        CHECK(f.read(0, 4096).size() == 4096);
        disk.failure = Errno::OK;
        CHECK(f.read(80 * 512, 4096).size() == 4096);
        disk.failure = Errno::ENOSPC;
        CHECK(f.write(80 * 512, "x") == Errno::OK);
        f.file->cache().write_back(0, ~0ull, true);
        CHECK(error_of(f.file->check_error()) == Errno::ENOSPC);
        CHECK(error_of(f.file->check_error()) == Errno::OK);
    }
    disk.unref();
}

TEST_CASE("blocks that lie apart make one page, holes read as zeroes and are filled by writing") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    fill(disk);
    {
        auto file = make_ref<TableFile>(disk, 9000, std::vector<u64>{7, 9, ~0ull, 8, 20, 21, 22, 23, ~0ull})
                        .release_value();
        OpenFile f(*file, O_RDWR);
        const std::string all = f.read(0, 100000);
        REQUIRE(all.size() == 9000);
        CHECK(memcmp(all.data(), &disk.data[7 * 1024], 1024) == 0);
        CHECK(memcmp(all.data() + 1024, &disk.data[9 * 1024], 1024) == 0);
        CHECK(all.substr(2048, 1024) == std::string(1024, '\0'));
        CHECK(memcmp(all.data() + 3072, &disk.data[8 * 1024], 1024) == 0);
        CHECK(memcmp(all.data() + 4096, &disk.data[20 * 1024], 4096) == 0);
        CHECK(f.write(2100, "in the hole") == Errno::OK);
        CHECK(f.write(12000, "far behind the end") == Errno::OK);
        CHECK(file->size() == 12018);
        REQUIRE(file->write_and_wait().ok());
        CHECK(file->blocks[2] == 3000);
        CHECK(memcmp(&disk.data[3000 * 1024 + 52], "in the hole", 11) == 0);
        CHECK(disk.data[3000 * 1024 + 51] == 0);
        CHECK(f.read(9000, 3000) == std::string(3000, '\0'));
        // Full: the error is the writer's.
        file->last_free = file->next_free;
        CHECK(f.write(100000, "x") == Errno::ENOSPC);
        CHECK(file->size() == 12018);
        file->truncate(2103);
        CHECK(f.read(2100, 100) == "in ");
        file->set_size(4096);
        CHECK(f.read(2103, 10) == std::string(10, '\0'));
    }
    disk.unref();
    CHECK(pages_in_use() == 0);
}

TEST_CASE("buffers and the device's file are one memory; a held buffer stays back") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    fill(disk);
    {
        BufferCache cache = BufferCache::make(disk, 1024).release_value();
        OpenFile f(*disk.pages().release_value(), O_RDWR);
        BufferRef b = cache.read(5).release_value();
        CHECK(memcmp(b->data, &disk.data[5 * 1024], 1024) == 0);
        CHECK(disk.sectors_read == 2);
        memcpy(b->data, "meta", 4);
        b->mark_dirty();
        CHECK(f.read(5 * 1024, 4) == "meta");
        b->hold();
        REQUIRE(cache.sync().ok());
        CHECK(disk.writes == 0);
        CHECK(f.write(6 * 1024, "file") == Errno::OK);
        CHECK(memcmp(cache.read(6).release_value()->data, "file", 4) == 0);
        REQUIRE(cache.sync().ok());
        CHECK(disk.writes == 1);
        CHECK(memcmp(&disk.data[6 * 1024], "file", 4) == 0);
        CHECK(memcmp(&disk.data[5 * 1024], "meta", 4) != 0);
        b->release_hold();
        REQUIRE(cache.sync().ok());
        CHECK(memcmp(&disk.data[5 * 1024], "meta", 4) == 0);
        CHECK(page_cache_counts.dirty == 0);
        CHECK(error_of(cache.get(kDiskSize / 1024)) == Errno::EIO);
        CHECK(error_of(disk.pages().release_value()->set_buffer_size(4096)) == Errno::EBUSY);
        b = BufferRef();
        CHECK(disk.pages().release_value()->set_buffer_size(4096).ok());
        cache.forget(1, 1);
    }
    disk.unref();
    CHECK(pages_in_use() == 0);
}

TEST_CASE("memory comes back from clean pages only, the unused first") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    {
        OpenFile f(*disk.pages().release_value(), O_RDWR);
        f.read(0, 1 << 20);
        const u64 before = f.file->cache().page_count();
        CHECK(before >= 256);
        CHECK(f.write(0, "dirty") == Errno::OK);
        CHECK(drop_page_cache() == before - 1);
        CHECK(f.file->cache().page_count() == 1);
        REQUIRE(f.file->cache().write_and_wait().ok());
        CHECK(drop_page_cache() == 1);
        CHECK(page_cache_counts.pages == 0);
    }
    disk.unref();
}

TEST_CASE("O_DIRECT asks for alignment, and goes to the device each time") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    fill(disk);
    {
        PageCache& cache = *disk.pages().release_value();
        OpenFile plain(cache, O_RDWR);
        CHECK(plain.write(4096, "cached") == Errno::OK);
        OpenFile direct(cache, O_RDWR | O_DIRECT);
        alignas(4096) static char block[4096];
        loff_t pos = 100;
        CHECK(error_of(kernel_read(*direct.file, block, 4096, pos)) == Errno::EINVAL);
        pos = 4096;
        CHECK(kernel_read(*direct.file, block, 4096, pos).release_value() == 4096);
        CHECK(memcmp(block, "cached", 6) == 0);
        CHECK(memcmp(&disk.data[4096], "cached", 6) == 0);
        const u64 reads = disk.reads;
        pos = 4096;
        CHECK(kernel_read(*direct.file, block, 4096, pos).release_value() == 4096);
        CHECK(disk.reads == reads + 1);
        memcpy(block, "direct", 6);
        pos = 4096;
        CHECK(kernel_write(*direct.file, block, 512, pos).release_value() == 512);
        CHECK(memcmp(&disk.data[4096], "direct", 6) == 0);
        CHECK(plain.read(4096, 6) == "direct");
    }
    disk.unref();
}

TEST_CASE("dirty pages are due by age and by number") {
    World w;
    MemoryDisk& disk = *new MemoryDisk(kDiskSize);
    {
        OpenFile f(*disk.pages().release_value(), O_RDWR);
        advance_clock(60 * kNsPerSec);
        CHECK(f.write(0, "x") == Errno::OK);
        CHECK(flusher_turn() == 5 * kNsPerSec);
        CHECK(disk.writes == 0);
        advance_clock(31 * kNsPerSec);
        flusher_turn();
        CHECK(disk.writes == 1);
        writeback_limits.dirty_bytes = 64 * 4096;
        writeback_limits.dirty_background_bytes = 32 * 4096;
        CHECK(f.write(0, std::string(1 << 20, 'y')) == Errno::OK);
        CHECK(page_cache_counts.dirty <= 128);
        CHECK(disk.writes > 1);
        writeback_limits = {};
    }
    disk.unref();
    CHECK(page_cache_counts.dirty == 0);
}
