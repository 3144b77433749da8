// How handlers go from one Op to the next, and from one block to the next. Included by handler files only.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Goes on with `op`. The last thing a handler does.
#if ORRERY_TAIL_CALLS
#define ORRERY_GOTO(c, op) return (op)->fn((c), (op))
#define ORRERY_LEAVE(c) return
#else
#define ORRERY_GOTO(c, op)   \
    do {                     \
        (c)->next_op = (op); \
        return;              \
    } while (0)
#define ORRERY_LEAVE(c)         \
    do {                        \
        (c)->next_op = nullptr; \
        return;                 \
    } while (0)
#endif
#define ORRERY_NEXT(c, op) ORRERY_GOTO(c, (op) + 1)

// The whole block has been executed: its share of the counters.
inline void account_block(Cpu* c, const Block* block) {
    c->insns_left -= block->instructions;
    c->cycles_left -= block->cycles;
    c->accesses += block->accesses;
}

inline bool fits(const Cpu* c, const Block* block) {
    return ((c->insns_left - static_cast<i64>(block->instructions)) |
            (c->cycles_left - static_cast<i64>(block->cycles))) >= 0;
}

// Ends the block along link `which`: accounts for it, moves RIP, and enters the next block if it is known and
// fits. Otherwise leaves to the run loop, which finds it. A macro, since it must return from the handler.
#define ORRERY_FOLLOW_LINK(c, which)                                                \
    do {                                                                            \
        Block* from_ = (c)->block;                                                  \
        account_block((c), from_);                                                  \
        Link& link_ = from_->link[which];                                           \
        (c)->rip_slot += static_cast<u64>(link_.delta);                             \
        Block* to_ = link_.to;                                                      \
        if (to_ != nullptr && fits((c), to_) &&                                     \
            (!link_.crosses_page || code_is_fast((c), (c)->rip_slot, to_->page))) { \
            (c)->block = to_;                                                       \
            ORRERY_GOTO((c), to_->ops);                                             \
        }                                                                           \
        (c)->pending_link = &link_;                                                 \
        ORRERY_LEAVE(c);                                                            \
    } while (0)

// Ends the block at RIP `target` (an indirect branch).
#define ORRERY_FOLLOW_RIP(c, target)                                                      \
    do {                                                                                  \
        account_block((c), (c)->block);                                                   \
        const u64 target_ = (target);                                                     \
        (c)->rip_slot = target_;                                                          \
        const FastCodeEntry& entry_ = (c)->fast_code[(target_ >> 12) % kFastCodeEntries]; \
        if (entry_.page == (target_ & ~u64{0xfff})) {                                     \
            Block* to_ = entry_.code->find(target_ & 0xfff, (c)->key);                    \
            if (to_ != nullptr && fits((c), to_)) {                                       \
                (c)->block = to_;                                                         \
                ORRERY_GOTO((c), to_->ops);                                               \
            }                                                                             \
        }                                                                                 \
        (c)->pending_link = nullptr;                                                      \
        ORRERY_LEAVE(c);                                                                  \
    } while (0)

// Ends the block, and always goes through the run loop: after anything that changes the mode, interrupts, or
// the address space. RIP has been set by the handler (see end_of).
#define ORRERY_LEAVE_BLOCK(c)           \
    do {                                \
        account_block((c), (c)->block); \
        (c)->pending_link = nullptr;    \
        ORRERY_LEAVE(c);                \
    } while (0)

inline bool code_is_fast(const Cpu* c, u64 rip, const CodePage* page) {
    const FastCodeEntry& entry = c->fast_code[(rip >> 12) % kFastCodeEntries];
    return entry.page == (rip & ~u64{0xfff}) && entry.code == page;
}

// RIP of `op`'s instruction, and of the one after it.
inline u64 rip_of(const Cpu* c, const Op* op) {
    return c->rip_slot + op->offset;
}
inline u64 end_of(const Cpu* c, const Op* op) {
    return c->rip_slot + op->offset + op->length;
}

// Legacy modes: RIP is 32 or 16 bits wide.
inline u64 wrap_rip(const Cpu* c, u64 rip) {
    if (c->code64()) return rip;
    return rip & 0xffff'ffff;
}

}  // namespace orrery
