#include "emulator/core/cpu/state/task_state.h"

namespace orrery {

namespace {

// `size` bytes at `offset` of the TSS; #TS with its selector where they lie outside.
u64 read_tss(Cpu* c, const Op* op, u32 offset, unsigned size, u32 ext) {
    if (offset + size - 1 > c->tr.limit) raise_error(c, op, Vector::TS, selector_error(c->tr.selector, ext));
    const u64 linear = c->tr.base + offset;
    return load_system(c, op, c->long_mode() ? linear : linear & 0xffff'ffff, size);
}

// A system descriptor of LTR and LLDT: 16 bytes in IA-32e mode, whose bits 8-12 of the last doubleword are 0.
Descriptor system_descriptor(Cpu* c, const Op* op, u16 selector) {
    if ((selector & kTableIndicator) != 0) raise_error(c, op, Vector::GP, selector_error(selector));
    Descriptor descriptor = require_descriptor(c, op, selector, Vector::GP);
    if (!c->long_mode()) return descriptor;
    if (!read_upper_half(c, op, selector, descriptor) || (descriptor.high >> 40 & 0x1f) != 0 ||
        !is_canonical_base(c, descriptor.base64()))
        raise_error(c, op, Vector::GP, selector_error(selector));
    return descriptor;
}

Segment system_segment(const Cpu* c, u16 selector, const Descriptor& descriptor) {
    Segment segment = make_segment(selector, descriptor);
    if (c->long_mode()) segment.base = descriptor.base64();
    return segment;
}

}  // namespace

u64 tss_stack64(Cpu* c, const Op* op, unsigned cpl, unsigned ist, u32 ext) {
    const u32 offset = ist != 0 ? 0x24 + 8 * (ist - 1) : 4 + 8 * cpl;
    return read_tss(c, op, offset, 8, ext);
}

LegacyStack tss_stack_legacy(Cpu* c, const Op* op, unsigned cpl, u32 ext) {
    LegacyStack stack;
    const bool wide = (c->tr.type() & ~2u) == system_type::kTss;
    if (wide) {
        const u32 offset = 4 + 8 * cpl;
        stack.ss = static_cast<u16>(read_tss(c, op, offset + 4, 2, ext));
        stack.esp = static_cast<u32>(read_tss(c, op, offset, 4, ext));
    } else {
        const u32 offset = 2 + 4 * cpl;
        stack.ss = static_cast<u16>(read_tss(c, op, offset + 2, 2, ext));
        stack.esp = static_cast<u32>(read_tss(c, op, offset, 2, ext));
    }
    return stack;
}

void check_io_permission(Cpu* c, const Op* op, u16 port, unsigned size) {
    // In virtual-8086 mode IOPL does not matter (SDM vol. 3A, 20.2.8.1).
    const bool by_level = !c->virtual_8086() && c->cpl <= (c->eflags & rflags::kIopl) >> 12;
    if ((c->cr0 & cr0::kPe) == 0 || by_level) return;
    const bool wide = c->tr.present() && (c->tr.type() & ~2u) == system_type::kTss;
    if (!wide || c->tr.limit < 0x67) raise_error(c, op, Vector::GP, 0);
    const u32 map = static_cast<u32>(read_tss(c, op, 0x66, 2, 0)) + port / 8;
    if (map + 1 > c->tr.limit) raise_error(c, op, Vector::GP, 0);
    const u64 bits = read_tss(c, op, map, 2, 0);
    if ((bits >> (port & 7) & ((1u << size) - 1)) != 0) raise_error(c, op, Vector::GP, 0);
}

void load_task_register(Cpu* c, const Op* op, u16 selector) {
    if (is_null(selector)) raise_error(c, op, Vector::GP, 0);
    Descriptor descriptor = system_descriptor(c, op, selector);
    const unsigned type = descriptor.type();
    const bool available = type == system_type::kTss || (type == system_type::kTss16 && !c->long_mode());
    if (descriptor.is_code_or_data() || !available) raise_error(c, op, Vector::GP, selector_error(selector));
    if (!descriptor.present()) raise_error(c, op, Vector::NP, selector_error(selector));
    descriptor.low |= u64{2} << 40;  // busy
    store_system(c, op, descriptor.address + 5, 1, descriptor.low >> 40 & 0xff);
    c->tr = system_segment(c, selector, descriptor);
}

void load_local_table(Cpu* c, const Op* op, u16 selector) {
    if (is_null(selector)) {
        c->ldtr = null_segment(selector);
        return;
    }
    const Descriptor descriptor = system_descriptor(c, op, selector);
    if (descriptor.is_code_or_data() || descriptor.type() != system_type::kLdt)
        raise_error(c, op, Vector::GP, selector_error(selector));
    if (!descriptor.present()) raise_error(c, op, Vector::NP, selector_error(selector));
    c->ldtr = system_segment(c, selector, descriptor);
}

}  // namespace orrery
