// Reading partition tables (block/partitions.h).
#include "block/partitions.h"

#include "core/kmalloc.h"
#include "core/string.h"
#include "core/string_buf.h"

namespace {

template <class T>
T field(const u8* data, size_t offset) {
    T value;
    memcpy(&value, data + offset, sizeof(T));
    return value;
}

/// kmalloc'd memory that goes with its scope.
struct Block {
    explicit Block(u32 size) : data(static_cast<u8*>(kmalloc(size))) {}
    ~Block() { kfree(data); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    u8* const data;
};

void add(Partitions* out, const BlockDevice& device, PartitionEntry entry) {
    if (out->count == Partitions::kMax || entry.number > Partitions::kMax) return;
    if (entry.count == 0 || entry.first >= device.sectors()) return;
    entry.count = min(entry.count, device.sectors() - entry.first);
    out->entries[out->count++] = entry;
}

// MBR

constexpr u32 kMbrTable = 446, kMbrEntry = 16;
constexpr u8 kGptProtective = 0xee;

bool has_mbr_signature(const u8* sector) {
    return sector[510] == 0x55 && sector[511] == 0xaa;
}
bool is_extended(u8 type) {
    return type == 0x05 || type == 0x0f || type == 0x85;
}

void name_mbr(PartitionEntry* entry, u32 signature) {
    snprintf(entry->uuid, sizeof(entry->uuid), "%08x-%02x", signature, entry->number);
}

/// The chain of logical partitions: each record has one, and where the next record is, counted from the first.
Result<void> read_logical(BlockDevice& device, u64 scale, u64 base, u32 signature, u8* sector,
                          Partitions* out) {
    constexpr u32 kMaxChain = 64;  // it may be a ring
    u64 at = base;
    u32 number = 5;
    for (u32 i = 0; i < kMaxChain && at < device.sectors(); i++) {
        TRY(device.read(at, sector, max(kSectorSize, device.logical_block_size())));
        if (!has_mbr_signature(sector)) break;
        const u8* first = sector + kMbrTable;
        const u8* second = first + kMbrEntry;
        PartitionEntry entry;
        entry.number = number;
        entry.first = at + field<u32>(first, 8) * scale;
        entry.count = field<u32>(first, 12) * scale;
        const u64 link = field<u32>(second, 8) * scale;
        const bool more = is_extended(second[4]) && link != 0;
        if (first[4] != 0 && entry.count != 0) {
            name_mbr(&entry, signature);
            add(out, device, entry);
            number++;
        }
        if (!more) break;
        at = base + link;
    }
    return {};
}

Result<void> read_mbr(BlockDevice& device, u64 scale, u8* sector, Partitions* out) {
    const u32 signature = field<u32>(sector, 440);
    u64 extended = 0;
    for (u32 i = 0; i < 4; i++) {
        const u8* raw = sector + kMbrTable + i * kMbrEntry;
        if (raw[0] != 0x00 && raw[0] != 0x80) return {};  // a boot sector of a file system, not a table
    }
    for (u32 i = 0; i < 4; i++) {
        const u8* raw = sector + kMbrTable + i * kMbrEntry;
        PartitionEntry entry;
        entry.number = i + 1;
        entry.first = field<u32>(raw, 8) * scale;
        entry.count = field<u32>(raw, 12) * scale;
        if (raw[4] == 0 || entry.count == 0) continue;
        if (is_extended(raw[4])) {
            if (!extended) extended = entry.first;
            entry.count =
                min<u64>(entry.count, max<u64>(2, scale));  // only room for a boot loader, as Linux has it
        }
        name_mbr(&entry, signature);
        add(out, device, entry);
    }
    if (out->count > 0) out->kind = PartitionTable::kMbr;
    return extended ? read_logical(device, scale, extended, signature, sector, out) : Result<void>();
}

// GPT

u32 crc32(const u8* data, size_t size) {
    u32 crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

void format_guid(const u8* g, char* out, size_t size) {
    snprintf(out, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", field<u32>(g, 0),
             field<u16>(g, 4), field<u16>(g, 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

/// Reads the copy whose header is in logical block `lba`. False: it is no valid one.
Result<bool> read_gpt(BlockDevice& device, u64 lba, u8* block, Partitions* out) {
    const u32 size = device.logical_block_size();
    const u64 scale = size >> kSectorShift;
    if (lba * scale >= device.sectors()) return false;
    TRY(device.read(lba * scale, block, size));
    if (memcmp(block, "EFI PART", 8) != 0) return false;
    const u32 header_size = field<u32>(block, 12);
    const u32 header_crc = field<u32>(block, 16);
    if (header_size < 92 || header_size > size || field<u64>(block, 24) != lba) return false;
    memset(block + 16, 0, 4);
    if (crc32(block, header_size) != header_crc) return false;
    const u64 table_lba = field<u64>(block, 72);
    const u32 entries = field<u32>(block, 80), entry_size = field<u32>(block, 84),
              table_crc = field<u32>(block, 88);
    constexpr u32 kMaxTable = 256 * 1024;
    if (entry_size < 128 || entry_size % 8 != 0 || entries == 0 || entries > kMaxTable / entry_size)
        return false;
    const u32 table_size = entries * entry_size;
    const u32 read_size = static_cast<u32>(align_up(u64{table_size}, u64{size}));
    if (table_lba >= device.sectors() / scale || read_size / size > device.sectors() / scale - table_lba)
        return false;
    const Block table(read_size);
    if (!table.data) return Errno::ENOMEM;
    TRY(device.read(table_lba * scale, table.data, read_size));
    if (crc32(table.data, table_size) != table_crc) return false;
    out->kind = PartitionTable::kGpt;
    for (u32 i = 0; i < entries; i++) {
        const u8* raw = table.data + i * entry_size;
        static constexpr u8 kUnused[16] = {};
        if (memcmp(raw, kUnused, 16) == 0) continue;
        const u64 first = field<u64>(raw, 32), last = field<u64>(raw, 40);
        if (last < first || last >= device.sectors() / scale) continue;
        PartitionEntry entry;
        entry.number = i + 1;
        entry.first = first * scale;
        entry.count = (last - first + 1) * scale;
        format_guid(raw + 16, entry.uuid, sizeof(entry.uuid));
        for (u32 c = 0; c < 36; c++) {
            const u16 letter = field<u16>(raw, 56 + 2 * c);
            entry.label[c] = static_cast<char>(letter < 0x80 ? letter : '!');
        }
        add(out, device, entry);
    }
    return true;
}

}  // namespace

Result<void> read_partitions(BlockDevice& device, Partitions* out) {
    out->count = 0;
    out->kind = PartitionTable::kNone;
    const u32 size = device.logical_block_size();
    const u64 scale = size >> kSectorShift;
    if (device.sectors() < 2 * scale) return {};
    const Block block(size);
    if (!block.data) return Errno::ENOMEM;
    TRY(device.read(0, block.data, size));
    if (!has_mbr_signature(block.data)) return {};
    bool protective = false;
    for (u32 i = 0; i < 4; i++)
        protective = protective || block.data[kMbrTable + i * kMbrEntry + 4] == kGptProtective;
    if (!protective) return read_mbr(device, scale, block.data, out);
    if (TRY(read_gpt(device, 1, block.data, out))) return {};
    (void)TRY(read_gpt(device, device.sectors() / scale - 1, block.data, out));
    return {};
}
