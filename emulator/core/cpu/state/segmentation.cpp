#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

// Linear addresses are 32 bits wide outside IA-32e mode.
u64 table_address(const Cpu* c, u64 linear) {
    return c->long_mode() ? linear : linear & 0xffff'ffff;
}

// Where `size` bytes of the descriptor lie, or false outside the table.
bool descriptor_address(const Cpu* c, u16 selector, unsigned size, u64& address) {
    const u64 offset = selector & ~u64{7};
    const bool local = (selector & kTableIndicator) != 0;
    if (local && !c->ldtr.present()) return false;
    const u64 limit = local ? c->ldtr.limit : c->gdtr.limit;
    if (offset + size - 1 > limit) return false;
    address = table_address(c, (local ? c->ldtr.base : c->gdtr.base) + offset);
    return true;
}

[[noreturn]] void limit_fault(Cpu* c, const Op* op, unsigned segment) {
    raise_error(c, op, segment == kSs ? Vector::SS : Vector::GP, 0);
}

bool is_protected(const Cpu* c) {
    return (c->cr0 & cr0::kPe) != 0 && !c->virtual_8086();
}

}  // namespace

u32 Descriptor::limit() const {
    const u32 raw = static_cast<u32>((low & 0xffff) | ((low >> 32) & 0xf'0000));
    return (low >> 55 & 1) != 0 ? raw << 12 | 0xfff : raw;
}

bool read_descriptor(Cpu* c, const Op* op, u16 selector, Descriptor& out) {
    u64 address = 0;
    if (!descriptor_address(c, selector, 8, address)) return false;
    out.address = address;
    out.low = load_system(c, op, address, 8);
    out.high = 0;
    return true;
}

bool read_upper_half(Cpu* c, const Op* op, u16 selector, Descriptor& descriptor) {
    u64 address = 0;
    if (!descriptor_address(c, selector, 16, address)) return false;
    descriptor.high = load_system(c, op, address + 8, 8);
    return true;
}

Descriptor require_descriptor(Cpu* c, const Op* op, u16 selector, Vector vector, u32 ext) {
    Descriptor descriptor;
    if (!read_descriptor(c, op, selector, descriptor))
        raise_error(c, op, vector, selector_error(selector, ext));
    return descriptor;
}

void mark_accessed(Cpu* c, const Op* op, Descriptor& descriptor) {
    if ((descriptor.low >> 40 & 1) != 0) return;
    descriptor.low |= u64{1} << 40;
    store_system(c, op, descriptor.address + 5, 1, descriptor.low >> 40 & 0xff);
}

Segment make_segment(u16 selector, const Descriptor& descriptor) {
    Segment segment;
    segment.selector = selector;
    segment.base = descriptor.base();
    segment.limit = descriptor.limit();
    segment.access = descriptor.access();
    return segment;
}

Segment real_segment(u16 selector, const Segment& old) {
    Segment segment = old;
    segment.selector = selector;
    segment.base = static_cast<u64>(selector) << 4;
    segment.access = static_cast<u16>((old.access & 0xc000) | 0x93);
    if (!old.present()) segment.limit = 0xffff;
    return segment;
}

Segment virtual_8086_segment(u16 selector) {
    Segment segment;
    segment.selector = selector;
    segment.base = static_cast<u64>(selector) << 4;
    segment.access = 0xf3;
    return segment;
}

Segment null_segment(u16 selector) {
    Segment segment;
    segment.selector = selector;
    segment.limit = 0;
    return segment;
}

Segment check_stack_segment(Cpu* c, const Op* op, u16 selector, unsigned cpl, bool null_allowed,
                            Vector vector, u32 ext) {
    if (is_null(selector)) {
        if (!null_allowed || (selector & kRpl) != cpl) raise_error(c, op, vector, ext);
        return null_segment(selector);
    }
    Descriptor descriptor = require_descriptor(c, op, selector, vector, ext);
    if ((selector & kRpl) != cpl || !descriptor.is_writable_data() || descriptor.dpl() != cpl)
        raise_error(c, op, vector, selector_error(selector, ext));
    if (!descriptor.present()) raise_error(c, op, Vector::SS, selector_error(selector, ext));
    mark_accessed(c, op, descriptor);
    return make_segment(selector, descriptor);
}

void load_segment_register(Cpu* c, const Op* op, SegmentIndex index, u16 selector) {
    Segment& segment = c->seg[index];
    if (!is_protected(c)) {
        segment = c->virtual_8086() ? virtual_8086_segment(selector) : real_segment(selector, segment);
        return;
    }
    if (index == kSs) {
        segment = check_stack_segment(c, op, selector, c->cpl, c->code64() && c->cpl != 3, Vector::GP);
        return;
    }
    if (is_null(selector)) {
        segment = null_segment(selector);  // of FS and GS too: Intel's cores clear the base
        return;
    }
    Descriptor descriptor = require_descriptor(c, op, selector, Vector::GP);
    if (!descriptor.is_code_or_data() || !descriptor.is_readable())
        raise_error(c, op, Vector::GP, selector_error(selector));
    const bool any_privilege = descriptor.is_code() && descriptor.is_conforming();
    if (!any_privilege && ((selector & kRpl) > descriptor.dpl() || c->cpl > descriptor.dpl()))
        raise_error(c, op, Vector::GP, selector_error(selector));
    if (!descriptor.present()) raise_error(c, op, Vector::NP, selector_error(selector));
    mark_accessed(c, op, descriptor);
    segment = make_segment(selector, descriptor);
}

void drop_privileged_segments(Cpu* c) {
    for (const SegmentIndex index : {kEs, kDs, kFs, kGs}) {
        Segment& segment = c->seg[index];
        if (!segment.present()) continue;  // already empty; a base set by MSR stays
        const bool any_privilege = segment.is_code() && (segment.type() & 4) != 0;
        if (any_privilege || segment.dpl() >= c->cpl) continue;
        segment.selector = 0;
        segment.access = 0;
    }
}

bool within_limit(const Segment& segment, u64 offset, unsigned size) {
    const u64 last = offset + size - 1;
    const bool expand_down = (segment.access & 0x1c) == 0x14;
    if (!expand_down) return last <= segment.limit;
    return offset > segment.limit && last <= (segment.big() ? 0xffff'ffff : 0xffff);
}

// SDM vol. 3A, 5.3 (limits) and 5.4 (types). Real mode knows no types.
u64 checked_linear_legacy(Cpu* c, const Op* op, unsigned index, u64 offset, unsigned size, bool write) {
    const Segment& segment = c->seg[index];
    if (is_protected(c)) {
        if (!segment.present()) limit_fault(c, op, index);
        const bool code = segment.is_code();
        const bool allowed = write ? !code && (segment.type() & 2) != 0 : !code || (segment.type() & 2) != 0;
        if (!allowed) limit_fault(c, op, index);
    }
    if (!within_limit(segment, offset, size)) limit_fault(c, op, index);
    return (segment.base + offset) & 0xffff'ffff;
}

}  // namespace orrery
