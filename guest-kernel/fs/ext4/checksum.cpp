// CRCs by table, eight bits at a time; the tables are made by the compiler.
#include "fs/ext4/checksum.h"

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

}  // namespace

u32 crc32c(u32 crc, const void* data, size_t size) {
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
