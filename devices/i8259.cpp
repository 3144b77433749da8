#include "devices/i8259.h"

namespace orrery {

namespace {

constexpr unsigned kNone = 8;
constexpr unsigned kCascadeLine = 2;

u8 bit(unsigned level) {
    return static_cast<u8>(1u << level);
}

}  // namespace

void Pic8259::reset() {
    const u8 lines = lines_;  // the wires keep their levels
    const bool master = is_master;
    *this = Pic8259();
    lines_ = lines;
    is_master = master;
    imr_ = 0xff;  // undefined until ICW1 in the data sheet; nothing may come through before that
}

void Pic8259::set_line(unsigned line, bool level) {
    const u8 mask = bit(line);
    if (level) {
        if ((lines_ & mask) == 0) edges_ |= mask;
        lines_ |= mask;
    } else {
        lines_ &= static_cast<u8>(~mask);
        edges_ &= static_cast<u8>(~mask);
    }
}

void Pic8259::set_elcr(u8 value) {
    // The timer, keyboard and cascade of the master and the clock and coprocessor of the slave stay
    // edge-sensitive.
    elcr_ = value & (is_master ? 0xf8 : 0xde);
}

u8 Pic8259::irr() const {
    const u8 level_sensitive = (icw1_ & 8) != 0 ? 0xff : elcr_;
    return static_cast<u8>((lines_ & level_sensitive) | (edges_ & ~level_sensitive));
}

// The bit of highest priority, kNone of no bits.
unsigned Pic8259::highest(u8 bits) const {
    for (unsigned i = 1; i <= 8; ++i) {
        const unsigned level = (lowest_priority_ + i) & 7;
        if ((bits & bit(level)) != 0) return level;
    }
    return kNone;
}

// The request that INT stands for: one that no equal or higher level in service holds back.
unsigned Pic8259::pending_level() const {
    if (next_icw_ != 0) return kNone;
    const u8 requests = irr() & static_cast<u8>(~imr_);
    const unsigned request = highest(requests);
    if (request == kNone) return kNone;
    u8 in_service = isr_;
    if (special_mask_) {
        // Special mask mode: levels masked while in service no longer hold back others.
        const unsigned wanted = highest(requests & static_cast<u8>(~isr_));
        return wanted;
    }
    // Special fully nested: the slave may interrupt its own level again.
    if (special_fully_nested_ && is_master) in_service &= static_cast<u8>(~(requests & cascade_));
    const unsigned serving = highest(in_service);
    if (serving != kNone && priority_of(serving) <= priority_of(request)) return kNone;
    return request;
}

unsigned Pic8259::acknowledge(bool& spurious) {
    const unsigned level = pending_level();
    spurious = level == kNone;
    if (spurious) return 7;
    edges_ &= static_cast<u8>(~bit(level));
    if (automatic_eoi_) {
        if (rotate_on_automatic_eoi_) lowest_priority_ = static_cast<u8>(level);
    } else {
        isr_ |= bit(level);
    }
    return level;
}

// A poll acts as an acknowledge; bit 7 says whether there was a request.
u8 Pic8259::poll() {
    poll_next_ = false;
    bool spurious = false;
    const unsigned level = acknowledge(spurious);
    return spurious ? 0 : static_cast<u8>(0x80 | level);
}

u8 Pic8259::read_command() {
    if (poll_next_) return poll();
    return read_isr_ ? isr_ : irr();
}

u8 Pic8259::read_data() {
    if (poll_next_) return poll();
    return imr_;
}

void Pic8259::write_icw1(u8 value) {
    icw1_ = value;
    next_icw_ = 2;
    imr_ = 0;
    isr_ = 0;
    edges_ = 0;  // a request needs a new edge (data sheet, "Initialization Command Words")
    lowest_priority_ = 7;
    special_mask_ = read_isr_ = poll_next_ = false;
    automatic_eoi_ = rotate_on_automatic_eoi_ = special_fully_nested_ = false;
    cascade_ = 0;
}

void Pic8259::write_ocw2(u8 value) {
    const u8 operation = value >> 5;
    const unsigned named = value & 7;
    // A non-specific EOI does not see levels that special mask mode has masked.
    const unsigned serving = highest(special_mask_ ? isr_ & static_cast<u8>(~imr_) : isr_);
    switch (operation) {
        case 0:
            rotate_on_automatic_eoi_ = false;
            break;
        case 4:
            rotate_on_automatic_eoi_ = true;
            break;
        case 1:  // non-specific EOI
        case 5:  // … with rotation
            if (serving == kNone) break;
            isr_ &= static_cast<u8>(~bit(serving));
            if (operation == 5) lowest_priority_ = static_cast<u8>(serving);
            break;
        case 3:  // specific EOI
        case 7:  // … with rotation
            isr_ &= static_cast<u8>(~bit(named));
            if (operation == 7) lowest_priority_ = static_cast<u8>(named);
            break;
        case 6:
            lowest_priority_ = static_cast<u8>(named);
            break;
        default:
            break;  // 2: no operation
    }
}

void Pic8259::write_ocw3(u8 value) {
    if ((value & 0x40) != 0) special_mask_ = (value & 0x20) != 0;
    if ((value & 4) != 0) poll_next_ = true;
    if ((value & 2) != 0) read_isr_ = (value & 1) != 0;
}

void Pic8259::write_command(u8 value) {
    if ((value & 0x10) != 0)
        write_icw1(value);
    else if ((value & 8) != 0)
        write_ocw3(value);
    else
        write_ocw2(value);
}

void Pic8259::write_data(u8 value) {
    const bool single = (icw1_ & 2) != 0;
    const bool needs_icw4 = (icw1_ & 1) != 0;
    switch (next_icw_) {
        case 2:
            vector_base_ = value & 0xf8;
            next_icw_ = !single ? 3 : needs_icw4 ? 4 : 0;
            break;
        case 3:
            cascade_ = value;
            next_icw_ = needs_icw4 ? 4 : 0;
            break;
        case 4:
            special_fully_nested_ = (value & 0x10) != 0;
            automatic_eoi_ = (value & 2) != 0;
            next_icw_ = 0;
            break;
        default:
            imr_ = value;
            break;
    }
}

void Pic8259::visit(Archive& archive) {
    archive.field("lines", lines_);
    archive.field("edges", edges_);
    archive.field("elcr", elcr_);
    archive.field("isr", isr_);
    archive.field("imr", imr_);
    archive.field("vector_base", vector_base_);
    archive.field("next_icw", next_icw_);
    archive.field("icw1", icw1_);
    archive.field("cascade", cascade_);
    archive.field("lowest_priority", lowest_priority_);
    archive.field("automatic_eoi", automatic_eoi_);
    archive.field("rotate_on_automatic_eoi", rotate_on_automatic_eoi_);
    archive.field("special_fully_nested", special_fully_nested_);
    archive.field("special_mask", special_mask_);
    archive.field("read_isr", read_isr_);
    archive.field("poll_next", poll_next_);
}

void I8259::reset() {
    master_.reset();
    slave_.reset();
    update();
}

void I8259::visit(Archive& archive) {
    archive.field("master", master_);
    archive.field("slave", slave_);
}

void I8259::update() {
    master_.set_line(kCascadeLine, slave_.intr());
    intr_.set(master_.intr());
}

void I8259::set_irq(unsigned line, bool level) {
    if (line == kCascadeLine || line > 15) return;
    if (line < 8)
        master_.set_line(line, level);
    else
        slave_.set_line(line - 8, level);
    update();
}

u8 I8259::acknowledge() {
    bool spurious = false;
    const unsigned level = master_.acknowledge(spurious);
    u8 vector = master_.vector(level);
    if (level == kCascadeLine && !spurious) {
        const unsigned slave_level = slave_.acknowledge(spurious);
        vector = slave_.vector(slave_level);
        // The slave's INT falls for a moment between two requests, so that the master sees the next one's
        // edge.
        master_.set_line(kCascadeLine, false);
    }
    update();
    return vector;
}

u32 I8259::io_read(u16 port, unsigned) {
    u8 value = 0xff;
    switch (port) {
        case 0x20:
            value = master_.read_command();
            break;
        case 0x21:
            value = master_.read_data();
            break;
        case 0xa0:
            value = slave_.read_command();
            break;
        case 0xa1:
            value = slave_.read_data();
            break;
        case 0x4d0:
            return master_.elcr();
        case 0x4d1:
            return slave_.elcr();
        default:
            break;
    }
    update();
    return value;
}

void I8259::io_write(u16 port, unsigned, u32 wide) {
    const u8 value = static_cast<u8>(wide);
    switch (port) {
        case 0x20:
            master_.write_command(value);
            break;
        case 0x21:
            master_.write_data(value);
            break;
        case 0xa0:
            slave_.write_command(value);
            break;
        case 0xa1:
            slave_.write_data(value);
            break;
        case 0x4d0:
            master_.set_elcr(value);
            break;
        case 0x4d1:
            slave_.set_elcr(value);
            break;
        default:
            break;
    }
    update();
}

}  // namespace orrery
