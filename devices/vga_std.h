// A display adapter with a linear framebuffer: the "std" VGA that QEMU and Bochs have, without VGA's own
// modes (QEMU, docs/specs/standard-vga; Bochs, iodev/display: the VBE "DISPI" interface, version B0C5).
//
//   configuration space: vendor 1234, device 1111; BAR 0 the video memory, BAR 2 registers: 0500 + 2n
//   register
//   n
//   ports: 1CE the register's number, 1CF its value (16 bits each)
//   registers: 0 version, 1 width, 2 height, 3 bits per pixel (15, 16, 24, 32), 4 enable (bit 0; 1:
//   capabilities are read; 7: keep what the memory holds), 5 bank (0), 6 virtual width, 7 virtual height, 8
//   and 9 the origin within it, A video memory in units of 64 KiB
//
// The video memory is plain memory to the CPUs (Bus). VGA's ports 3B0-3DF are not there. A mode that does not
// fit into the memory is not enabled.
#pragma once

#include "devices/pci_function.h"

namespace orrery {

struct DisplayConfig {
    bool present = false;
    u16 width = 1024;  // as firmware sets the mode
    u16 height = 768;
};

// What is on the screen. Pixels are little-endian: blue in the low bits.
struct DisplayMode {
    bool enabled = false;
    u32 width = 0, height = 0;  // pixels
    u32 bits = 0;               // per pixel: 15, 16, 24, 32
    u32 stride = 0;             // bytes from one line to the next
    u64 origin = 0;             // of the first pixel in video memory
};

class VgaStd : public PciFunction {
  public:
    static constexpr u16 kIndexPort = 0x1ce, kDataPort = 0x1cf;
    static constexpr u64 kMemory = u64{16} << 20;
    static constexpr u16 kMaxWidth = 2560, kMaxHeight = 1600;
    enum Register : u16 { kVersion, kWidth, kHeight, kBits, kEnable, kBank, kVirtualWidth, kVirtualHeight };

    // Adds the video memory to the bus.
    VgaStd(std::string name, Bus& bus);

    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    DisplayMode mode() const;

  private:
    static constexpr unsigned kRegisters = 11;
    u16 read(unsigned index) const;
    void write(unsigned index, u16 value);
    void enable(u16 value);
    u32 stride() const;

    std::array<u16, kRegisters> registers_{};
    u16 index_ = 0;
};

}  // namespace orrery
