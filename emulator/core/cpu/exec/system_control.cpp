// Control and debug registers, the TLB's instructions, HLT, interrupt and access flags, FS and GS bases
// (SDM vol. 2; vol. 3A, 2.8).
#include "emulator/core/cpu/exec/stack.h"
#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/control_registers.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

// --- control and debug registers: op->a and op->b as the operands stand, 64 bits wide in 64-bit mode ---

u64 native(const Cpu* c, u8 slot) {
    return c->code64() ? reg<u64>(c, slot) : reg<u32>(c, slot);
}
void set_native(Cpu* c, u8 slot, u64 value) {
    set_reg_sized(c, slot, value, c->code64() ? 8 : 4);
}

void mov_from_cr(Cpu* c, const Op* op) {
    u64 value = 0;
    switch (op->b) {
        case 0:
            value = c->cr0;
            break;
        case 2:
            value = c->cr2;
            break;
        case 3:
            value = c->cr3;
            break;
        case 4:
            value = c->cr4;
            break;
        default:
            value = read_cr8(c);
            break;
    }
    set_native(c, op->a, value);
}

void mov_to_cr(Cpu* c, const Op* op) {
    const u64 value = native(c, op->b);
    switch (op->a) {
        case 0:
            write_cr0(c, op, value);
            break;
        case 2:
            c->cr2 = value;
            break;
        case 3:
            write_cr3(c, op, value);
            break;
        case 4:
            write_cr4(c, op, value);
            break;
        default:
            write_cr8(c, op, value);
            break;
    }
    c->update_mode();
}

void mov_from_dr(Cpu* c, const Op* op) {
    set_native(c, op->a, read_debug_register(c, op, op->b));
}
void mov_to_dr(Cpu* c, const Op* op) {
    write_debug_register(c, op, op->a, native(c, op->b));
}

void smsw(Cpu* c, const Op* op) {
    if (is_memory_form(op)) {
        store<u16>(c, op, operand_address(c, op), static_cast<u16>(c->cr0));
    } else {
        set_reg_sized(c, op->a, c->cr0, operand_size(op));
    }
}

// Sets or clears MP, EM and TS; sets PE, but never clears it.
void lmsw(Cpu* c, const Op* op) {
    constexpr u64 kWritten = cr0::kMp | cr0::kEm | cr0::kTs;
    const u64 source = word_operand(c, op, op->a);
    write_cr0(c, op, (c->cr0 & ~kWritten) | (source & (kWritten | cr0::kPe)));
    c->update_mode();
}

void clts(Cpu* c, const Op*) {
    c->cr0 &= ~cr0::kTs;
    c->update_mode();
}

// --- TLB and caches ---

void invlpg(Cpu* c, const Op* op) {
    const u64 linear = operand_address(c, op);
    // In 64-bit mode a non-canonical address is ignored.
    if (!c->long_mode() || is_canonical(c, linear)) invalidate_page(c, op, linear);
}

void invpcid(Cpu* c, const Op* op) {
    const u64 type = native(c, op->a);
    u64 descriptor[2];
    load_bytes(c, op, operand_address(c, op), descriptor, sizeof descriptor);
    const u64 pcid = descriptor[0];
    const bool by_pcid = type <= 1;
    const bool no_pcids = (c->cr4 & cr4::kPcide) == 0;
    if (type > 3 || (by_pcid && pcid >> 12 != 0) || (by_pcid && no_pcids && pcid != 0) ||
        (type == 0 && !is_canonical_base(c, descriptor[1])))
        raise_error(c, op, Vector::GP, 0);
    invalidate_by_pcid(c, op, static_cast<unsigned>(type), static_cast<u16>(pcid), descriptor[1]);
}

// The model's caches hold no data of their own: nothing to write back or to lose.
void flush_caches(Cpu*, const Op*) {}

// --- HLT and flags ---

void hlt(Cpu* c, const Op* op) {
    if (c->env.observers->wants(EventKind::Halt)) emit(c, op, event::Halt{});
    c->activity = Activity::Halted;
}

void cli(Cpu* c, const Op*) {
    c->eflags &= ~rflags::kIf;
}

// Interrupts stay off for one more instruction where they were off before.
void sti(Cpu* c, const Op*) {
    if ((c->eflags & rflags::kIf) == 0) c->interrupt_shadow = true;
    c->eflags |= rflags::kIf;
}

// Of what update_mode() derives, only the table of data accesses depends on AC at CPL 0: the block goes on.
void set_ac(Cpu* c, bool value) {
    c->eflags = value ? c->eflags | rflags::kAc : c->eflags & ~rflags::kAc;
    c->fast = c->fast_tables[c->access_mode()];
}
void clac(Cpu* c, const Op*) {
    set_ac(c, false);
}
void stac(Cpu* c, const Op*) {
    set_ac(c, true);
}

template <typename T>
void pushf(Cpu* c, const Op* op) {
    push<T>(c, op, static_cast<T>(c->rflags() & ~(rflags::kVm | rflags::kRf)));
}

// SDM vol. 2, POPF, table 4-16: what changes depends on CPL and IOPL; RF is cleared, VM, VIF and VIP stay.
template <typename T>
void popf(Cpu* c, const Op* op) {
    u32 mask = rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt;
    if (sizeof(T) > 2) mask |= rflags::kAc | rflags::kId;
    if (!protected_mode(c) || c->cpl == 0) {
        mask |= rflags::kIf | rflags::kIopl;
    } else if (c->cpl <= iopl(c)) {
        mask |= rflags::kIf;
    }
    const u32 value = static_cast<u32>(pop<T>(c, op));
    const u32 old = c->eflags;
    c->set_rflags((c->rflags() & ~mask & ~rflags::kRf) | (value & mask));
    if (((c->eflags ^ old) & rflags::kAc) != 0) c->update_mode();
}

// --- FS and GS bases ---

void swapgs(Cpu* c, const Op*) {
    std::swap(c->seg[kGs].base, c->msr.kernel_gs_base);
    c->seg_base[kGs] = c->seg[kGs].base;
}

void check_fsgsbase(Cpu* c, const Op* op) {
    if ((c->cr4 & cr4::kFsgsbase) == 0) raise(c, op, Vector::UD);
}

template <SegmentIndex index>
void read_base(Cpu* c, const Op* op) {
    check_fsgsbase(c, op);
    set_reg_sized(c, op->a, c->seg[index].base, operand_size(op));
}

template <SegmentIndex index>
void write_base(Cpu* c, const Op* op) {
    check_fsgsbase(c, op);
    const u64 value = operand_size(op) == 8 ? reg<u64>(c, op->a) : reg<u32>(c, op->a);
    if (!is_canonical_base(c, value)) raise_error(c, op, Vector::GP, 0);
    c->seg[index].base = c->seg_base[index] = value;
}

template <typename T>
constexpr Handler kPushf = then_next<pushf<T>>;
template <typename T>
constexpr Handler kPopf = then_end<popf<T>>;

}  // namespace

ORRERY_SYSTEM(mov_from_cr, then_next<mov_from_cr>)
ORRERY_SYSTEM(mov_to_cr, then_end<mov_to_cr>)
ORRERY_SYSTEM(mov_from_dr, then_next<mov_from_dr>)
ORRERY_SYSTEM(mov_to_dr, then_end<mov_to_dr>)
ORRERY_SYSTEM_FORM(smsw, then_next<smsw>)
ORRERY_SYSTEM_FORM(lmsw, then_end<lmsw>)
ORRERY_SYSTEM(clts, then_end<clts>)
ORRERY_SYSTEM_FORM(invlpg, then_end<invlpg>)
ORRERY_SYSTEM_FORM(invpcid, then_end<invpcid>)
ORRERY_SYSTEM(invd, then_end<flush_caches>)
ORRERY_SYSTEM(wbinvd, then_end<flush_caches>)
ORRERY_SYSTEM(hlt, then_end<hlt>)
ORRERY_SYSTEM(cli, then_next<cli>)
ORRERY_SYSTEM(sti, then_end<sti>)
ORRERY_SYSTEM(clac, then_next<clac>)
ORRERY_SYSTEM(stac, then_next<stac>)
ORRERY_SYSTEM(swapgs, then_next<swapgs>)
ORRERY_SYSTEM_FORM(rdfsbase, then_next<read_base<kFs>>)
ORRERY_SYSTEM_FORM(rdgsbase, then_next<read_base<kGs>>)
ORRERY_SYSTEM_FORM(wrfsbase, then_next<write_base<kFs>>)
ORRERY_SYSTEM_FORM(wrgsbase, then_next<write_base<kGs>>)

void select_pushf(const Insn& insn, u32, Op& op) {
    op.segment = kSs;
    op.accesses = 1;
    op.fn = insn.opsize == 2 ? kPushf<u16> : insn.opsize == 4 ? kPushf<u32> : kPushf<u64>;
}
void select_popf(const Insn& insn, u32, Op& op) {
    op.segment = kSs;
    op.accesses = 1;
    op.fn = insn.opsize == 2 ? kPopf<u16> : insn.opsize == 4 ? kPopf<u32> : kPopf<u64>;
}

}  // namespace orrery
