// The first allocator (mm/memblock.h): RAM ranges of the boot loader, less a sorted list of reservations.
//
// Guarantees: as in the header. Linear searches: there are a few dozen ranges at most.
#include "mm/memblock.h"

#include "arch/x86_64/boot_info.h"
#include "core/panic.h"
#include "core/string.h"
#include "mm/page.h"

namespace {

struct Range {
    u64 start, end;
};
constexpr size_t kMaxReserved = 64;
Range reserved[kMaxReserved];
size_t reserved_count = 0;
constexpr u64 k4GiB = 1ull << 32;
constexpr u32 kTypeRam = 1;

/// Calls visit(start, end) for each piece of [start, end) outside every reservation.
template <class F>
void for_each_unreserved(u64 start, u64 end, F visit) {
    for (size_t i = 0; i < reserved_count && start < end; i++) {
        if (reserved[i].end <= start) continue;
        if (reserved[i].start >= end) break;
        if (reserved[i].start > start) visit(start, reserved[i].start);
        start = max(start, reserved[i].end);
    }
    if (start < end) visit(start, end);
}

template <class F>
void for_each_ram(F visit) {
    for (u32 i = 0; i < boot_info.memory_count; i++) {
        const MemoryRange& r = boot_info.memory[i];
        const u64 start = align_up(r.start, kPageSize), end = align_down(r.start + r.size, kPageSize);
        if (r.type == kTypeRam && start < end) visit(start, end);
    }
}

}  // namespace

void memblock_reserve(u64 start, u64 size) {
    if (size == 0) return;
    const u64 end = align_up(start + size, kPageSize);
    start = align_down(start, kPageSize);
    if (reserved_count == kMaxReserved) panic("memblock: too many reservations");
    size_t i = reserved_count++;
    for (; i > 0 && reserved[i - 1].start > start; i--) reserved[i] = reserved[i - 1];
    reserved[i] = {start, end};
}

void memblock_init() {
    memblock_reserve(0, 0x100000);  // real-mode vectors, EBDA, option ROMs
}

u64 memblock_alloc(u64 size, u64 alignment, bool zeroed) {
    size = align_up(size, kPageSize);
    u64 best = 0;
    for_each_ram([&](u64 ram_start, u64 ram_end) {
        for_each_unreserved(ram_start, min(ram_end, k4GiB), [&](u64 start, u64 end) {
            if (end < size) return;
            const u64 candidate = align_down(end - size, alignment);
            if (candidate >= start && candidate > best) best = candidate;
        });
    });
    if (best == 0) panic("memblock: no room for %lu KiB: this machine has too little memory", size / 1024);
    memblock_reserve(best, size);
    if (zeroed) memset(phys_to_virt(best), 0, size);
    return best;
}

u64 memblock_end_of_ram() {
    u64 end_of_ram = 0;
    for_each_ram([&](u64, u64 end) { end_of_ram = max(end_of_ram, end); });
    return end_of_ram;
}

void memblock_for_each_ram(void (*visit)(u64, u64)) {
    for_each_ram(visit);
}

void memblock_for_each_free(void (*visit)(u64, u64)) {
    for_each_ram([&](u64 ram_start, u64 ram_end) { for_each_unreserved(ram_start, ram_end, visit); });
}
