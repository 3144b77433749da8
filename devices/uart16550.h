// 16550A serial port (National Semiconductor PC16550D data sheet, June 1995).
//
//   offset  DLAB=0 read / write                     DLAB=1
//   0       RBR receive / THR transmit              DLL divisor, low
//   1       IER interrupt enable                    DLM divisor, high
//   2       IIR interrupt cause / FCR FIFO control
//   3       LCR line control (bit 7: DLAB)
//   4       MCR modem control (bit 3: OUT2 gates the interrupt pin, as on the PC; bit 4: loopback)
//   5       LSR line status
//   6       MSR modem status
//   7       SCR scratch
//
// Each character takes 16 * divisor * (start + data + parity + stop bits) periods of the input clock of
// virtual time in each direction. The input clock is a choice of the board: a faster one than the PC's 1.8432
// MHz keeps a guest from spending most of its instructions waiting for the line. Bytes appear at the sink as
// the FIFO accepts them: the sink is not part of the machine's state, and nothing is lost when the guest
// powers off right after its last write. Received bytes wait on the wire while the FIFO is full, as with a
// peer that obeys flow control.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Uart16550 : public Device {
  public:
    static constexpr u64 kPcClock = 1'843'200;  // Hz

    // `base` is the first of its 8 ports; `sink` may be nullptr (nothing is plugged in).
    Uart16550(std::string name, u16 base, u64 clock_hz, EventQueue& events, IrqLine irq, OutputSink* sink);

    std::string_view name() const override { return name_; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    // Bytes that the terminal sends.
    void input(std::span<const u8> data) override;

    void set_sink(OutputSink* sink) { sink_ = sink; }
    // The time one character takes at the present setting, in ticks.
    Ticks character_time() const;
    // Bytes sent to this port that the guest has not read yet, FIFO and wire.
    size_t unread() const { return receive_fifo_.size() + wire_.size(); }

  private:
    static constexpr unsigned kFifoSize = 16;

    bool fifo_enabled() const { return (fcr_ & 1) != 0; }
    bool loopback() const { return (mcr_ & 0x10) != 0; }
    u8 identify() const;
    u8 line_status() const;
    u8 modem_inputs() const;
    u8 data_mask() const;
    unsigned trigger_level() const;
    void update_irq();
    void update_modem(u8 before);
    void write_fifo_control(u8 value);
    void transmit(u8 byte);
    void start_shift();
    void end_shift();
    void receive(u8 byte);
    void wire_arrival(Ticks now);
    void start_wire();
    void touch_timeout();
    u8 read_receive_buffer();

    std::string name_;
    u16 base_;
    u64 clock_hz_;
    EventQueue& events_;
    IrqLine irq_;
    OutputSink* sink_;
    EventQueue::TimerId transmit_timer_;
    EventQueue::TimerId receive_timer_;
    EventQueue::TimerId timeout_timer_;

    u8 ier_ = 0;
    u8 fcr_ = 0;
    u8 lcr_ = 0;
    u8 mcr_ = 0;
    u8 scr_ = 0;
    u8 msr_delta_ = 0;
    u16 divisor_ = 1;
    bool overrun_ = false;
    bool thre_latch_ = false;  // the THRE interrupt's own flip-flop
    bool timed_out_ = false;
    bool shifting_ = false;  // a character is in the transmit shift register
    u8 shift_ = 0;
    std::vector<u8> transmit_fifo_;
    std::vector<u8> receive_fifo_;
    std::vector<u8> wire_;
};

}  // namespace orrery
