#include "devices/pit8254.h"

namespace orrery {

Pit8254::Pit8254(EventQueue& events, IrqLine irq0) : events_(events), irq0_(irq0) {
    timer_ = events.add_timer("pit8254", [this](Ticks) { update_irq(); });
    reset();
}

void Pit8254::reset() {
    counters_[0].reset(true);
    counters_[1].reset(true);
    counters_[2].reset(false);
    port_b_ = 0;
    // The chip's state is undefined until programmed. Here counter 0 is in the firmware's mode 3, OUT high,
    // and nothing counts yet.
    counters_[0].write_control(0x36, clock());
    next_edge_ = clock();
    update_irq();
}

// Drives every edge of OUT up to now onto the interrupt line, in order, and asks to be woken for the next.
void Pit8254::update_irq() {
    const u64 now = clock();
    while (next_edge_ <= now) {
        irq0_.set(counters_[0].out(next_edge_));
        next_edge_ = counters_[0].next_edge(next_edge_);
    }
    events_.schedule(timer_, next_edge_ == PitCounter::kNoEdge
                                 ? kNever
                                 : periods_to_ticks(next_edge_ * kDivider, kCrystal));
}

u8 Pit8254::read_port_b() {
    // The refresh request toggles every 15 µs, as counter 1 would make it.
    const bool refresh = (ticks_to_periods(events_.now(), 66'288) & 1) != 0;
    const bool out2 = counters_[2].out(clock());
    return static_cast<u8>((port_b_ & 0xf) | (refresh ? 0x10 : 0) | (out2 ? 0x20 : 0));
}

u32 Pit8254::io_read(u16 port, unsigned) {
    update_irq();
    if (port == 0x61) return read_port_b();
    const unsigned index = port & 3;
    return index == 3 ? 0xff : counters_[index].read(clock());
}

void Pit8254::io_write(u16 port, unsigned, u32 wide) {
    update_irq();
    const u8 value = static_cast<u8>(wide);
    const u64 now = clock();
    if (port == 0x61) {
        port_b_ = value & 0xf;
        counters_[2].set_gate((value & 1) != 0, now);
        return;
    }
    const unsigned index = port & 3;
    if (index != 3) {
        counters_[index].write_count(value, now);
    } else if (value >> 6 == 3) {
        // Read-back: bits 1-3 select counters; bit 5 clear latches the count, bit 4 clear the status.
        for (unsigned i = 0; i < 3; ++i) {
            if ((value & (2u << i)) == 0) continue;
            if ((value & 0x20) == 0) counters_[i].latch_count(now);
            if ((value & 0x10) == 0) counters_[i].latch_status(now);
        }
    } else if ((value & 0x30) == 0) {
        counters_[value >> 6].latch_count(now);
    } else {
        counters_[value >> 6].write_control(value & 0x3f, now);
    }
    // Whatever was written may have moved OUT at once.
    next_edge_ = now;
    update_irq();
}

void Pit8254::visit(Archive& archive) {
    archive.field("counters", counters_);
    archive.field("next_edge", next_edge_);
    archive.field("port_b", port_b_);
}

}  // namespace orrery
