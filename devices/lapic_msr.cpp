// The local APIC's model-specific registers: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC range (Intel
// SDM vol. 3A, 11.4.4 and 11.12; vol. 4, table 2-2).
#include "devices/lapic.h"

namespace orrery {

namespace {

constexpr u32 kApicBase = 0x1b;
constexpr u32 kTscDeadline = 0x6e0;
constexpr u32 kX2apicFirst = 0x800;
constexpr u32 kX2apicLast = 0x8ff;
constexpr u64 kBaseModeBits = 0xc00;

enum Access { kNone = 0, kRead = 1, kWrite = 2 };

// Table 11-6.
int access_of(u32 index) {
    switch (index) {
        case 0x02:
        case 0x03:
        case 0x0a:
        case 0x0d:
        case 0x39:
            return kRead;
        case 0x0b:
        case 0x3f:
            return kWrite;
        case 0x08:
        case 0x0f:
        case 0x28:
        case 0x30:
        case 0x32:
        case 0x33:
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37:
        case 0x38:
        case 0x3e:
            return kRead | kWrite;
        default:
            return index >= 0x10 && index < 0x28 ? kRead : kNone;
    }
}

// Bits that raise #GP when written as 1.
u64 reserved_bits(u32 index) {
    switch (index) {
        case 0x08:
            return ~u64{0xff};
        case 0x0b:
        case 0x28:
            return ~u64{0};
        case 0x0f:
            return ~u64{0x3ff};
        case 0x30:
            return 0xfff32000;
        case 0x32:
            return ~u64{0x710ff};
        case 0x33:
        case 0x34:
            return ~u64{0x117ff};
        case 0x35:
        case 0x36:
            return ~u64{0x1f7ff};
        case 0x37:
            return ~u64{0x110ff};
        case 0x38:
            return ~u64{0xffff'ffff};
        case 0x3e:
            return ~u64{0xb};
        case 0x3f:
            return ~u64{0xff};
        default:
            return 0;
    }
}

}  // namespace

// Legal transitions (figure 11-27): off ↔ xAPIC → x2APIC → off. The ID of xAPIC mode does not survive x2APIC mode
// (11.12.5.1). That bits from MAXPHYADDR on are reserved is the CPU's to know.
void Lapic::write_base(u64 value) {
    const bool was_enabled = globally_enabled();
    base_ = (base_ & 0x100) | (value & ~u64{0x100});
    if (was_enabled && !globally_enabled()) initialise();
    if (x2apic()) {
        icr_ = 0;
        xapic_id_ = id_;
    }
    update();
    if (base_hook_) base_hook_();
}

bool Lapic::read_msr(u32 msr, u64& value) {
    if (msr == kApicBase) {
        value = base_;
        return true;
    }
    if (msr == kTscDeadline) {
        value = deadline_mode() ? tsc_deadline_ : 0;
        return true;
    }
    if (msr < kX2apicFirst || msr > kX2apicLast || !x2apic()) return false;
    const u32 index = msr - kX2apicFirst;
    if ((access_of(index) & kRead) == 0) return false;
    value = index == 0x30 ? icr_ : read_register(index);
    return true;
}

bool Lapic::write_msr(u32 msr, u64 value) {
    if (msr == kApicBase) {
        if ((value & 0xfff0'0000'0000'02ff) != 0) return false;
        const u64 from = base_ & kBaseModeBits;
        const u64 to = value & kBaseModeBits;
        if (to == 0x400 || (from == 0 && to == 0xc00) || (from == 0xc00 && to == 0x800)) return false;
        write_base(value);
        return true;
    }
    if (msr == kTscDeadline) {
        if (deadline_mode()) {
            tsc_deadline_ = value;
            arm_deadline();
        }
        return true;
    }
    if (msr < kX2apicFirst || msr > kX2apicLast || !x2apic()) return false;
    const u32 index = msr - kX2apicFirst;
    if ((access_of(index) & kWrite) == 0 || (value & reserved_bits(index)) != 0) return false;
    if (index == 0x30) {
        icr_ = value & 0xffff'ffff'000c'cfff;
        send_ipi(icr_);
    } else if (index == 0x3f) {
        send_ipi(value | 1u << 18);
    } else {
        write_register(index, static_cast<u32>(value));
    }
    return true;
}

void Lapic::visit(Archive& archive) {
    archive.field("base", base_);
    archive.field("xapic_id", xapic_id_);
    archive.field("tpr", tpr_);
    archive.field("ldr", ldr_);
    archive.field("dfr", dfr_);
    archive.field("svr", svr_);
    archive.field("esr", esr_);
    archive.field("errors", errors_);
    archive.field("icr", icr_);
    archive.field("irr", irr_);
    archive.field("isr", isr_);
    archive.field("tmr", tmr_);
    archive.field("lvt", lvt_);
    archive.field("lint", lint_);
    archive.field("external_pending", external_pending_);
    archive.field("remote_lint", remote_lint_);
    archive.field("intr", intr_);
    archive.field("initial_count", initial_count_);
    archive.field("divide", divide_);
    archive.field("timer_start", timer_start_);
    archive.field("timer_running", timer_running_);
    archive.field("tsc_deadline", tsc_deadline_);
    archive.field("tsc_offset", tsc_offset_);
}

}  // namespace orrery
