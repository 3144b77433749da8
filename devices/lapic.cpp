#include "devices/lapic.h"

#include <algorithm>

#include "emulator/core/bus/bus.h"

namespace orrery {

namespace {

constexpr u32 kMasked = 1u << 16;
constexpr u32 kLevelTriggered = 1u << 15;
constexpr u32 kRemoteIrr = 1u << 14;
constexpr u32 kActiveLow = 1u << 13;

// ESR bits (11.5.3).
constexpr u32 kIllegalRegister = 1u << 7;

constexpr u64 kBaseBsp = 0x100;
constexpr u64 kBaseEnable = 0x800;
constexpr u64 kBaseAddress = 0x000f'ffff'ffff'f000;

// Writable bits of each LVT entry.
constexpr u32 kLvtWritable[Lapic::kLvtCount] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

}  // namespace

Lapic::Lapic(unsigned id, EventQueue& events, ApicBus& bus, std::function<u8()> external_acknowledge)
    : id_(id), events_(events), bus_(bus), external_acknowledge_(std::move(external_acknowledge)) {
    timer_ =
        events.add_timer("lapic." + std::to_string(id) + ".timer", [this](Ticks now) { timer_fired(now); });
    bus.attach(*this);
    reset();
}

void Lapic::reset() {
    base_ = kDefaultBase | kBaseEnable | (id_ == 0 ? kBaseBsp : 0);
    xapic_id_ = id_;
    initialise();
    if (base_hook_) base_hook_();
}

// 11.4.7.1 and 11.4.7.3: INIT leaves the APIC ID and IA32_APIC_BASE alone.
void Lapic::initialise() {
    tpr_ = 0;
    ldr_ = 0;
    dfr_ = ~u32{0};
    svr_ = 0xff;
    esr_ = errors_ = 0;
    icr_ = 0;
    irr_.fill(0);
    isr_.fill(0);
    tmr_.fill(0);
    lvt_.fill(kMasked);
    external_pending_ = false;
    remote_lint_[0] = remote_lint_[1] = false;
    initial_count_ = divide_ = 0;
    timer_running_ = false;
    tsc_deadline_ = 0;
    events_.cancel(timer_);
    update();
}

void Lapic::assign(Bitmap& map, u8 vector, bool value) {
    const u32 mask = 1u << (vector % 32);
    map[vector / 32] = value ? map[vector / 32] | mask : map[vector / 32] & ~mask;
}

int Lapic::highest(const Bitmap& map) {
    for (int word = 7; word >= 0; --word) {
        const u32 bits = map[static_cast<size_t>(word)];
        if (bits != 0) return word * 32 + 31 - __builtin_clz(bits);
    }
    return -1;
}

u64 Lapic::page_address() const {
    return globally_enabled() && !x2apic() ? base_ & kBaseAddress : Bus::kUnmapped;
}

// 11.8.3.1: the greater of the task's class and the class in service.
u8 Lapic::processor_priority() const {
    const int serving = std::max(highest(isr_), 0);
    return (tpr_ & 0xf0) >= (serving & 0xf0) ? tpr_ : static_cast<u8>(serving & 0xf0);
}

// The 8259 asks, through LINT0 as ExtINT (virtual-wire mode) or through an IOAPIC's message.
bool Lapic::external_request() const {
    const u32 lint0 = lvt_[kLint0];
    return external_pending_ || (lint_[0] && (lint0 & kMasked) == 0 && (lint0 >> 8 & 7) == 7);
}

void Lapic::update() {
    bool intr;
    if (!globally_enabled()) {
        intr = lint_[0];  // 11.4.3: LINT0 is INTR
    } else {
        const int request = highest(irr_);
        intr = external_request() || (request >= 0 && (request & 0xf0) > (processor_priority() & 0xf0));
    }
    if (intr == intr_) return;
    intr_ = intr;
    if (cpu_ != nullptr) cpu_->set_intr(intr);
}

u8 Lapic::acknowledge() {
    u8 vector;
    const int request = highest(irr_);
    if (globally_enabled() && request >= 0 && (request & 0xf0) > (processor_priority() & 0xf0)) {
        vector = static_cast<u8>(request);
        assign(irr_, vector, false);
        assign(isr_, vector, true);
    } else if (!globally_enabled() || external_request()) {
        external_pending_ = false;
        vector = external_acknowledge_();
    } else {
        vector = static_cast<u8>(svr_);  // 11.9: the request went away
    }
    update();
    return vector;
}

void Lapic::set_task_priority_class(u8 value) {
    tpr_ = static_cast<u8>(value << 4);
    update();
}

void Lapic::request(u8 vector, bool level) {
    assign(irr_, vector, true);
    assign(tmr_, vector, level);
    update();
}

void Lapic::eoi() {
    const int serving = highest(isr_);
    if (serving < 0) return;
    const u8 vector = static_cast<u8>(serving);
    assign(isr_, vector, false);
    if (test(tmr_, vector)) {
        for (unsigned pin = 0; pin < 2; ++pin) {
            const Lvt entry = pin == 0 ? kLint0 : kLint1;
            if (!remote_lint_[pin] || (lvt_[entry] & 0xff) != vector) continue;
            remote_lint_[pin] = false;
            set_lint(pin, lint_[pin]);  // still asserted: again
        }
        bus_.broadcast_eoi(vector);
    }
    update();
}

// A local source: its LVT entry says what becomes of it (11.5.1).
void Lapic::trigger_lvt(Lvt entry) {
    const u32 value = lvt_[entry];
    if ((value & kMasked) != 0) return;
    ApicMessage message;
    message.mode =
        entry == kTimer || entry == kError ? DeliveryMode::Fixed : static_cast<DeliveryMode>(value >> 8 & 7);
    message.vector = static_cast<u8>(value);
    message.level = (entry == kLint0 || entry == kLint1) && (value & kLevelTriggered) != 0;
    receive(message);
}

void Lapic::set_lint(unsigned pin, bool level) {
    const bool before = lint_[pin];
    lint_[pin] = level;
    if (!globally_enabled()) {
        if (pin == 1 && level && !before && cpu_ != nullptr) cpu_->raise_nmi();
        update();
        return;
    }
    const Lvt entry = pin == 0 ? kLint0 : kLint1;
    const u32 value = lvt_[entry];
    const unsigned mode = value >> 8 & 7;
    if (mode == 7) {  // ExtINT: update() looks at the pin itself
        update();
        return;
    }
    const bool invert = (value & kActiveLow) != 0;
    const bool active = level != invert;
    const bool was_active = before != invert;
    const bool fixed_level = mode == 0 && (value & kLevelTriggered) != 0;
    if ((value & kMasked) != 0) return;
    if (fixed_level ? active && !remote_lint_[pin] : active && !was_active) {
        remote_lint_[pin] = fixed_level;
        trigger_lvt(entry);
    }
}

void Lapic::raise_error(u32 bit) {
    errors_ |= bit;
    trigger_lvt(kError);
}

void Lapic::write_lvt(Lvt entry, u32 value) {
    const u32 old = lvt_[entry];
    lvt_[entry] = value & kLvtWritable[entry];
    if (!software_enabled()) lvt_[entry] |= kMasked;
    if (entry == kTimer) change_timer_mode(old);
    if (entry == kLint0 || entry == kLint1) {
        const unsigned pin = entry == kLint0 ? 0 : 1;
        if ((lvt_[entry] & kLevelTriggered) == 0) remote_lint_[pin] = false;
        // A level that waits behind the mask comes through now; an edge does not.
        if ((lvt_[entry] & kLevelTriggered) != 0) set_lint(pin, lint_[pin]);
    }
    update();
}

// `index` is the register's offset / 16, which is also its x2APIC MSR - 800H.
u32 Lapic::read_register(unsigned index) {
    switch (index) {
        case 0x02:
            return x2apic() ? id_ : xapic_id_ << 24;
        case 0x03:
            return (kLvtCount - 1) << 16 | 0x15;
        case 0x08:
            return tpr_;
        case 0x09:
            return 0;  // arbitration priority: gone since the Pentium 4
        case 0x0a:
            return processor_priority();
        case 0x0b:
            return 0;
        case 0x0d:
            return x2apic() ? logical_id() : ldr_;
        case 0x0e:
            return dfr_;
        case 0x0f:
            return svr_;
        case 0x28:
            return esr_;
        case 0x30:
            return static_cast<u32>(icr_);
        case 0x31:
            return static_cast<u32>(icr_ >> 32);
        case 0x32:
        case 0x33:
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37: {
            const unsigned entry = index - 0x32;
            const bool remote = (entry == kLint0 && remote_lint_[0]) || (entry == kLint1 && remote_lint_[1]);
            return lvt_[entry] | (remote ? kRemoteIrr : 0);
        }
        case 0x38:
            return initial_count_;
        case 0x39:
            return timer_count();
        case 0x3e:
            return divide_;
        default:
            break;
    }
    if (index >= 0x10 && index < 0x18) return isr_[index - 0x10];
    if (index >= 0x18 && index < 0x20) return tmr_[index - 0x18];
    if (index >= 0x20 && index < 0x28) return irr_[index - 0x20];
    raise_error(kIllegalRegister);
    return 0;
}

void Lapic::write_register(unsigned index, u32 value) {
    switch (index) {
        case 0x02:
            xapic_id_ = value >> 24;
            break;
        case 0x08:
            tpr_ = static_cast<u8>(value);
            break;
        case 0x0b:
            eoi();
            break;
        case 0x0d:
            ldr_ = value & 0xff00'0000;
            break;
        case 0x0e:
            dfr_ = value | 0x0fff'ffff;
            break;
        case 0x0f:
            svr_ = value & 0x3ff;  // bit 12 needs directed EOI, which the version register does not offer
            if (!software_enabled())
                for (u32& entry : lvt_) entry |= kMasked;
            break;
        case 0x28:
            esr_ = errors_;
            errors_ = 0;
            break;
        case 0x30:
            icr_ = (icr_ & ~u64{0xffff'ffff}) | (value & 0xccfff);
            send_ipi(icr_);
            break;
        case 0x31:
            icr_ = (icr_ & 0xffff'ffff) | static_cast<u64>(value & 0xff00'0000) << 32;
            break;
        case 0x32:
        case 0x33:
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37:
            write_lvt(static_cast<Lvt>(index - 0x32), value);
            break;
        case 0x38:
            set_initial_count(value);
            break;
        case 0x3e:
            set_divide(value);
            break;
        case 0x03:
        case 0x09:
        case 0x0a:
        case 0x39:
            break;  // read-only
        default:
            if (index >= 0x10 && index < 0x28) break;
            raise_error(kIllegalRegister);
    }
    update();
}

u32 Lapic::mmio_read(u64 offset, unsigned size) {
    if (size != 4 || (offset & 15) != 0) return 0;
    return read_register(static_cast<unsigned>(offset >> 4));
}

void Lapic::mmio_write(u64 offset, unsigned size, u32 value) {
    if (size != 4 || (offset & 15) != 0) return;
    write_register(static_cast<unsigned>(offset >> 4), value);
}

}  // namespace orrery
