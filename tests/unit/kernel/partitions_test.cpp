// Partition tables: MBR with logical partitions, GPT and its second copy, damaged and hostile ones.
#include "tests/unit/kernel/shim/shim.h"

#include "block/partitions.h"
#include "tests/unit/kernel/memory_disk.h"

using namespace shim;

namespace {

constexpr u64 kSectors = 8192;

template <class T>
void put(MemoryDisk& disk, u64 at, T value) {
    std::memcpy(&disk.data[at], &value, sizeof(T));
}

void mbr_entry(MemoryDisk& disk, u64 sector, unsigned i, u8 type, u32 first, u32 count) {
    const u64 at = sector * 512 + 446 + i * 16;
    put<u8>(disk, at + 4, type);
    put<u32>(disk, at + 8, first);
    put<u32>(disk, at + 12, count);
    put<u16>(disk, sector * 512 + 510, 0xaa55);
}

u32 crc32(const u8* data, size_t size) {
    u32 crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

void gpt_copy(MemoryDisk& disk, u64 header, u64 table) {
    const u64 entry = table * 512;
    std::memset(&disk.data[entry], 0, 128 * 128);
    std::memset(&disk.data[entry], 0x11, 16);
    for (u8 i = 0; i < 16; i++) put<u8>(disk, entry + 16 + i, i);
    put<u64>(disk, entry + 32, 64);
    put<u64>(disk, entry + 40, 1063);
    put<u16>(disk, entry + 56, 'r');
    put<u16>(disk, entry + 58, u16{0x263a});
    const u64 third = entry + 2 * 128;  // partition 3; 2 is not there
    std::memset(&disk.data[third], 0x22, 32);
    put<u64>(disk, third + 32, 2000);
    put<u64>(disk, third + 40, 2000);
    const u64 at = header * 512;
    std::memset(&disk.data[at], 0, 512);
    std::memcpy(&disk.data[at], "EFI PART", 8);
    put<u32>(disk, at + 12, 92);
    put<u64>(disk, at + 24, header);
    put<u64>(disk, at + 72, table);
    put<u32>(disk, at + 80, 128);
    put<u32>(disk, at + 84, 128);
    put<u32>(disk, at + 88, crc32(&disk.data[entry], 128 * 128));
    put<u32>(disk, at + 16, crc32(&disk.data[at], 92));
}

Partitions read(MemoryDisk& disk) {
    Partitions found;
    REQUIRE(read_partitions(disk, &found).ok());
    return found;
}

}  // namespace

TEST_CASE("MBR: primary and logical partitions, cut at the disk's end") {
    World w;
    RefPtr<MemoryDisk> disk = adopt_ref(new MemoryDisk(kSectors * 512));
    CHECK(read(*disk).count == 0);
    put<u32>(*disk, 440, 0x1234abcd);
    mbr_entry(*disk, 0, 0, 0x83, 100, 200);
    mbr_entry(*disk, 0, 1, 0x83, 7000, 100000);
    mbr_entry(*disk, 0, 3, 0x05, 1000, 2000);
    mbr_entry(*disk, 1000, 0, 0x83, 10, 50);
    mbr_entry(*disk, 1000, 1, 0x05, 500, 100);
    mbr_entry(*disk, 1500, 0, 0x82, 20, 30);
    const Partitions found = read(*disk);
    CHECK(found.kind == PartitionTable::kMbr);
    REQUIRE(found.count == 5);
    CHECK(found.entries[0].number == 1);
    CHECK(found.entries[0].first == 100);
    CHECK(found.entries[0].count == 200);
    CHECK(std::string(found.entries[0].uuid) == "1234abcd-01");
    CHECK(found.entries[1].count == kSectors - 7000);
    CHECK(found.entries[2].number == 4);
    CHECK(found.entries[2].count == 2);
    CHECK(found.entries[3].number == 5);
    CHECK(found.entries[3].first == 1010);
    CHECK(found.entries[4].number == 6);
    CHECK(found.entries[4].first == 1520);
    // A chain that is a ring ends, at the last number a disk has: 15.
    mbr_entry(*disk, 1500, 1, 0x05, 500, 100);
    CHECK(read(*disk).entries[13].number == Partitions::kMax);
    // A file system's boot sector is no table.
    put<u8>(*disk, 446, 0x42);
    CHECK(read(*disk).count == 0);
}

TEST_CASE("GPT: names, numbers, and the second copy when the first is damaged") {
    World w;
    RefPtr<MemoryDisk> disk = adopt_ref(new MemoryDisk(kSectors * 512));
    mbr_entry(*disk, 0, 0, 0xee, 1, kSectors - 1);
    gpt_copy(*disk, 1, 2);
    gpt_copy(*disk, kSectors - 1, kSectors - 33);
    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged) put<u8>(*disk, 2 * 512 + 60, 0xff);
        const Partitions found = read(*disk);
        CHECK(found.kind == PartitionTable::kGpt);
        REQUIRE(found.count == 2);
        CHECK(found.entries[0].number == 1);
        CHECK(found.entries[0].first == 64);
        CHECK(found.entries[0].count == 1000);
        CHECK(std::string(found.entries[0].uuid) == "03020100-0504-0706-0809-0a0b0c0d0e0f");
        CHECK(std::string(found.entries[0].label) == "r!");
        CHECK(found.entries[1].number == 3);
        CHECK(found.entries[1].count == 1);
    }
    put<u8>(*disk, (kSectors - 1) * 512 + 30, 0x77);
    CHECK(read(*disk).count == 0);
}

TEST_CASE("GPT: sizes that do not fit are not believed") {
    World w;
    RefPtr<MemoryDisk> disk = adopt_ref(new MemoryDisk(kSectors * 512));
    mbr_entry(*disk, 0, 0, 0xee, 1, kSectors - 1);
    for (const auto& [offset, value] :
         std::vector<std::pair<u64, u32>>{{80, ~0u}, {84, 0}, {84, 100}, {72, ~0u}, {12, 4096}, {12, 8}}) {
        gpt_copy(*disk, 1, 2);
        put<u32>(*disk, 512 + offset, value);
        put<u32>(*disk, 512 + 16, 0);
        put<u32>(*disk, 512 + 16, crc32(&disk->data[512], 92));
        CHECK(read(*disk).count == 0);
    }
    disk->failure = Errno::EIO;
    Partitions found;
    CHECK(error_of(read_partitions(*disk, &found)) == Errno::EIO);
}
