// One function of a PCI device: its configuration space, memory BARs, capabilities and INTx pin (PCI Local
// Bus Specification 3.0, chapter 6).
//
//   00 vendor, device   04 command, status   08 revision, class   0E header type 0   10-24 BARs
//   2C subsystem        34 capabilities      3C interrupt line, pin
//
// Bits that nothing implements read 0 and ignore writes. A BAR is on the bus while memory space is enabled.
#pragma once

#include <array>
#include <string>

#include "emulator/core/bus/bus.h"

namespace orrery {

struct PciIdentity {
    u16 vendor;
    u16 device;
    u32 class_code;  // 24 bits: class, subclass, programming interface
    u8 revision = 0;
    u16 subsystem_vendor = 0;
    u16 subsystem = 0;
};

class PciFunction : public Device {
  public:
    static constexpr unsigned kConfigSize = 256;
    static constexpr unsigned kBars = 6;

    // A function with an unconnected `intx` has no interrupt pin; others use INTA.
    PciFunction(std::string name, Bus& bus, const PciIdentity& identity, IrqLine intx = {});

    std::string_view name() const override { return name_; }
    void reset() override;
    void visit(Archive& archive) override;

    // Naturally aligned accesses of 1, 2 or 4 bytes below kConfigSize.
    u32 config_read(unsigned offset, unsigned size);
    void config_write(unsigned offset, unsigned size, u32 value);

    u64 bar_length(unsigned bar) const { return bars_[bar].length; }
    u8 config_byte(unsigned offset) const { return config_[offset]; }

  protected:
    // `length` a power of two of at least 16. Accesses arrive at mmio_read/mmio_write with region = `bar`.
    void add_memory_bar(unsigned bar, u32 length);
    // The bus's video memory, of a power of two, as a prefetchable BAR.
    void add_video_bar(unsigned bar);
    // Appends a capability of `size` bytes, its two-byte header included; returns its offset.
    unsigned add_capability(u8 id, unsigned size);
    // Contents of the configuration space before the guest writes; `writable` is the mask of what it may
    // change.
    void set_config(unsigned offset, unsigned size, u32 value, u32 writable = 0);
    u32 config(unsigned offset, unsigned size) const;
    // Changes what the guest reads from now on, and not what a reset restores.
    void put_config(unsigned offset, unsigned size, u32 value);

    // Called before a read and after a write of the guest.
    virtual void config_reading(unsigned, unsigned) {}
    virtual void config_written(unsigned, unsigned) {}

    bool bus_master() const { return (config_[4] & 4) != 0; }
    void set_intx(bool asserted);
    Bus& bus() { return bus_; }

  private:
    struct Bar {
        u32 length = 0;
        unsigned mapping = 0;
        bool video = false;
    };
    void place_bars();
    void drive_intx();

    std::string name_;
    Bus& bus_;
    IrqLine intx_;
    std::array<Bar, kBars> bars_{};
    unsigned next_capability_ = 0x40;
    unsigned last_capability_ = 0x33;  // where the link to the next one goes is one byte on
    std::array<u8, kConfigSize> initial_{};
    std::array<u8, kConfigSize> writable_{};
    // State.
    std::array<u8, kConfigSize> config_{};
    bool intx_wanted_ = false;
};

}  // namespace orrery
