#include "devices/acpi_pm.h"

#include "devices/pit8254.h"

namespace orrery {

namespace {

constexpr u16 kTimerStatus = 1;
constexpr u16 kPowerButton = 0x100;
constexpr u16 kStatusBits = 0x8531;
constexpr u16 kEnableBits = 0x0521;
constexpr u16 kSciEnable = 1;
constexpr u16 kSleepEnable = 0x2000;

}  // namespace

AcpiPm::AcpiPm(EventQueue& events, IrqLine sci, bool timer_32_bits, std::function<void()> power_off)
    : events_(events), sci_(sci), timer_bits_(timer_32_bits ? 32 : 24), power_off_(std::move(power_off)) {
    carry_timer_ = events.add_timer("acpi_pm.carry", [this](Ticks) { update(); });
}

void AcpiPm::reset() {
    status_ = enable_ = 0;
    control_ = kSciEnable;
    carries_seen_ = carries();
    update();
}

u64 AcpiPm::timer_periods() const {
    return ticks_to_periods(events_.now(), Pit8254::kCrystal) / 4;
}

u32 AcpiPm::timer() const {
    return static_cast<u32>(timer_periods() & ((u64{1} << timer_bits_) - 1));
}

// TMR_STS is set whenever the timer's highest bit changes (4.8.3.1.1).
void AcpiPm::note_carry() {
    if (carries() == carries_seen_) return;
    carries_seen_ = carries();
    status_ |= kTimerStatus;
}

void AcpiPm::update() {
    note_carry();
    const bool waits = (enable_ & kTimerStatus) != 0 && (status_ & kTimerStatus) == 0;
    const u64 next_carry = (carries_seen_ + 1) << (timer_bits_ - 1);
    events_.schedule(carry_timer_, waits ? periods_to_ticks(next_carry * 4, Pit8254::kCrystal) : kNever);
    sci_.set((status_ & enable_) != 0);
}

void AcpiPm::input(std::span<const u8> data) {
    if (data.empty()) return;
    status_ |= kPowerButton;
    update();
}

u8 AcpiPm::read_byte(unsigned offset) {
    const u64 block = status_ | u64{enable_} << 16 | u64{control_} << 32;
    if (offset < 8) return static_cast<u8>(block >> (8 * offset));
    if (offset < 12) return static_cast<u8>(timer() >> (8 * (offset - 8)));
    return 0xff;
}

void AcpiPm::write_byte(unsigned offset, u8 value) {
    const unsigned shift = 8 * (offset & 1);
    const u16 mask = static_cast<u16>(0xff << shift);
    const u16 wide = static_cast<u16>(value << shift);
    switch (offset & ~1u) {
        case 0:
            status_ &= static_cast<u16>(~(wide & kStatusBits));
            break;
        case 2:
            enable_ = static_cast<u16>(((enable_ & ~mask) | wide) & kEnableBits);
            break;
        case 4:
            control_ = static_cast<u16>((((control_ & ~mask) | wide) & 0x1c06) | kSciEnable);
            if ((wide & kSleepEnable) != 0 && (control_ >> 10 & 7) == kSleepTypeS5) power_off_();
            break;
        default:
            break;
    }
}

u32 AcpiPm::io_read(u16 port, unsigned size) {
    update();
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= u32{read_byte(port - kBase + i)} << (8 * i);
    return value;
}

void AcpiPm::io_write(u16 port, unsigned size, u32 value) {
    update();
    for (unsigned i = 0; i < size; ++i) write_byte(port - kBase + i, static_cast<u8>(value >> (8 * i)));
    update();
}

void AcpiPm::visit(Archive& archive) {
    archive.field("status", status_);
    archive.field("enable", enable_);
    archive.field("control", control_);
    archive.field("carries_seen", carries_seen_);
}

}  // namespace orrery
