#include "emulator/core/cpu/run/memory.h"

#include <algorithm>
#include <bit>

#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/run/tell_path.h"
#include "emulator/core/cpu/state/debug_registers.h"

namespace orrery {

namespace {

void check_canonical(Cpu* c, const Op* op, u64 linear, unsigned size) {
    if (!c->long_mode()) return;
    if (is_canonical(c, linear) && is_canonical(c, linear + size - 1)) return;
    if (op != nullptr && op->segment == kSs) raise_error(c, op, Vector::SS, 0);
    raise_error(c, op, Vector::GP, 0);
}

// SDM vol. 3A, 6.15, interrupt 17. Only CPL 3 with CR0.AM and EFLAGS.AC is checked.
void check_alignment(Cpu* c, const Op* op, u64 linear, unsigned alignment) {
    if (c->fast == c->empty_table && (linear & (alignment - 1)) != 0) raise_error(c, op, Vector::AC, 0);
}

// Table 6-7, for operands wider than a register or of odd size: far pointers by the size of their parts, x87
// values of 10 bytes by 8, x87 environments and states by the word or doubleword, vectors by 16 bytes at most
// (YMM: vector/sse_memory.cpp).
unsigned alignment_of(unsigned size) {
    switch (size) {
        case 4:
        case 14:
        case 94:
            return 2;
        case 6:
        case 28:
        case 108:
            return 4;
        case 10:
            return 8;
        default:
            return std::has_single_bit(size) && size <= 16 ? size : 1;
    }
}

// After an access that was allowed.
inline void note_access(Cpu* c, const Op* op, u64 linear, unsigned size, bool write) {
    if (__builtin_expect(c->data_breakpoints != 0, 0)) note_data_access(c, op, linear, size, write);
}

// The same for the debugger's watched data, a page at a time.
inline void watch_access(Cpu* c, const Op* op, u64 linear, u64 physical, unsigned size, bool write,
                         u64 value) {
    if (__builtin_expect(c->env.observers->points().any_data(), 0))
        tell_of_access(c, op, linear, physical, size, write, value);
}

// Puts a translation that the model has just marked used into the fast table. Writes may go that way once one
// to the page was noted (Bus::note_write).
void remember(Cpu* c, u64 linear, u64 physical_page, bool readable, bool writable, bool writes) {
    if (c->fast == c->empty_table) return;
    u8* host = c->env.bus->ram_at(physical_page);
    if (host == nullptr) return;
    if (writes) c->env.bus->note_write(host);
    if (c->path_model != nullptr) return;  // it is to see every access
    const u64 page = linear & ~u64{0xfff};
    const u64 slot = (linear >> 12) % kFastEntries;
    FastEntry& entry = c->fast[slot];
    if (c->data_breakpoints != 0 && page_has_data_breakpoint(c, page)) return;
    WatchPoints::Kinds watched;
    if (c->env.observers->points().any_data())
        watched = c->env.observers->points().data_on_page(page, physical_page);
    if (watched.reads) return;
    const bool plain =
        !watched.writes && !c->env.code->wants_writes(physical_page) && c->env.bus->write_noted(host);
    c->fast_slots.note(slot);
    entry.addend = reinterpret_cast<u64>(host) - page;
    entry.read_tag = readable ? page : FastEntry::kNoTag;
    entry.write_tag = writable && plain ? page : FastEntry::kNoTag;
}

struct Rights {
    AccessKind kind;
    bool user;
    bool ac;
};

bool entry_allows(const Cpu* c, const TlbEntry& entry, const Rights& rights) {
    const PageRights page = {entry.writable, entry.user, entry.executable, entry.protection_key};
    return refusal(c->paging(), page, rights.kind, rights.user, rights.ac) == Refusal::None &&
           (rights.kind != AccessKind::Write || entry.dirty);
}

TlbEntry* walk_and_fill(Cpu* c, const Op* op, Tlb::Side side, u64 linear, const Rights& rights) {
    ++c->tlb.counters.l2_misses;
    const Op* outer = c->current_op;
    c->current_op = op;
    c->walking = true;
    const WalkResult found =
        walk(*c->env.bus, c->paging(), linear, rights.kind, rights.user, rights.ac, WalkMode::Architectural);
    c->walking = false;
    c->current_op = outer;
    c->tlb.counters.walk_steps += found.step_count;
    charge(c, op, c->env.core->walk(found.step_count));
    if (!found.ok) {
        // SDM vol. 3A, 4.10.4.1: a page fault drops what is cached for its address.
        c->tlb.invalidate_page(linear, c->pcid(), true);
        raise_page_fault(c, op, linear, found.error_code);
    }
    TlbEntry entry;
    entry.page_shift = found.page_shift;
    entry.protection_key = found.rights.protection_key;
    entry.page = linear >> found.page_shift;
    entry.frame = found.physical & ~((u64{1} << found.page_shift) - 1);
    entry.filled_at = instruction_number(c, op);
    entry.pcid = c->pcid();
    entry.global = found.global;
    entry.writable = found.rights.writable;
    entry.user = found.rights.user;
    entry.executable = found.rights.executable;
    entry.dirty = found.dirty;
    if (c->env.observers->wants(EventKind::TlbFill)) {
        emit(c, op, event::TlbFill{side == Tlb::Side::Instruction, found.page_shift, linear, entry.frame});
    }
    return c->tlb.fill(side, linear, entry);
}

TlbEntry* tlb_entry(Cpu* c, const Op* op, Tlb::Side side, u64 linear, const Rights& rights) {
    const u16 pcid = c->pcid();
    TlbEntry* entry = c->tlb.find_l1(side, linear, pcid);
    if (entry != nullptr && entry_allows(c, *entry, rights)) return entry;
    ++(side == Tlb::Side::Data ? c->tlb.counters.l1d_misses : c->tlb.counters.l1i_misses);
    if (entry == nullptr) {
        entry = c->tlb.find_l2(side, linear, pcid);
        if (entry != nullptr && entry_allows(c, *entry, rights)) {
            ++c->tlb.counters.l2_hits;
            charge(c, op, c->env.core->l2_tlb_hit());
            return entry;
        }
    }
    return walk_and_fill(c, op, side, linear, rights);
}

u64 translate_with(Cpu* c, const Op* op, u64 linear, const Rights& rights, bool keep) {
    if ((c->cr0 & cr0::kPg) == 0) {
        const u64 physical = linear & 0xffff'ffff;
        if (keep) remember(c, linear, physical & ~u64{0xfff}, true, true, rights.kind == AccessKind::Write);
        return physical;
    }
    const TlbEntry* entry = tlb_entry(c, op, Tlb::Side::Data, linear, rights);
    const u64 physical = entry->frame | (linear & ((u64{1} << entry->page_shift) - 1));
    if (keep) {
        Rights other = rights;
        other.kind = AccessKind::Write;
        const bool writable = entry_allows(c, *entry, other);
        other.kind = AccessKind::Read;
        remember(c, linear, physical & ~u64{0xfff}, entry_allows(c, *entry, other), writable,
                 rights.kind == AccessKind::Write);
    }
    return physical;
}

Rights rights_now(const Cpu* c, AccessKind kind) {
    return {kind, c->cpl == 3, (c->eflags & rflags::kAc) != 0};
}

u64 read_physical(Cpu* c, const Op* op, u64 physical, unsigned size) {
    if (const u8* host = c->env.bus->ram_at(physical)) {
        u64 value = 0;
        std::memcpy(&value, host, size);
        tell_data(c, op, physical, size, false);
        return value;
    }
    DeviceAccess access(c, op, Uncached::MemoryRead);
    const u64 value = c->env.bus->read(physical, size);
    if (c->env.observers->wants(EventKind::Mmio))
        emit(c, op, event::Mmio{physical, static_cast<u8>(size), false, value});
    return value;
}

void write_physical(Cpu* c, const Op* op, u64 physical, unsigned size, u64 value) {
    if (u8* host = c->env.bus->ram_at(physical)) {
        if (c->env.code->invalidate(physical, size)) leave_after(c, op);
        c->env.bus->note_write(host);
        std::memcpy(host, &value, size);
        tell_data(c, op, physical, size, true);
        return;
    }
    DeviceAccess access(c, op, Uncached::MemoryWrite);
    c->env.bus->write(physical, size, value);
    if (c->env.observers->wants(EventKind::Mmio))
        emit(c, op, event::Mmio{physical, static_cast<u8>(size), true, value});
}

bool crosses(u64 linear, unsigned size) {
    return (linear & 0xfff) + size > 0x1000;
}

u64 read_with(Cpu* c, const Op* op, u64 linear, unsigned size, const Rights& rights, bool keep) {
    if (!crosses(linear, size)) {
        const u64 physical = translate_with(c, op, linear, rights, keep);
        const u64 value = read_physical(c, op, physical, size);
        watch_access(c, op, linear, physical, size, false, value);
        return value;
    }
    const u64 next = (linear | 0xfff) + 1;
    const unsigned head = static_cast<unsigned>(next - linear);
    const u64 first = translate_with(c, op, linear, rights, keep);
    const u64 second = translate_with(c, op, next, rights, keep);
    ++c->accesses;
    u64 value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const u64 at = i < head ? first + i : second + (i - head);
        value |= read_physical(c, op, at, 1) << (8 * i);
    }
    watch_access(c, op, linear, first, head, false, value);
    watch_access(c, op, next, second, size - head, false, value >> 8 * head);
    return value;
}

void write_with(Cpu* c, const Op* op, u64 linear, unsigned size, u64 value, const Rights& rights, bool keep) {
    if (!crosses(linear, size)) {
        const u64 physical = translate_with(c, op, linear, rights, keep);
        write_physical(c, op, physical, size, value);
        watch_access(c, op, linear, physical, size, true, value);
        return;
    }
    const u64 next = (linear | 0xfff) + 1;
    const unsigned head = static_cast<unsigned>(next - linear);
    const u64 first = translate_with(c, op, linear, rights, keep);
    const u64 second = translate_with(c, op, next, rights, keep);
    ++c->accesses;
    for (unsigned i = 0; i < size; ++i) {
        const u64 at = i < head ? first + i : second + (i - head);
        write_physical(c, op, at, 1, (value >> (8 * i)) & 0xff);
    }
    watch_access(c, op, linear, first, head, true, value);
    watch_access(c, op, next, second, size - head, true, value >> 8 * head);
}

}  // namespace

u64 load_slow(Cpu* c, const Op* op, u64 linear, unsigned size) {
    check_canonical(c, op, linear, size);
    check_alignment(c, op, linear, size);
    const u64 value = read_with(c, op, linear, size, rights_now(c, AccessKind::Read), true);
    note_access(c, op, linear, size, false);
    return value;
}

u64 load_for_write(Cpu* c, const Op* op, u64 linear, unsigned size) {
    return read_with(c, op, linear, size, rights_now(c, AccessKind::Write), true);
}

void store_slow(Cpu* c, const Op* op, u64 linear, unsigned size, u64 value) {
    check_canonical(c, op, linear, size);
    check_alignment(c, op, linear, size);
    write_with(c, op, linear, size, value, rights_now(c, AccessKind::Write), true);
    note_access(c, op, linear, size, true);
}

namespace {

// Physical address of the first byte.
u64 translate_for_write(Cpu* c, const Op* op, u64 linear, unsigned size) {
    check_canonical(c, op, linear, size);
    check_alignment(c, op, linear, size);
    const Rights rights = rights_now(c, AccessKind::Write);
    const u64 physical = translate_with(c, op, linear, rights, true);
    if (crosses(linear, size)) translate_with(c, op, (linear | 0xfff) + 1, rights, true);
    return physical;
}

}  // namespace

void check_writable(Cpu* c, const Op* op, u64 linear, unsigned size) {
    translate_for_write(c, op, linear, size);
}

u8* rmw_slow(Cpu* c, const Op* op, u64 linear, unsigned size) {
    const u64 physical = translate_for_write(c, op, linear, size);
    if (crosses(linear, size)) return nullptr;
    note_access(c, op, linear, size, true);
    u8* host = c->env.bus->ram_at(physical);
    if (host == nullptr) return nullptr;
    // What is watched is told of by load_for_write and store_slow.
    const WatchPoints& points = c->env.observers->points();
    if (points.any_data() &&
        (points.data_at(linear, physical, size, false) || points.data_at(linear, physical, size, true)))
        return nullptr;
    if (c->env.code->invalidate(physical, size)) leave_after(c, op);
    c->env.bus->note_write(host);
    // As of load_for_write and store_slow.
    tell_data(c, op, physical, size, false);
    tell_data(c, op, physical, size, true);
    return host;
}

namespace {

u64 first_bytes(const u8* data, unsigned size) {
    u64 value = 0;
    std::memcpy(&value, data, std::min<size_t>(size, sizeof value));
    return value;
}

// Calls part(physical, offset, length) for the pieces of [linear, linear + size) that lie within a page, all
// of them translated before the first call.
template <typename Part>
void for_pieces(Cpu* c, const Op* op, u64 linear, unsigned size, AccessKind kind, Part part) {
    check_canonical(c, op, linear, size);
    check_alignment(c, op, linear, alignment_of(size));
    const Rights rights = rights_now(c, kind);
    const u64 first = translate_with(c, op, linear, rights, true);
    if (!crosses(linear, size)) {
        note_access(c, op, linear, size, kind == AccessKind::Write);
        part(first, 0, size);
        return;
    }
    const u64 next = (linear | 0xfff) + 1;
    const unsigned head = static_cast<unsigned>(next - linear);
    const u64 second = translate_with(c, op, next, rights, true);
    ++c->accesses;
    note_access(c, op, linear, size, kind == AccessKind::Write);
    part(first, 0, head);
    part(second, head, size - head);
}

}  // namespace

void load_bytes_slow(Cpu* c, const Op* op, u64 linear, void* to, unsigned size) {
    for_pieces(c, op, linear, size, AccessKind::Read, [&](u64 physical, unsigned offset, unsigned length) {
        u8* out = static_cast<u8*>(to) + offset;
        if (const u8* host = c->env.bus->ram_at(physical)) {
            std::memcpy(out, host, length);
            tell_data(c, op, physical, length, false);
            watch_access(c, op, linear + offset, physical, length, false, first_bytes(out, length));
            return;
        }
        for (unsigned i = 0; i < length; ++i) out[i] = static_cast<u8>(read_physical(c, op, physical + i, 1));
    });
}

void store_bytes_slow(Cpu* c, const Op* op, u64 linear, const void* from, unsigned size) {
    for_pieces(c, op, linear, size, AccessKind::Write, [&](u64 physical, unsigned offset, unsigned length) {
        const u8* in = static_cast<const u8*>(from) + offset;
        if (u8* host = c->env.bus->ram_at(physical)) {
            if (c->env.code->invalidate(physical, length)) leave_after(c, op);
            c->env.bus->note_write(host);
            std::memcpy(host, in, length);
            tell_data(c, op, physical, length, true);
            watch_access(c, op, linear + offset, physical, length, true, first_bytes(in, length));
            return;
        }
        for (unsigned i = 0; i < length; ++i) write_physical(c, op, physical + i, 1, in[i]);
    });
}

u64 load_system(Cpu* c, const Op* op, u64 linear, unsigned size) {
    check_canonical(c, op, linear, size);
    ++c->accesses;
    const u64 value = read_with(c, op, linear, size, {AccessKind::Read, false, false}, false);
    note_access(c, op, linear, size, false);
    return value;
}

void store_system(Cpu* c, const Op* op, u64 linear, unsigned size, u64 value) {
    check_canonical(c, op, linear, size);
    ++c->accesses;
    write_with(c, op, linear, size, value, {AccessKind::Write, false, false}, false);
    note_access(c, op, linear, size, true);
}

u64 translate(Cpu* c, const Op* op, u64 linear, AccessKind kind) {
    check_canonical(c, op, linear, 1);
    return translate_with(c, op, linear, rights_now(c, kind), true);
}

u64 translate_fetch(Cpu* c, u64 linear) {
    if (c->long_mode() && !is_canonical(c, linear)) raise_error(c, nullptr, Vector::GP, 0);
    if ((c->cr0 & cr0::kPg) == 0) return linear & 0xffff'ffff;
    const TlbEntry* entry =
        tlb_entry(c, nullptr, Tlb::Side::Instruction, linear, {AccessKind::Fetch, c->cpl == 3, false});
    return entry->frame | (linear & ((u64{1} << entry->page_shift) - 1));
}

}  // namespace orrery
