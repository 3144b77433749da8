// Segment registers and descriptor tables: MOV PUSH POP Sreg, LDS…, LLDT LTR SLDT STR, LGDT LIDT SGDT SIDT,
// LAR LSL VERR VERW ARPL (SDM vol. 2).
#include <bit>

#include "emulator/core/cpu/exec/stack.h"
#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/state/task_state.h"
#include "emulator/isa/effects.h"

namespace orrery {

namespace {

// --- segment registers ---

void mov_from_sreg(Cpu* c, const Op* op) {
    if (is_memory_form(op)) {
        store<u16>(c, op, operand_address(c, op), c->seg[op->a].selector);
    } else {
        set_reg_sized(c, op->a, c->seg[op->b].selector, operand_size(op));
    }
}

// Loading SS by MOV or POP holds off interrupts and traps for one instruction (SDM vol. 3A, 6.8.3).
void load_sreg(Cpu* c, const Op* op, u8 index, u16 selector) {
    load_segment_register(c, op, static_cast<SegmentIndex>(index), selector);
    if (index != kSs) return;
    c->interrupt_shadow = c->stack_shadow = true;
    c->step_trap = false;
}

void mov_to_sreg(Cpu* c, const Op* op) {
    load_sreg(c, op, op->a, word_operand(c, op, op->b));
    c->update_mode();
}

template <typename T>
void push_sreg(Cpu* c, const Op* op) {
    push<T>(c, op, c->seg[op->a].selector);
}

// The stack pointer moves by the old SS.
template <typename T>
void pop_sreg(Cpu* c, const Op* op) {
    load_sreg(c, op, op->a, static_cast<u16>(stack_top<T>(c, op)));
    set_stack_pointer(c, c->gpr[kRsp] + sizeof(T));
    c->update_mode();
}

void load_far_pointer(Cpu* c, const Op* op) {
    const unsigned size = operand_size(op);
    u8 bytes[10] = {};
    load_bytes(c, op, operand_address(c, op), bytes, size + 2);
    u16 selector;
    std::memcpy(&selector, bytes + size, sizeof selector);
    std::memset(bytes + size, 0, 2);
    u64 offset;
    std::memcpy(&offset, bytes, sizeof offset);
    load_segment_register(c, op, static_cast<SegmentIndex>(op->b), selector);
    set_reg_sized(c, op->a, offset, size);
    c->update_mode();
}

// --- descriptor tables ---

void store_selector(Cpu* c, const Op* op, u16 selector) {
    if (is_memory_form(op)) {
        store<u16>(c, op, operand_address(c, op), selector);
    } else {
        set_reg_sized(c, op->a, selector, operand_size(op));
    }
}
void sldt(Cpu* c, const Op* op) {
    store_selector(c, op, c->ldtr.selector);
}
void str(Cpu* c, const Op* op) {
    store_selector(c, op, c->tr.selector);
}

void lldt(Cpu* c, const Op* op) {
    load_local_table(c, op, word_operand(c, op, op->a));
}
void ltr(Cpu* c, const Op* op) {
    load_task_register(c, op, word_operand(c, op, op->a));
}

void store_table(Cpu* c, const Op* op, const DescriptorTable& table) {
    u8 bytes[10];
    std::memcpy(bytes, &table.limit, 2);
    std::memcpy(bytes + 2, &table.base, 8);
    store_bytes(c, op, operand_address(c, op), bytes, c->code64() ? 10 : 6);
}
void sgdt(Cpu* c, const Op* op) {
    store_table(c, op, c->gdtr);
}
void sidt(Cpu* c, const Op* op) {
    store_table(c, op, c->idtr);
}

void load_table(Cpu* c, const Op* op, DescriptorTable& table) {
    u8 bytes[10] = {};
    load_bytes(c, op, operand_address(c, op), bytes, c->code64() ? 10 : 6);
    DescriptorTable loaded;
    std::memcpy(&loaded.limit, bytes, 2);
    std::memcpy(&loaded.base, bytes + 2, 8);
    if (!c->code64() && operand_size(op) == 2) loaded.base &= 0xff'ffff;
    if (!is_canonical_base(c, loaded.base)) raise_error(c, op, Vector::GP, 0);
    table = loaded;
}
void lgdt(Cpu* c, const Op* op) {
    load_table(c, op, c->gdtr);
}
void lidt(Cpu* c, const Op* op) {
    load_table(c, op, c->idtr);
}

// --- questions about descriptors ---

void set_zf(Cpu* c, bool value) {
    c->lf.set((c->lf.get() & ~rflags::kZf) | (value ? rflags::kZf : 0));
}

// The descriptor of `selector` if it may be looked at with the present privilege; conforming code always may.
bool visible_descriptor(Cpu* c, const Op* op, u16 selector, Descriptor& descriptor) {
    if (is_null(selector) || !read_descriptor(c, op, selector, descriptor)) return false;
    if (descriptor.is_code() && descriptor.is_conforming()) return true;
    return c->cpl <= descriptor.dpl() && (selector & kRpl) <= descriptor.dpl();
}

// Bit i: LAR (LSL) knows system descriptors of type i. SDM vol. 2, table 3-53 and its like.
constexpr u16 kLarLegacy = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 9 | 1u << 11 | 1u << 12;
constexpr u16 kLarLong = 1u << 2 | 1u << 9 | 1u << 11 | 1u << 12;
constexpr u16 kLslLegacy = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 11;
constexpr u16 kLslLong = 1u << 2 | 1u << 9 | 1u << 11;

bool known_type(const Cpu* c, const Descriptor& descriptor, u16 legacy, u16 in_long_mode) {
    return descriptor.is_code_or_data() ||
           ((c->long_mode() ? in_long_mode : legacy) >> descriptor.type() & 1) != 0;
}

void lar(Cpu* c, const Op* op) {
    const u16 selector = word_operand(c, op, op->b);
    Descriptor descriptor;
    const bool found =
        visible_descriptor(c, op, selector, descriptor) && known_type(c, descriptor, kLarLegacy, kLarLong);
    if (found) set_reg_sized(c, op->a, descriptor.low >> 32 & 0x00ff'ff00, operand_size(op));
    set_zf(c, found);
}

void lsl(Cpu* c, const Op* op) {
    const u16 selector = word_operand(c, op, op->b);
    Descriptor descriptor;
    const bool found =
        visible_descriptor(c, op, selector, descriptor) && known_type(c, descriptor, kLslLegacy, kLslLong);
    if (found) set_reg_sized(c, op->a, descriptor.limit(), operand_size(op));
    set_zf(c, found);
}

void verr(Cpu* c, const Op* op) {
    Descriptor descriptor;
    const bool found = visible_descriptor(c, op, word_operand(c, op, op->a), descriptor);
    set_zf(c, found && descriptor.is_code_or_data() && descriptor.is_readable());
}
void verw(Cpu* c, const Op* op) {
    Descriptor descriptor;
    const bool found = visible_descriptor(c, op, word_operand(c, op, op->a), descriptor);
    set_zf(c, found && descriptor.is_writable_data());
}

void arpl(Cpu* c, const Op* op) {
    const u16 source = reg<u16>(c, is_memory_form(op) ? op->a : op->b) & kRpl;
    bool raised = false;
    auto adjust = [&](u16 selector) {
        raised = (selector & kRpl) < source;
        return raised ? static_cast<u16>((selector & ~kRpl) | source) : selector;
    };
    if (is_memory_form(op)) {
        modify<u16>(c, op, operand_address(c, op), adjust);
    } else {
        set_reg<u16>(c, op->a, adjust(reg<u16>(c, op->a)));
    }
    set_zf(c, raised);
}

template <typename T>
constexpr Handler kPushSreg = then_next<push_sreg<T>>;
template <typename T>
constexpr Handler kPopSreg = then_end<pop_sreg<T>>;

}  // namespace

ORRERY_SYSTEM_FORM(mov_from_sreg, then_next<mov_from_sreg>)
ORRERY_SYSTEM_FORM(mov_to_sreg, then_end<mov_to_sreg>)
ORRERY_SYSTEM_FORM(sldt, then_next<sldt>)
ORRERY_SYSTEM_FORM(str, then_next<str>)
ORRERY_SYSTEM_FORM(lldt, then_end<lldt>)
ORRERY_SYSTEM_FORM(ltr, then_end<ltr>)
ORRERY_SYSTEM_FORM(sgdt, then_next<sgdt>)
ORRERY_SYSTEM_FORM(sidt, then_next<sidt>)
ORRERY_SYSTEM_FORM(lgdt, then_end<lgdt>)
ORRERY_SYSTEM_FORM(lidt, then_end<lidt>)
ORRERY_SYSTEM_FORM(lar, then_next<lar>)
ORRERY_SYSTEM_FORM(lsl, then_next<lsl>)
ORRERY_SYSTEM_FORM(verr, then_next<verr>)
ORRERY_SYSTEM_FORM(verw, then_next<verw>)
ORRERY_SYSTEM_FORM(arpl, then_next<arpl>)

void select_push_sreg(const Insn& insn, u32, Op& op) {
    op.segment = kSs;
    op.accesses = 1;
    op.fn = insn.opsize == 2 ? kPushSreg<u16> : insn.opsize == 4 ? kPushSreg<u32> : kPushSreg<u64>;
}
void select_pop_sreg(const Insn& insn, u32, Op& op) {
    op.segment = kSs;
    op.accesses = 1;
    op.fn = insn.opsize == 2 ? kPopSreg<u16> : insn.opsize == 4 ? kPopSreg<u32> : kPopSreg<u64>;
}

void select_load_far_pointer(const Insn& insn, u32, Op& op) {
    op.imm = form_of(insn);
    op.b = static_cast<u8>(std::countr_zero(effects(insn).segment.written));
    op.fn = then_end<load_far_pointer>;
}

}  // namespace orrery
