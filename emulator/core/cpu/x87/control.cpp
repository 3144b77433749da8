// The x87's control instructions: FNINIT, FNCLEX, control and status words, environment and state, FWAIT,
// FFREE, the stack pointer (Intel SDM vol. 2; formats of the environment: vol. 1, figures 8-9 to 8-12).
#include "emulator/core/cpu/x87/forms.h"

namespace orrery {

using namespace x87;

namespace {

constexpr u16 kControlBits = 0x1f3f, kControlOne = 0x40;  // bit 6 reads as 1

inline void set_control(X87State& s, u16 value) {
    s.control = (value & kControlBits) | kControlOne;
}
inline void set_status(X87State& s, u16 value) {
    s.status = value;
    update_summary(s);
}

// FNINIT (table 9-1). The registers keep their contents.
void initialize(X87State& s) {
    s.control = 0x37f;
    s.status = 0;
    s.empty = 0xff;
    s.last_opcode = 0;
    s.last_ip = s.last_dp = 0;
    s.last_cs = s.last_ds = 0;
}

// The full tag word (figure 8-7), worked out from the registers.
u16 tag_word(const X87State& s) {
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; ++i) {
        unsigned tag = 3;
        if (!is_empty(s, i)) {
            const f80::Kind kind = f80::classify(s.reg[i]);
            tag = kind == f80::Kind::Normal ? 0 : kind == f80::Kind::Zero ? 1 : 2;
        }
        tags |= tag << (2 * i);
    }
    return static_cast<u16>(tags);
}
u8 empty_of_tags(u32 tags) {
    unsigned empty = 0;
    for (unsigned i = 0; i < 8; ++i) empty |= static_cast<unsigned>((tags >> (2 * i) & 3) == 3) << i;
    return static_cast<u8>(empty);
}

bool real_format(const Cpu* c) {
    return (c->cr0 & cr0::kPe) == 0 || (c->eflags & rflags::kVm) != 0;
}

constexpr unsigned kEnvironment16 = 14, kEnvironment32 = 28, kRegisters = 80;

// An environment as it lies in memory; `wide`: the 32-bit formats. Returns its size.
unsigned make_environment(const Cpu* c, bool wide, u8* to) {
    const X87State& s = c->x87;
    const u32 ip = static_cast<u32>(s.last_ip), dp = static_cast<u32>(s.last_dp);
    const bool real = real_format(c);
    if (wide) {
        constexpr u32 kReserved = 0xffff'0000;
        u32 words[7] = {kReserved | s.control, kReserved | s.status, kReserved | tag_word(s)};
        if (real) {
            words[3] = kReserved | (ip & 0xffff);
            words[4] = (ip >> 16) << 12 | s.last_opcode;
            words[5] = kReserved | (dp & 0xffff);
            words[6] = (dp >> 16) << 12;
        } else {
            words[3] = ip;
            words[4] = static_cast<u32>(s.last_opcode) << 16 | s.last_cs;
            words[5] = dp;
            words[6] = kReserved | s.last_ds;
        }
        std::memcpy(to, words, sizeof words);
        return sizeof words;
    }
    u16 words[7] = {s.control, s.status, tag_word(s), static_cast<u16>(ip), s.last_cs, static_cast<u16>(dp),
                    s.last_ds};
    if (real) {
        words[4] = static_cast<u16>((ip >> 16 & 15) << 12 | s.last_opcode);
        words[6] = static_cast<u16>((dp >> 16 & 15) << 12);
    }
    std::memcpy(to, words, sizeof words);
    return sizeof words;
}

// The selectors are not kept (CPUID.(7,0):EBX[13]).
void take_environment(Cpu* c, bool wide, const u8* from) {
    X87State& s = c->x87;
    const bool real = real_format(c);
    u32 words[7];
    if (wide) {
        std::memcpy(words, from, sizeof words);
    } else {
        u16 narrow[7];
        std::memcpy(narrow, from, sizeof narrow);
        for (unsigned i = 0; i < 7; ++i) words[i] = narrow[i];
    }
    set_control(s, static_cast<u16>(words[0]));
    set_status(s, static_cast<u16>(words[1]));
    s.empty = empty_of_tags(words[2]);
    if (real) {
        s.last_ip = (words[3] & 0xffff) | (words[4] >> 12 & 0xffff) << 16;
        s.last_dp = (words[5] & 0xffff) | (words[6] >> 12 & 0xffff) << 16;
        s.last_opcode = words[4] & 0x7ff;
    } else {
        s.last_ip = words[3];
        s.last_dp = words[5];
        // The 16-bit protected format has no place for the opcode.
        s.last_opcode = wide ? words[4] >> 16 & 0x7ff : 0;
    }
    s.last_cs = s.last_ds = 0;
}

// op->imm: 1 for the 32-bit formats.
[[gnu::noinline]] void store_environment(Cpu* c, const Op* op, u64 linear) {
    u8 image[kEnvironment32];
    const unsigned size = make_environment(c, op->imm != 0, image);
    store_bytes(c, op, linear, image, size);
    c->x87.control |= f80::kExceptions;
    update_summary(c->x87);
}

[[gnu::noinline]] void load_environment(Cpu* c, const Op* op, u64 linear) {
    u8 image[kEnvironment32];
    load_bytes(c, op, linear, image, op->imm != 0 ? kEnvironment32 : kEnvironment16);
    take_environment(c, op->imm != 0, image);
}

[[gnu::noinline]] void store_state(Cpu* c, const Op* op, u64 linear) {
    u8 image[kEnvironment32 + kRegisters];
    const unsigned size = make_environment(c, op->imm != 0, image);
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& from = c->x87.reg[physical(c->x87, i)];
        std::memcpy(image + size + 10 * i, &from.significand, 8);
        std::memcpy(image + size + 10 * i + 8, &from.sign_exponent, 2);
    }
    store_bytes(c, op, linear, image, size + kRegisters);
    initialize(c->x87);
}

[[gnu::noinline]] void load_state(Cpu* c, const Op* op, u64 linear) {
    u8 image[kEnvironment32 + kRegisters];
    const unsigned size = op->imm != 0 ? kEnvironment32 : kEnvironment16;
    load_bytes(c, op, linear, image, size + kRegisters);
    take_environment(c, op->imm != 0, image);
    for (unsigned i = 0; i < 8; ++i) {
        Float80& to = c->x87.reg[physical(c->x87, i)];
        std::memcpy(&to.significand, image + size + 10 * i, 8);
        std::memcpy(&to.sign_exponent, image + size + 10 * i + 8, 2);
    }
}

using Transfer = void (*)(Cpu*, const Op*, u64);
template <Transfer transfer, bool waits, bool full>
void op_transfer(Cpu* c, const Op* op) {
    if constexpr (waits) check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    check_aligned(c, op, linear, op->imm != 0 ? 4 : 2);
    transfer(c, op, linear);
    ORRERY_NEXT(c, op);
}

template <Transfer transfer, bool waits>
void select_transfer(const Insn& insn, u32 key, Op& op) {
    if (trap_x87(key, op)) return;
    op.imm = insn.opsize != 2;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_transfer<transfer, waits, full>; });
}

void op_fninit(Cpu* c, const Op* op) {
    initialize(c->x87);
    ORRERY_NEXT(c, op);
}
void op_fnclex(Cpu* c, const Op* op) {
    c->x87.status &= 0x7f00;
    ORRERY_NEXT(c, op);
}
template <bool full>
void op_fnstcw(Cpu* c, const Op* op) {
    store<u16>(c, op, address<full>(c, op), c->x87.control);
    ORRERY_NEXT(c, op);
}
template <bool full>
void op_fldcw(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_control(c->x87, load<u16>(c, op, address<full>(c, op)));
    update_summary(c->x87);
    ORRERY_NEXT(c, op);
}
template <bool full>
void op_fnstsw(Cpu* c, const Op* op) {
    store<u16>(c, op, address<full>(c, op), c->x87.status);
    ORRERY_NEXT(c, op);
}
void op_fnstsw_ax(Cpu* c, const Op* op) {
    set_reg<u16>(c, kRax * 8, c->x87.status);
    ORRERY_NEXT(c, op);
}

void op_nothing(Cpu* c, const Op* op) {
    ORRERY_NEXT(c, op);
}
void op_fnop(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    ORRERY_NEXT(c, op);
}
void op_fwait(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    ORRERY_NEXT(c, op);
}
// Chosen while CR0.EM or CR0.TS is set: WAIT asks CR0.MP, and not CR0.EM (SDM vol. 3A, table 2-2).
void op_fwait_trap(Cpu* c, const Op* op) {
    constexpr u64 kBoth = cr0::kMp | cr0::kTs;
    if ((c->cr0 & kBoth) == kBoth) raise(c, op, Vector::NM);
    check_x87_pending(c, op);
    ORRERY_NEXT(c, op);
}

// Only TOP moves: tags and contents stay.
template <int step>
void op_move_top(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    give(c, op, 0);
    set_top(c->x87, top(c->x87) + static_cast<unsigned>(step));
    ORRERY_NEXT(c, op);
}
template <bool pops>
void op_ffree(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    give(c, op, 0);
    X87State& s = c->x87;
    s.empty = static_cast<u8>(s.empty | 1u << physical(s, op->a));
    if (pops) pop(s);
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_fninit(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fninit;
}
void select_fnclex(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fnclex;
}
void select_fnstcw(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fnstcw<full>; });
}
void select_fldcw(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fldcw<full>; });
}
void select_fnstsw(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fnstsw<full>; });
}
void select_fnstsw_ax(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fnstsw_ax;
}
void select_fnstenv(const Insn& insn, u32 key, Op& op) {
    select_transfer<store_environment, false>(insn, key, op);
}
void select_fldenv(const Insn& insn, u32 key, Op& op) {
    select_transfer<load_environment, true>(insn, key, op);
}
void select_fnsave(const Insn& insn, u32 key, Op& op) {
    select_transfer<store_state, false>(insn, key, op);
}
void select_frstor(const Insn& insn, u32 key, Op& op) {
    select_transfer<load_state, true>(insn, key, op);
}
void select_fnop(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fnop;
}
void select_fnop_control(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_nothing;
}
void select_fwait(const Insn&, u32 key, Op& op) {
    op.fn = (key & key::kFpuTrap) != 0 ? op_fwait_trap : op_fwait;
}
void select_fincstp(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_move_top<1>;
}
void select_fdecstp(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_move_top<-1>;
}
void select_ffree(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_ffree<false>;
}
void select_ffreep(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_ffree<true>;
}

}  // namespace orrery
