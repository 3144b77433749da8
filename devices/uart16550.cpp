#include "devices/uart16550.h"

namespace orrery {

namespace {

constexpr u8 kIerReceive = 1;
constexpr u8 kIerTransmit = 2;
constexpr u8 kIerLine = 4;
constexpr u8 kIerModem = 8;

constexpr u8 kIirNone = 1;
constexpr u8 kIirModem = 0;
constexpr u8 kIirTransmit = 2;
constexpr u8 kIirReceive = 4;
constexpr u8 kIirLine = 6;
constexpr u8 kIirTimeout = 0xc;

constexpr u8 kLsrReady = 1;
constexpr u8 kLsrOverrun = 2;
constexpr u8 kLsrHoldingEmpty = 0x20;
constexpr u8 kLsrEmpty = 0x40;

constexpr u8 kLcrDlab = 0x80;
constexpr u8 kMcrOut2 = 8;

}  // namespace

Uart16550::Uart16550(std::string name, u16 base, u64 clock_hz, EventQueue& events, IrqLine irq,
                     OutputSink* sink)
    : name_(std::move(name)), base_(base), clock_hz_(clock_hz), events_(events), irq_(irq), sink_(sink) {
    transmit_timer_ = events.add_timer(name_ + ".transmit", [this](Ticks) { end_shift(); });
    receive_timer_ = events.add_timer(name_ + ".receive", [this](Ticks now) { wire_arrival(now); });
    timeout_timer_ = events.add_timer(name_ + ".timeout", [this](Ticks) {
        timed_out_ = true;
        update_irq();
    });
}

void Uart16550::reset() {
    events_.cancel(transmit_timer_);
    events_.cancel(receive_timer_);
    events_.cancel(timeout_timer_);
    ier_ = fcr_ = lcr_ = mcr_ = scr_ = msr_delta_ = shift_ = 0;
    divisor_ = 1;  // undefined in the data sheet; as firmware leaves it for 115200 baud
    overrun_ = thre_latch_ = timed_out_ = shifting_ = false;
    transmit_fifo_.clear();
    receive_fifo_.clear();
    wire_.clear();
    update_irq();
}

Ticks Uart16550::character_time() const {
    const unsigned data = 5 + (lcr_ & 3u);
    const unsigned parity = (lcr_ >> 3) & 1;
    const unsigned stop_halves = (lcr_ & 4) == 0 ? 2 : data == 5 ? 3 : 4;
    const u64 half_bits = 2 * (1 + data + parity) + stop_halves;
    const u64 divisor = divisor_ == 0 ? 0x10000 : divisor_;
    return periods_to_ticks(8 * divisor * half_bits, clock_hz_);
}

u8 Uart16550::data_mask() const {
    return static_cast<u8>(0xff >> (3 - (lcr_ & 3)));
}

unsigned Uart16550::trigger_level() const {
    static constexpr unsigned kLevels[] = {1, 4, 8, 14};
    return fifo_enabled() ? kLevels[fcr_ >> 6] : 1;
}

u8 Uart16550::line_status() const {
    u8 status = 0;
    if (!receive_fifo_.empty()) status |= kLsrReady;
    if (overrun_) status |= kLsrOverrun;
    if (transmit_fifo_.empty()) status |= kLsrHoldingEmpty;
    if (transmit_fifo_.empty() && !shifting_) status |= kLsrEmpty;
    return status;
}

// Bits 4-7 of MSR. A terminal that is switched on: CTS, DSR and DCD; in loopback the modem outputs (data
// sheet 8.6.6).
u8 Uart16550::modem_inputs() const {
    if (!loopback()) return 0xb0;
    u8 inputs = 0;
    if ((mcr_ & 2) != 0) inputs |= 0x10;  // RTS → CTS
    if ((mcr_ & 1) != 0) inputs |= 0x20;  // DTR → DSR
    if ((mcr_ & 4) != 0) inputs |= 0x40;  // OUT1 → RI
    if ((mcr_ & 8) != 0) inputs |= 0x80;  // OUT2 → DCD
    return inputs;
}

// The highest-priority cause (data sheet table IV).
u8 Uart16550::identify() const {
    if ((ier_ & kIerLine) != 0 && overrun_) return kIirLine;
    if ((ier_ & kIerReceive) != 0) {
        if (receive_fifo_.size() >= trigger_level()) return kIirReceive;
        if (timed_out_ && !receive_fifo_.empty()) return kIirTimeout;
    }
    if ((ier_ & kIerTransmit) != 0 && thre_latch_) return kIirTransmit;
    if ((ier_ & kIerModem) != 0 && msr_delta_ != 0) return kIirModem;
    return kIirNone;
}

// OUT2 opens the buffer between the chip and the interrupt line; in loopback the OUT2 pin is inactive.
void Uart16550::update_irq() {
    irq_.set(identify() != kIirNone && (mcr_ & kMcrOut2) != 0 && !loopback());
}

void Uart16550::update_modem(u8 before) {
    const u8 changed = before ^ modem_inputs();
    msr_delta_ |= static_cast<u8>((changed >> 4) & 0xb);
    if ((changed & before & 0x40) != 0) msr_delta_ |= 4;  // TERI: the trailing edge of RI
}

void Uart16550::write_fifo_control(u8 value) {
    const bool toggled = ((value ^ fcr_) & 1) != 0;
    if (toggled || ((value & 1) != 0 && (value & 2) != 0)) {
        receive_fifo_.clear();
        timed_out_ = false;
        events_.cancel(timeout_timer_);
    }
    if (toggled || ((value & 1) != 0 && (value & 4) != 0)) {
        transmit_fifo_.clear();
        thre_latch_ = true;
    }
    fcr_ = (value & 1) != 0 ? value & 0xc9 : 0;
    start_wire();
}

void Uart16550::transmit(u8 byte) {
    byte &= data_mask();
    thre_latch_ = false;
    const size_t room = fifo_enabled() ? kFifoSize : 1;
    if (transmit_fifo_.size() >= room) {
        if (fifo_enabled()) return;  // a full FIFO drops the byte
        transmit_fifo_.clear();      // the holding register is overwritten
    }
    transmit_fifo_.push_back(byte);
    if (!loopback() && sink_ != nullptr) sink_->write({&byte, 1});
    if (!shifting_) start_shift();
}

void Uart16550::start_shift() {
    shift_ = transmit_fifo_.front();
    transmit_fifo_.erase(transmit_fifo_.begin());
    shifting_ = true;
    if (transmit_fifo_.empty()) thre_latch_ = true;
    events_.schedule(transmit_timer_, events_.now() + character_time());
}

void Uart16550::end_shift() {
    shifting_ = false;
    if (loopback()) receive(shift_);
    if (!transmit_fifo_.empty()) start_shift();
    update_irq();
}

void Uart16550::receive(u8 byte) {
    const size_t room = fifo_enabled() ? kFifoSize : 1;
    if (receive_fifo_.size() >= room) {
        overrun_ = true;
        if (!fifo_enabled()) receive_fifo_[0] = byte;
    } else {
        receive_fifo_.push_back(byte & data_mask());
    }
    touch_timeout();
    update_irq();
}

// The timeout runs for four character times from the last character in or out, in FIFO mode (data
// sheet 8.4.1).
void Uart16550::touch_timeout() {
    timed_out_ = false;
    if (fifo_enabled() && !receive_fifo_.empty())
        events_.schedule(timeout_timer_, events_.now() + 4 * character_time());
    else
        events_.cancel(timeout_timer_);
}

void Uart16550::input(std::span<const u8> data) {
    wire_.insert(wire_.end(), data.begin(), data.end());
    start_wire();
}

void Uart16550::start_wire() {
    const size_t room = fifo_enabled() ? kFifoSize : 1;
    if (!wire_.empty() && receive_fifo_.size() < room && events_.deadline(receive_timer_) == kNever)
        events_.schedule(receive_timer_, events_.now() + character_time());
}

void Uart16550::wire_arrival(Ticks) {
    const size_t room = fifo_enabled() ? kFifoSize : 1;
    // In loopback the receiver does not see its pin; the peer waits.
    if (wire_.empty() || loopback() || receive_fifo_.size() >= room) return;
    const u8 byte = wire_.front();
    wire_.erase(wire_.begin());
    receive(byte);
    start_wire();
}

u8 Uart16550::read_receive_buffer() {
    u8 byte = 0;
    if (!receive_fifo_.empty()) {
        byte = receive_fifo_.front();
        receive_fifo_.erase(receive_fifo_.begin());
    }
    touch_timeout();
    start_wire();
    update_irq();
    return byte;
}

u32 Uart16550::io_read(u16 port, unsigned) {
    const bool dlab = (lcr_ & kLcrDlab) != 0;
    switch (port - base_) {
        case 0:
            return dlab ? divisor_ & 0xff : read_receive_buffer();
        case 1:
            return dlab ? divisor_ >> 8 : ier_;
        case 2: {
            const u8 cause = identify();
            if (cause == kIirTransmit) {
                thre_latch_ = false;
                update_irq();
            }
            return cause | (fifo_enabled() ? 0xc0u : 0u);
        }
        case 3:
            return lcr_;
        case 4:
            return mcr_;
        case 5: {
            const u8 status = line_status();
            overrun_ = false;
            update_irq();
            return status;
        }
        case 6: {
            const u8 status = modem_inputs() | msr_delta_;
            msr_delta_ = 0;
            update_irq();
            return status;
        }
        case 7:
            return scr_;
        default:
            return 0xff;
    }
}

void Uart16550::io_write(u16 port, unsigned, u32 wide) {
    const u8 value = static_cast<u8>(wide);
    const bool dlab = (lcr_ & kLcrDlab) != 0;
    switch (port - base_) {
        case 0:
            if (dlab)
                divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
            else
                transmit(value);
            break;
        case 1:
            if (dlab) {
                divisor_ = static_cast<u16>((divisor_ & 0xff) | (value << 8));
                break;
            }
            // Enabling the interrupt while the holding register is empty raises it at once.
            if ((value & kIerTransmit) != 0 && (ier_ & kIerTransmit) == 0 && transmit_fifo_.empty())
                thre_latch_ = true;
            ier_ = value & 0xf;
            break;
        case 2:
            write_fifo_control(value);
            break;
        case 3:
            lcr_ = value;
            break;
        case 4: {
            const u8 before = modem_inputs();
            mcr_ = value & 0x1f;
            update_modem(before);
            start_wire();
            break;
        }
        case 7:
            scr_ = value;
            break;
        default:
            break;  // LSR and MSR are for reading
    }
    update_irq();
}

void Uart16550::visit(Archive& archive) {
    archive.field("ier", ier_);
    archive.field("fcr", fcr_);
    archive.field("lcr", lcr_);
    archive.field("mcr", mcr_);
    archive.field("scr", scr_);
    archive.field("msr_delta", msr_delta_);
    archive.field("divisor", divisor_);
    archive.field("overrun", overrun_);
    archive.field("thre_latch", thre_latch_);
    archive.field("timed_out", timed_out_);
    archive.field("shifting", shifting_);
    archive.field("shift", shift_);
    archive.field("transmit_fifo", transmit_fifo_, kFifoSize);
    archive.field("receive_fifo", receive_fifo_, kFifoSize);
    archive.field("wire", wire_);
}

}  // namespace orrery
