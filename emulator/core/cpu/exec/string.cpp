// MOVS CMPS STOS LODS SCAS, with REP, REPE and REPNE (SDM vol. 2). A repeated instruction can be left between
// two iterations, with the registers telling how far it came; RIP then still points at it.
#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

// op->a: address size in bytes. op->b: repetition.
enum Repeat : u8 { kOnce, kRep, kRepE, kRepNe };

inline u64 pointer_mask(const Op* op) {
    return ~u64{0} >> (64 - 8 * op->a);
}
inline u64 get_pointer(const Cpu* c, const Op* op, unsigned index) {
    return c->gpr[index] & pointer_mask(op);
}
inline void set_pointer(Cpu* c, const Op* op, unsigned index, u64 value) {
    const u64 mask = pointer_mask(op);
    c->gpr[index] = op->a == 2 ? (c->gpr[index] & ~mask) | (value & mask) : value & mask;
}
inline void advance(Cpu* c, const Op* op, unsigned index, u64 bytes) {
    const u64 step = (c->eflags & rflags::kDf) != 0 ? 0 - bytes : bytes;
    set_pointer(c, op, index, c->gpr[index] + step);
}
inline u64 source(const Cpu* c, const Op* op) {
    return get_pointer(c, op, kRsi) + c->seg_base[op->segment];
}
inline u64 destination(const Cpu* c, const Op* op) {
    return get_pointer(c, op, kRdi) + c->seg_base[kEs];
}
// The same for an access of T: in the legacy modes (`legacy`) within the segment's limit, and of its type.
template <typename T, bool legacy>
inline u64 checked_source(Cpu* c, const Op* op) {
    if constexpr (!legacy) return source(c, op);
    return checked_linear_legacy(c, op, op->segment, get_pointer(c, op, kRsi), sizeof(T), false);
}
template <typename T, bool legacy>
inline u64 checked_destination(Cpu* c, const Op* op, bool write) {
    if constexpr (!legacy) return destination(c, op);
    return checked_linear_legacy(c, op, kEs, get_pointer(c, op, kRdi), sizeof(T), write);
}

struct Movs {
    static constexpr unsigned kAccesses = 2;
    static constexpr bool kCompares = false;
    template <typename T, bool legacy>
    static void once(Cpu* c, const Op* op) {
        const T value = load<T>(c, op, checked_source<T, legacy>(c, op));
        store<T>(c, op, checked_destination<T, legacy>(c, op, true), value);
        advance(c, op, kRsi, sizeof(T));
        advance(c, op, kRdi, sizeof(T));
    }
};

struct Stos {
    static constexpr unsigned kAccesses = 1;
    static constexpr bool kCompares = false;
    template <typename T, bool legacy>
    static void once(Cpu* c, const Op* op) {
        store<T>(c, op, checked_destination<T, legacy>(c, op, true), reg<T>(c, kRax * 8));
        advance(c, op, kRdi, sizeof(T));
    }
};

struct Lods {
    static constexpr unsigned kAccesses = 1;
    static constexpr bool kCompares = false;
    template <typename T, bool legacy>
    static void once(Cpu* c, const Op* op) {
        set_reg<T>(c, kRax * 8, load<T>(c, op, checked_source<T, legacy>(c, op)));
        advance(c, op, kRsi, sizeof(T));
    }
};

struct Cmps {
    static constexpr unsigned kAccesses = 2;
    static constexpr bool kCompares = true;
    template <typename T, bool legacy>
    static void once(Cpu* c, const Op* op) {
        const T a = load<T>(c, op, checked_source<T, legacy>(c, op));
        const T b = load<T>(c, op, checked_destination<T, legacy>(c, op, false));
        c->lf.set_sub<T>(a, b, static_cast<T>(a - b));
        advance(c, op, kRsi, sizeof(T));
        advance(c, op, kRdi, sizeof(T));
    }
};

struct Scas {
    static constexpr unsigned kAccesses = 1;
    static constexpr bool kCompares = true;
    template <typename T, bool legacy>
    static void once(Cpu* c, const Op* op) {
        const T a = reg<T>(c, kRax * 8);
        const T b = load<T>(c, op, checked_destination<T, legacy>(c, op, false));
        c->lf.set_sub<T>(a, b, static_cast<T>(a - b));
        advance(c, op, kRdi, sizeof(T));
    }
};

// How many iterations of MOVS or STOS can be made at once: upwards, within one page of each operand, both on
// the fast path, not beyond the stretch, and without the destination running into source bytes yet to be
// read.
template <typename F, typename T>
u64 bulk_count(const Cpu* c, const Op* op, u64 count) {
    constexpr bool moves = std::is_same_v<F, Movs>;
    if ((c->eflags & rflags::kDf) != 0 || op->a != 8 || c->step_trap) return 0;
    const u64 to = destination(c, op);
    u64 bytes = kPageSize - (to & (kPageSize - 1));
    if (!writable<T>(c, to)) return 0;
    if constexpr (moves) {
        const u64 from = source(c, op);
        if (!readable<T>(c, from)) return 0;
        bytes = std::min(bytes, kPageSize - (from & (kPageSize - 1)));
        const u64 to_host = to + fast_entry(c, to).addend, from_host = from + fast_entry(c, from).addend;
        if (to_host > from_host) bytes = std::min(bytes, to_host - from_host);
    }
    const u64 cost = c->env.core->string_iteration();
    u64 most = std::min(count, bytes / sizeof(T));
    if (cost != 0)
        most = std::min(
            most, static_cast<u64>(std::max<i64>(0, (c->cycles_left - op->cycles) / static_cast<i64>(cost))));
    return most;
}

template <typename F, typename T>
void do_bulk(Cpu* c, const Op* op, u64 count) {
    const u64 to = destination(c, op);
    T* out = reinterpret_cast<T*>(to + fast_entry(c, to).addend);
    if constexpr (std::is_same_v<F, Movs>) {
        const u64 from = source(c, op);
        std::memmove(out, reinterpret_cast<const void*>(from + fast_entry(c, from).addend),
                     count * sizeof(T));
        c->gpr[kRsi] += count * sizeof(T);
    } else {
        const T value = reg<T>(c, kRax * 8);
        for (u64 i = 0; i < count; ++i) std::memcpy(out + i, &value, sizeof value);
    }
    c->gpr[kRdi] += count * sizeof(T);
}

template <typename F, typename T, bool legacy>
void string_once(Cpu* c, const Op* op) {
    F::template once<T, legacy>(c, op);
    ORRERY_NEXT(c, op);
}

template <typename F, typename T, bool legacy>
void string_repeated(Cpu* c, const Op* op) {
    const u32 cost = c->env.core->string_iteration();
    for (;;) {
        u64 left = get_pointer(c, op, kRcx);
        if (left == 0) break;
        u64 done = 0;
        if constexpr (!F::kCompares && !std::is_same_v<F, Lods>) done = bulk_count<F, T>(c, op, left);
        if (done > 1) {
            do_bulk<F, T>(c, op, done);
        } else {
            F::template once<T, legacy>(c, op);
            done = 1;
        }
        left -= done;
        c->accesses += done * F::kAccesses;
        set_pointer(c, op, kRcx, left);
        charge(c, op, static_cast<u32>(done * cost));
        if (left == 0) break;
        if constexpr (F::kCompares) {
            if (c->lf.zf() != (op->b == kRepE)) break;
        }
        if (boundary_wanted(c, op)) {
            // SDM vol. 3B, 17.3.1.1: an execution breakpoint does not match again between iterations.
            c->eflags |= rflags::kRf;
            settle_at(c, op);
            c->path.leave_in_part();
            c->pending_link = nullptr;
            ORRERY_LEAVE(c);
        }
    }
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_string(const Insn& insn, u32 key, Op& op) {
    op.a = insn.asize;
    op.b = kOnce;
    if (insn.rep || insn.repne) op.b = !F::kCompares ? kRep : insn.rep ? kRepE : kRepNe;
    op.accesses = op.b == kOnce ? F::kAccesses : 0;
    unsigned size = 0;
    for (unsigned i = 0; i < insn.operand_count; ++i) size = std::max<unsigned>(size, insn.operands[i].size);
    op.fn = by_size(size, [&]<typename T>() -> Handler {
        if (mode_of(key) != CpuMode::Bits64)
            return op.b == kOnce ? string_once<F, T, true> : string_repeated<F, T, true>;
        return op.b == kOnce ? string_once<F, T, false> : string_repeated<F, T, false>;
    });
}

}  // namespace

void select_movs(const Insn& insn, u32 key, Op& op) {
    select_string<Movs>(insn, key, op);
}
void select_stos(const Insn& insn, u32 key, Op& op) {
    select_string<Stos>(insn, key, op);
}
void select_lods(const Insn& insn, u32 key, Op& op) {
    select_string<Lods>(insn, key, op);
}
void select_cmps(const Insn& insn, u32 key, Op& op) {
    select_string<Cmps>(insn, key, op);
}
void select_scas(const Insn& insn, u32 key, Op& op) {
    select_string<Scas>(insn, key, op);
}

}  // namespace orrery
