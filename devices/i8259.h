// A pair of 8259A interrupt controllers as the PC wires them (Intel 8259A data sheet, December 1988; ELCR:
// Intel 82371SB PIIX3 data sheet, 2.5.11).
//
//   port   write                                              read
//   20/a0  ICW1 (bit 4), OCW2 (bits 4-3 = 0), OCW3 (= 01)     IRR or ISR, or the poll byte
//   21/a1  ICW2-ICW4 in sequence, then OCW1 (the mask)        IMR, or the poll byte
//   4d0/1  ELCR: level (1) or edge (0) for each line          the same
//
// The slave's INT is the master's IR2. An edge request is held only while its line stays high, as in the
// chip: a line that falls before the acknowledge makes a spurious interrupt (IR7) if the CPU was already on
// its way. The 8080's CALL mode is not there: acknowledge() gives a vector, whatever ICW4 bit 0 says.
#pragma once

#include "emulator/core/bus/device.h"

namespace orrery {

// One chip.
class Pic8259 {
  public:
    void reset();
    void visit(Archive& archive);

    void set_line(unsigned line, bool level);
    void set_elcr(u8 value);
    u8 elcr() const { return elcr_; }
    bool intr() const { return pending_level() < 8; }
    // Both INTA pulses: the interrupt's number on this chip (0-7); 7, with no ISR bit set, when none is
    // pending.
    unsigned acknowledge(bool& spurious);
    u8 vector(unsigned level) const { return static_cast<u8>(vector_base_ | level); }

    u8 read_command();
    u8 read_data();
    void write_command(u8 value);
    void write_data(u8 value);

    u8 irr() const;
    u8 isr() const { return isr_; }
    u8 imr() const { return imr_; }
    u8 vector_base() const { return vector_base_; }
    bool is_master = false;

  private:
    unsigned priority_of(unsigned level) const { return (level - lowest_priority_ - 1) & 7; }
    unsigned highest(u8 bits) const;
    unsigned pending_level() const;
    void write_icw1(u8 value);
    void write_ocw2(u8 value);
    void write_ocw3(u8 value);
    u8 poll();

    u8 lines_ = 0;
    u8 edges_ = 0;  // rising edges not acknowledged yet
    u8 elcr_ = 0;
    u8 isr_ = 0;
    u8 imr_ = 0;
    u8 vector_base_ = 0;
    u8 next_icw_ = 0;  // 2, 3 or 4 within the initialization sequence, else 0
    u8 icw1_ = 0;
    u8 cascade_ = 0;
    u8 lowest_priority_ = 7;
    bool automatic_eoi_ = false;
    bool rotate_on_automatic_eoi_ = false;
    bool special_fully_nested_ = false;
    bool special_mask_ = false;
    bool read_isr_ = false;
    bool poll_next_ = false;
};

class I8259 : public Device, public IrqSink {
  public:
    // `intr` is the master's INT pin.
    explicit I8259(IrqLine intr = {}) : intr_(intr) { master_.is_master = true; }
    void connect_intr(IrqLine intr) { intr_ = intr; }

    std::string_view name() const override { return "i8259"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;

    // Lines 0-15 as the PC numbers its interrupts; line 2 is the cascade and cannot be driven.
    void set_irq(unsigned line, bool level) override;

    bool intr() const { return master_.intr(); }
    // The CPU's two INTA cycles: the vector.
    u8 acknowledge();

    const Pic8259& master() const { return master_; }
    const Pic8259& slave() const { return slave_; }

  private:
    void update();

    IrqLine intr_;
    Pic8259 master_;
    Pic8259 slave_;
};

}  // namespace orrery
