#include "devices/pc_testdev.h"

#include <algorithm>
#include <cstring>

namespace orrery {

void PcTestdev::reset() {
    latch_ = 0;
    memory_.fill(0);
    for (const IrqLine& line : lines_) line.set(false);
}

void PcTestdev::visit(Archive& archive) {
    archive.field("latch", latch_);
    archive.field("memory", memory_);
}

u32 PcTestdev::io_read(u16 port, unsigned size) {
    if (port >= kLines || (port & ~3) == kFlush) return 0;
    const u32 mask = size == 4 ? ~u32{0} : (u32{1} << 8 * size) - 1;
    return latch_ >> 8 * (port & 3) & mask;
}

void PcTestdev::io_write(u16 port, unsigned size, u32 value) {
    if (port >= kLines) {
        if (port - kLines < static_cast<int>(kLineCount)) lines_[port - kLines].set((value & 0xff) != 0);
        return;
    }
    if ((port & ~3) == kFlush) return;
    const unsigned shift = 8 * (port & 3);
    const u32 mask = (size == 4 ? ~u32{0} : (u32{1} << 8 * size) - 1) << shift;
    latch_ = (latch_ & ~mask) | (value << shift & mask);
}

u64 PcTestdev::mmio_read(unsigned, u64 offset, unsigned size) {
    u64 value = 0;
    std::memcpy(&value, &memory_[offset], std::min<u64>(size, kMemorySize - offset));
    return value;
}

void PcTestdev::mmio_write(unsigned, u64 offset, unsigned size, u64 value) {
    std::memcpy(&memory_[offset], &value, std::min<u64>(size, kMemorySize - offset));
}

}  // namespace orrery
