// The run loop: finds blocks, enters them, and does at instruction boundaries what cannot be done within a
// block.
//
// Exactness. A block is entered only where all of it fits before the stretch's end; where it does not,
// instructions run one at a time. Interrupts are therefore taken at the first boundary at or after their
// moment, however the instructions are grouped into blocks.
#include <algorithm>

#include "emulator/core/cpu/run/block_builder.h"
#include "emulator/core/cpu/run/exceptions.h"
#include "emulator/core/cpu/run/memory.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/run/tell_path.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/vector/fp_env.h"

namespace orrery {

namespace {

// What the run loop's setjmp() returns, besides 0 and raise()'s 1.
constexpr int kUnwoundToHalt = 2;

void remember_code(Cpu* c, u64 linear, CodePage& page) {
    const u64 slot = (linear >> 12) % kFastCodeEntries;
    FastCodeEntry& entry = c->fast_code[slot];
    c->fast_code_slots.note(slot);
    entry.page = linear & ~u64{0xfff};
    entry.code = &page;
}

// Whether the page of `linear` must run one instruction at a time: an execution breakpoint, or the
// debugger's.
bool has_watched_code(const Cpu* c, u64 linear) {
    if (c->code_breakpoints != 0 && page_has_code_breakpoint(c, linear)) return true;
    const WatchPoints& points = c->env.observers->points();
    return points.any_code() && points.code_on_page(linear);
}

u64 linear_rip(const Cpu* c) {
    const u64 linear = c->rip() + c->seg_base[kCs];
    return c->code64() ? linear : linear & 0xffff'ffff;
}

// Code that lies outside RAM, or crosses into another page, is decoded each time it runs.
Block* build_uncached(Cpu* c, u64 linear, u64 physical, u32 key) {
    u8 bytes[kMaxInsnLength];
    const u64 next_page = (linear | 0xfff) + 1;
    const unsigned head = static_cast<unsigned>(std::min<u64>(kMaxInsnLength, next_page - linear));
    auto fetch = [&](u64 from, unsigned at, unsigned count) {
        for (unsigned i = 0; i < count; ++i) bytes[at + i] = static_cast<u8>(c->env.bus->read(from + i, 1));
    };
    fetch(physical, 0, head);
    BuiltBlock built = build_crossing(*c, {bytes, head}, physical, 0, key);
    if (!built.block) {
        u64 second = next_page;
        if (!c->code64()) second = (second - c->seg_base[kCs]) % (u64{1} << 32) + c->seg_base[kCs];
        const u64 second_physical = translate_fetch(c, second);
        ++c->code_crossings;
        fetch(second_physical, head, kMaxInsnLength - head);
        built = build_crossing(*c, bytes, physical, second_physical, key);
    }
    c->uncached_block = std::move(built.block);
    c->uncached_ops = std::move(built.ops);
    return c->uncached_block.get();
}

Block* find_block(Cpu* c, bool single) {
    const u32 wanted = c->key | (single ? key::kSingle : 0);
    if (!c->code64() && c->rip() > c->seg[kCs].limit) raise_error(c, nullptr, Vector::GP, 0);
    const u64 linear = c->rip() + c->seg_base[kCs];
    const unsigned offset = linear & 0xfff;
    const FastCodeEntry& entry = c->fast_code[(linear >> 12) % kFastCodeEntries];
    CodePage* page = entry.page == (linear & ~u64{0xfff}) ? entry.code : nullptr;
    if (page == nullptr) {
        const u64 physical = translate_fetch(c, linear);
        if (c->env.bus->ram_at(physical) == nullptr) return build_uncached(c, linear, physical, wanted);
        page = &c->env.code->page(physical);
        if (!has_watched_code(c, linear)) remember_code(c, linear, *page);
    }
    if (Block* block = page->find(offset, wanted)) return block;

    const u8* host = c->env.bus->ram_at(page->physical);
    BuiltBlock built = build_block(*c, {host + offset, 4096 - offset}, page->physical + offset, wanted);
    if (!built.block) return build_uncached(c, linear, page->physical + offset, wanted);
    built.block->page = page;
    Block* block = built.block.get();
    const bool first = !page->has_code();
    page->add(std::move(built.block), std::move(built.ops));
    ++c->env.code->blocks_decoded;
    if (first) c->env.code->note_code(page->physical);
    return block;
}

void execute(Cpu* c, Block* block) {
    c->block = block;
#if ORRERY_TAIL_CALLS
    block->ops[0].fn(c, block->ops);
#else
    c->next_op = block->ops;
    while (c->next_op != nullptr) {
        if (c->next_op == c->leave_at)
            leave_block(c, c->next_op);
        else
            c->next_op->fn(c, c->next_op);
    }
#endif
}

// Runs one instruction, whatever else would fit. TF as it was before the instruction decides about the trap
// after it (SDM vol. 3A, 17.3.1.4), but INT n, SYSCALL and MOV SS are not followed by one (step_trap).
void execute_single(Cpu* c) {
    c->step_trap = (c->eflags & rflags::kTf) != 0;
    Block* block = find_block(c, true);
    hold(c);
    c->interrupt_shadow = c->stack_shadow = false;
    c->eflags &= ~rflags::kRf;
    execute(c, block);
    unplant(c);
    c->pending_link = nullptr;
    if (c->step_trap) c->pending_debug |= dr6::kBs;
    c->step_trap = false;
    deliver_debug_trap(c);
}

// What the end of a block does not look at: TF, the shadows, and watched instructions on the page.
bool must_run_single(const Cpu* c) {
    return (c->eflags & rflags::kTf) != 0 || c->interrupt_shadow || has_watched_code(c, linear_rip(c));
}

// Tells whoever wants to know of the instruction about to run.
void announce(Cpu* c) {
    const Observers& observers = *c->env.observers;
    if (observers.wants(EventKind::Instruction)) {
        emit(c, nullptr, event::Instruction{});
        if (c->exit_requested) return;
    }
    if (!observers.points().any_code()) return;
    const u64 linear = linear_rip(c);
    if (observers.points().code_at(linear)) emit(c, nullptr, event::Breakpoint{linear});
}

void run_block(Cpu* c) {
    Link* link = c->pending_link;
    c->pending_link = nullptr;
    Block* block = find_block(c, false);
    if (static_cast<i64>(block->instructions) > c->insns_left ||
        static_cast<i64>(block->cycles) > c->cycles_left) {
        execute_single(c);
        return;
    }
    const bool kept = block->page != nullptr;
    if (link != nullptr && kept) link->to = block;
    c->eflags &= ~rflags::kRf;
    execute(c, block);
    // Links of a block that is decoded anew each time are not worth setting (and it will be gone).
    if (!kept) c->pending_link = nullptr;
    unplant(c);
    if (__builtin_expect(c->pending_debug != 0, 0)) deliver_debug_trap(c);
}

// True if something was delivered, or the CPU is not running.
bool handle_boundary(Cpu* c) {
    if (__builtin_expect(c->pending_debug != 0 && !c->stack_shadow, 0)) {  // of an event's delivery
        deliver_debug_trap(c);
        return true;
    }
    if (c->activity == Activity::MonitorWait && !c->monitor.armed) c->activity = Activity::Running;
    if (c->init_pending) {
        c->init_pending = false;
        c->reset(true);
        c->activity = c->id == 0 ? Activity::Running : Activity::WaitForSipi;
        return true;
    }
    if (c->activity == Activity::WaitForSipi && c->sipi_pending) {
        c->sipi_pending = false;
        start_at_vector(c, c->sipi_vector);
        return true;
    }
    if (c->interrupt_shadow) return false;
    if (c->nmi_pending && !c->nmi_blocked && c->activity != Activity::WaitForSipi) {
        c->nmi_pending = false;
        c->activity = Activity::Running;
        deliver_nmi(c);
        return true;
    }
    if (c->intr && (c->eflags & rflags::kIf) != 0 &&
        (c->activity == Activity::Running || c->activity == Activity::Halted ||
         c->activity == Activity::MonitorWait)) {
        c->activity = Activity::Running;
        c->env.events->set_now(c->ticks());
        deliver_interrupt(c, c->env.apic->acknowledge());
        return true;
    }
    return false;
}

}  // namespace

void Cpu::run(u64 instructions_total, Ticks deadline) {
    unplant(this);  // requests made between runs are answered by this one's beginning
    if (instructions_total <= instructions() || deadline <= ticks()) return;
    begin_stretch(instructions_total, deadline);

    exit_requested = false;
    pending_link = nullptr;  // RIP may have been changed since the last run
    update_told();           // and who wants to be told
    HostFpScope fp(this);
    jmp_buf here;
    unwind = &here;
    // raise() comes back here, with RIP at the instruction and the counters settled; so does halt_at().
    switch (_setjmp(here)) {
        case 0:
            break;
        case kUnwoundToHalt:
            unplant(this);
            pending_link = nullptr;
            step_trap = false;
            break;
        default:
            unplant(this);
            pending_link = nullptr;
            cut_path(this, true);
            deliver_exception(this);
    }
    while (!exit_requested && insns_left > 0 && cycles_left > 0) {
        if (handle_boundary(this)) {
            pending_link = nullptr;  // what runs next is not where the last block's link leads
            continue;
        }
        if (activity != Activity::Running) break;
        if (code_breakpoints != 0 && deliver_code_breakpoint(this)) {
            pending_link = nullptr;
            continue;
        }
        if (env.code->collect()) pending_link = nullptr;
        announce(this);
        if (exit_requested) break;
        if (env.observers->wants(EventKind::Instruction) || must_run_single(this))
            execute_single(this);
        else
            run_block(this);
    }
    unplant(this);
    unwind = nullptr;
}

void halt_at(Cpu* c, const Op* op) {
    c->activity = Activity::Halted;
    settle_at(c, op);
    longjmp(*c->unwind, kUnwoundToHalt);
}

void raise(Cpu* c, const Op* op, Vector vector) {
    c->pending = {vector, false, 0, 0};
    settle_at(c, op);
    longjmp(*c->unwind, 1);
}

void raise_error(Cpu* c, const Op* op, Vector vector, u32 error_code) {
    c->pending = {vector, true, error_code, 0};
    settle_at(c, op);
    longjmp(*c->unwind, 1);
}

void raise_page_fault(Cpu* c, const Op* op, u64 address, u32 error_code) {
    c->pending = {Vector::PF, true, error_code, address};
    settle_at(c, op);
    longjmp(*c->unwind, 1);
}

}  // namespace orrery
