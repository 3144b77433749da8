// Guest memory as instructions see it. Fast: one compare in a direct-mapped table. Everything else (TLB
// misses, page crossings, devices, watched pages, faults) is in memory.cpp. A fault does not return: it
// unwinds to the run loop, so a handler must have changed no architectural state before its last access that
// can fault.
//
// Handlers keep no object with a destructor across an access: unwinding is by longjmp.
#pragma once

#include <cstring>

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Raises an exception of the instruction `op`; does not return. RIP stays at the instruction.
[[noreturn]] void raise(Cpu* c, const Op* op, Vector vector);
[[noreturn]] void raise_error(Cpu* c, const Op* op, Vector vector, u32 error_code);
[[noreturn]] void raise_page_fault(Cpu* c, const Op* op, u64 address, u32 error_code);

// Halts before `op`: an interrupt resumes it at that instruction. Does not return.
[[noreturn]] void halt_at(Cpu* c, const Op* op);

// Slow paths. Sizes 1, 2, 4, 8.
u64 load_slow(Cpu* c, const Op* op, u64 linear, unsigned size);
void store_slow(Cpu* c, const Op* op, u64 linear, unsigned size, u64 value);
// Checks that `size` bytes can be written, as a read-modify-write does before it reads. The host address if
// they are plain memory within a page, else null: then load_for_write and store_slow do it.
u8* rmw_slow(Cpu* c, const Op* op, u64 linear, unsigned size);
// The check alone, for an instruction that may raise something else before it writes.
void check_writable(Cpu* c, const Op* op, u64 linear, unsigned size);
u64 load_for_write(Cpu* c, const Op* op, u64 linear, unsigned size);
// Any size up to 4096, for what is wider than a register (SSE, FXSAVE, x87). Both check every byte first: a
// store that faults writes nothing. Each counts as one TLB look-up per page.
void load_bytes_slow(Cpu* c, const Op* op, u64 linear, void* to, unsigned size);
void store_bytes_slow(Cpu* c, const Op* op, u64 linear, const void* from, unsigned size);

// Accesses the CPU makes as supervisor whatever the CPL (descriptor tables, TSS, exception frames). `op` may
// be null outside an instruction.
u64 load_system(Cpu* c, const Op* op, u64 linear, unsigned size);
void store_system(Cpu* c, const Op* op, u64 linear, unsigned size, u64 value);

// Translates for an access that is not made (yet): INVLPG-like checks, string fast paths. Raises as the
// access would.
u64 translate(Cpu* c, const Op* op, u64 linear, AccessKind kind);

// Linear addresses are 48 bits wide, 57 with CR4.LA57 (SDM vol. 1, 3.3.7.1).
inline bool is_canonical(const Cpu* c, u64 linear) {
    return is_sign_extended(linear, (c->cr4 & cr4::kLa57) != 0 ? 57 : 48);
}

// Bases of segments and tables, and the MSRs that hold addresses: by what the CPU has, whatever CR4 says.
inline bool is_canonical_base(const Cpu* c, u64 linear) {
    return is_sign_extended(linear, c->features.has(Feature::La57) ? 57 : 48);
}

inline const FastEntry& fast_entry(const Cpu* c, u64 linear) {
    return c->fast[(linear >> 12) % kFastEntries];
}

template <typename T>
inline T load(Cpu* c, const Op* op, u64 linear) {
    const FastEntry& entry = fast_entry(c, linear);
    // An access that crosses into the next page has that page's address here, and never matches.
    if (__builtin_expect(entry.read_tag == ((linear + sizeof(T) - 1) & ~u64{0xfff}), 1)) {
        T value;
        std::memcpy(&value, reinterpret_cast<const void*>(linear + entry.addend), sizeof value);
        return value;
    }
    return static_cast<T>(load_slow(c, op, linear, sizeof(T)));
}

template <typename T>
inline void store(Cpu* c, const Op* op, u64 linear, T value) {
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.write_tag == ((linear + sizeof(T) - 1) & ~u64{0xfff}), 1)) {
        std::memcpy(reinterpret_cast<void*>(linear + entry.addend), &value, sizeof value);
        return;
    }
    store_slow(c, op, linear, sizeof(T), static_cast<u64>(value));
}

// Reads, computes, writes: one TLB look-up, as on hardware. `compute` must not fault.
template <typename T, typename Compute>
inline void modify(Cpu* c, const Op* op, u64 linear, Compute compute) {
    const FastEntry& entry = fast_entry(c, linear);
    u8* host = reinterpret_cast<u8*>(linear + entry.addend);
    if (__builtin_expect(entry.write_tag != ((linear + sizeof(T) - 1) & ~u64{0xfff}), 0)) {
        host = rmw_slow(c, op, linear, sizeof(T));
        if (host == nullptr) {
            const T value = static_cast<T>(load_for_write(c, op, linear, sizeof(T)));
            store_slow(c, op, linear, sizeof(T), compute(value));
            return;
        }
    }
    T value;
    std::memcpy(&value, host, sizeof value);
    value = compute(value);
    std::memcpy(host, &value, sizeof value);
}

// Whether a load or store takes the fast path. Hot handlers ask first, and hand a miss over to a second
// instance of themselves in tail position: so the first makes no calls and needs no stack frame.
template <typename T>
inline bool readable(const Cpu* c, u64 linear) {
    return __builtin_expect(fast_entry(c, linear).read_tag == ((linear + sizeof(T) - 1) & ~u64{0xfff}), 1);
}
template <typename T>
inline bool writable(const Cpu* c, u64 linear) {
    return __builtin_expect(fast_entry(c, linear).write_tag == ((linear + sizeof(T) - 1) & ~u64{0xfff}), 1);
}
#define ORRERY_UNLESS_READABLE(T, linear, slow_instance)          \
    if constexpr (!slow) {                                        \
        if (!readable<T>(c, linear)) return slow_instance(c, op); \
    }
#define ORRERY_UNLESS_WRITABLE(T, linear, slow_instance)          \
    if constexpr (!slow) {                                        \
        if (!writable<T>(c, linear)) return slow_instance(c, op); \
    }

template <typename T, bool slow>
inline T load_or_fast(Cpu* c, const Op* op, u64 linear) {
    if constexpr (slow) return load<T>(c, op, linear);
    T value;
    std::memcpy(&value, reinterpret_cast<const void*>(linear + fast_entry(c, linear).addend), sizeof value);
    return value;
}
template <typename T, bool slow>
inline void store_or_fast(Cpu* c, const Op* op, u64 linear, T value) {
    if constexpr (slow) {
        store<T>(c, op, linear, value);
    } else {
        std::memcpy(reinterpret_cast<void*>(linear + fast_entry(c, linear).addend), &value, sizeof value);
    }
}
template <typename T, bool slow, typename Compute>
inline void modify_or_fast(Cpu* c, const Op* op, u64 linear, Compute compute) {
    if constexpr (slow) {
        modify<T>(c, op, linear, compute);
    } else {
        void* host = reinterpret_cast<void*>(linear + fast_entry(c, linear).addend);
        T value;
        std::memcpy(&value, host, sizeof value);
        value = compute(value);
        std::memcpy(host, &value, sizeof value);
    }
}

inline void load_bytes(Cpu* c, const Op* op, u64 linear, void* to, unsigned size) {
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.read_tag == ((linear + size - 1) & ~u64{0xfff}), 1)) {
        std::memcpy(to, reinterpret_cast<const void*>(linear + entry.addend), size);
        return;
    }
    load_bytes_slow(c, op, linear, to, size);
}
inline void store_bytes(Cpu* c, const Op* op, u64 linear, const void* from, unsigned size) {
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.write_tag == ((linear + size - 1) & ~u64{0xfff}), 1)) {
        std::memcpy(reinterpret_cast<void*>(linear + entry.addend), from, size);
        return;
    }
    store_bytes_slow(c, op, linear, from, size);
}

// General registers by byte offset (op.h).
template <typename T>
inline T reg(const Cpu* c, u8 slot) {
    T value;
    std::memcpy(&value, reinterpret_cast<const u8*>(static_cast<const CpuState*>(c)) + slot, sizeof value);
    return value;
}
// A 32-bit write clears the upper half; 8- and 16-bit writes keep the rest.
template <typename T>
inline void set_reg(Cpu* c, u8 slot, T value) {
    if constexpr (sizeof(T) == 4) {
        const u64 wide = value;
        std::memcpy(reinterpret_cast<u8*>(static_cast<CpuState*>(c)) + slot, &wide, sizeof wide);
    } else {
        std::memcpy(reinterpret_cast<u8*>(static_cast<CpuState*>(c)) + slot, &value, sizeof value);
    }
}

// Linear addresses of memory operands. Address<false>: base and displacement; Address<true>: index, scale and
// segment base too. Legacy segmentation (limits, 16- and 32-bit wrapping) is an Op of its own in front, which
// leaves the linear address in kSlotAddress.
template <bool full>
inline u64 address(const Cpu* c, const Op* op) {
    u64 value = reg<u64>(c, op->base) + static_cast<u64>(op->disp);
    if constexpr (full) value += (reg<u64>(c, op->index) << op->scale) + c->seg_base[op->segment];
    return value;
}

}  // namespace orrery
