#include "emulator/core/bus/device.h"

namespace orrery {

u32 Device::io_read(u16, unsigned) {
    return ~u32{0};
}
void Device::io_write(u16, unsigned, u32) {}
u64 Device::mmio_read(unsigned, u64, unsigned) {
    return ~u64{0};
}
void Device::mmio_write(unsigned, u64, unsigned, u64) {}
void Device::input(std::span<const u8>) {}

}  // namespace orrery
