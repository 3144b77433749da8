// CRCs by table, eight bits at a time; the tables are made by the compiler. CRC-32C is also an instruction of SSE4.2
// (Intel SDM vol. 2, CRC32), on general registers, that takes eight bytes at once.
#include "fs/ext4/checksum.h"

#include "arch/x86_64/cpu.h"
#include "core/string.h"

namespace {

template <class T>
struct Table {
    T at[256];
};

template <class T>
constexpr Table<T> reflected(T polynomial) {
    Table<T> table{};
    for (u32 i = 0; i < 256; i++) {
        T value = static_cast<T>(i);
        for (int bit = 0; bit < 8; bit++) {
            value = static_cast<T>((value & 1) ? (value >> 1) ^ polynomial : value >> 1);
        }
        table.at[i] = value;
    }
    return table;
}

constexpr Table<u32> kCrc32c = reflected<u32>(0x82f63b78u);
constexpr Table<u16> kCrc16 = reflected<u16>(0xa001);

bool g_has_instruction = false;  // fixed after boot

u32 crc32c_by_instruction(u32 crc, const u8* bytes, size_t size) {
    u64 value = crc;
    for (; size >= sizeof(u64); size -= sizeof(u64), bytes += sizeof(u64)) {
        u64 word;
        memcpy(&word, bytes, sizeof(word));
        asm("crc32q %1, %0" : "+r"(value) : "rm"(word));
    }
    u32 last = static_cast<u32>(value);
    for (; size > 0; size--, bytes++) asm("crc32b %1, %0" : "+r"(last) : "rm"(*bytes));
    return last;
}

}  // namespace

void init_checksums() {
    g_has_instruction = (cpuid(1).ecx >> 20 & 1) != 0;
}

u32 crc32c(u32 crc, const void* data, size_t size) {
    return g_has_instruction ? crc32c_by_instruction(crc, static_cast<const u8*>(data), size)
                             : crc32c_by_table(crc, data, size);
}

u32 crc32c_by_table(u32 crc, const void* data, size_t size) {
    const u8* bytes = static_cast<const u8*>(data);
    for (size_t i = 0; i < size; i++) crc = (crc >> 8) ^ kCrc32c.at[(crc ^ bytes[i]) & 0xff];
    return crc;
}

u16 crc16(u16 crc, const void* data, size_t size) {
    const u8* bytes = static_cast<const u8*>(data);
    for (size_t i = 0; i < size; i++) {
        crc = static_cast<u16>((crc >> 8) ^ kCrc16.at[(crc ^ bytes[i]) & 0xff]);
    }
    return crc;
}
