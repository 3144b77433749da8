// QEMU's pc-testdev: what suites of CPU tests need of a board beyond a PC's own parts (QEMU 7.2,
// hw/misc/pc-testdev.c, is its only specification; tests/baremetal/pc_testdev.S compares the two).
//
//   E0-E3      a latch of 4 bytes, for string and sized port accesses; E8-EB: the same latch
//   E4-E7      writes name a page that the host is to unmap and map again: nothing that a guest could see
//   2000-2017  byte n: a write drives interrupt line n high (not 0) or low (0); lines 0-15 are ISA's, 16-23
//              the IOAPIC's inputs, asserted as PCI's are. Line 2 is the cascade: no effect
//   FF000000-FF00FFFF  64 KiB of memory behind the memory-mapped path: for accesses that must not be RAM's
#pragma once

#include <array>

#include "emulator/core/bus/device.h"

namespace orrery {

class PcTestdev : public Device {
  public:
    static constexpr u16 kLatch = 0xe0, kFlush = 0xe4, kByteLatch = 0xe8, kLines = 0x2000;
    static constexpr unsigned kLineCount = 24;
    static constexpr u64 kMemory = 0xff00'0000, kMemorySize = 0x10000;

    explicit PcTestdev(const std::array<IrqLine, kLineCount>& lines) : lines_(lines) {}

    std::string_view name() const override { return "pc_testdev"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

  private:
    std::array<IrqLine, kLineCount> lines_;
    u32 latch_ = 0;
    std::array<u8, kMemorySize> memory_{};
};

}  // namespace orrery
