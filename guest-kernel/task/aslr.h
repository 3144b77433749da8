// Where a new program's parts lie: at random, unless personality(2) or /proc/sys/kernel/randomize_va_space says no
// (Linux: arch/x86/mm/mmap.c). The random numbers are the machine's, so that a run repeats.
#pragma once

#include "core/random.h"
#include "mm/page.h"
#include "task/task.h"

constexpr u32 kReadImpliesExec = 0x0400000, kAddrNoRandomize = 0x0040000, kAddrCompatLayout = 0x0200000,
              kMmapPageZero = 0x0100000;  // of personality(2)
constexpr u32 kPersonalityDomain = 0xff, kPersonalityLinux32 = 0x08;
constexpr u32 kAddressLimit3Gb = 0x8000000;
/// What a set-user-ID program does not inherit.
constexpr u32 kPersonalityUnsafe = kReadImpliesExec | kAddrNoRandomize | kAddrCompatLayout | kMmapPageZero;

/// /proc/sys/kernel/randomize_va_space: 0 nothing, 1 all but the heap, 2 all.
extern u32 randomize_va_space;

constexpr u64 kStackRandom = 0x3fffffull << kPageShift, kIa32StackRandom = 0x7ffull << kPageShift;

inline bool randomizes() {
    return __atomic_load_n(&randomize_va_space, __ATOMIC_RELAXED) != 0 &&
           !(current()->personality & kAddrNoRandomize);
}
inline u64 random_below(u64 limit) {
    u64 value;
    get_random_bytes(&value, sizeof(value));
    return value % limit;
}
/// What mmap_base goes down by, and a position-independent program up: 28 bits of pages, of which a 32-bit program takes
/// eight.
constexpr u64 kIa32MmapRandom = 0xffull << kPageShift;
inline u64 mmap_random() {
    return randomizes() ? random_below(1ull << 28) << kPageShift : 0;
}
/// What the stack's top goes down by.
inline u64 stack_top_random(bool ia32 = false) {
    const u64 most = ia32 ? kIa32StackRandom : kStackRandom;
    return randomizes() ? random_below((most >> kPageShift) + 1) << kPageShift : 0;
}
/// What the first stack pointer goes down by besides.
inline u64 stack_shift() {
    return randomizes() ? random_below(8192) & ~15ull : 0;
}
/// What the heap's start goes up by.
inline u64 brk_random() {
    return randomizes() && randomize_va_space > 1 ? random_below(0x02000000 >> kPageShift) << kPageShift : 0;
}
