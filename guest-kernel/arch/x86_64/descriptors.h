// Segment descriptors that programs make, and as they describe them (Intel SDM vol. 3, 3.4.5; Linux: asm/ldt.h,
// asm/desc.h).
//
// Guarantees: struct user_desc's layout; a descriptor made from one is a user's (DPL 3), never of 64-bit code.
#pragma once

#include "arch/x86_64/ldt.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "core/types.h"

/// struct user_desc.
struct UserDesc {
    u32 entry_number, base_addr, limit, flags;

    bool seg_32bit() const { return flags & 1; }
    u32 contents() const {
        return flags >> 1 & 3;
    }  // 0 data, 1 data that grows down, 2 code, 3 conforming code
    bool read_exec_only() const { return flags & 8; }
    bool limit_in_pages() const { return flags & 0x10; }
    bool seg_not_present() const { return flags & 0x20; }
    bool useable() const { return flags & 0x40; }
    /// The two ways to say "no segment".
    bool is_empty() const { return !base_addr && !limit && (flags & 0xff) == 0x28; }
    bool is_zero() const { return !base_addr && !limit && !(flags & 0xff); }

    u64 descriptor() const {
        const u64 type = u64{!read_exec_only()} << 1 | u64{contents()} << 2 | 1;
        return (limit & 0xffff) | u64{base_addr & 0xffffff} << 16 | type << 40 | u64{0x70} << 40 |
               u64{!seg_not_present()} << 47 | u64{limit >> 16 & 0xf} << 48 | u64{useable()} << 52 |
               u64{seg_32bit()} << 54 | u64{limit_in_pages()} << 55 | u64{base_addr >> 24} << 56;
    }
    static UserDesc of(u32 entry, u64 d) {
        const u32 type = d >> 40 & 0xf;
        return {entry, static_cast<u32>((d >> 16 & 0xffffff) | (d >> 56) << 24),
                static_cast<u32>((d & 0xffff) | (d >> 48 & 0xf) << 16),
                static_cast<u32>((d >> 54 & 1) | (type >> 2) << 1 | (type & 2 ? 0 : 8) | (d >> 55 & 1) << 4 |
                                 (d >> 47 & 1 ? 0 : 0x20) | (d >> 52 & 1) << 6 | (d >> 53 & 1) << 7)};
    }
};
static_assert(sizeof(UserDesc) == 16);

/// What `selector` names on this CPU; 0: nothing.
inline u64 descriptor_of(u16 selector) {
    constexpr u16 kLocal = 4;
    const CpuTables& tables = *this_cpu().tables;
    const unsigned index = selector >> 3;
    if (selector & kLocal) return ldt_descriptor(index);
    return index < sizeof(tables.gdt) / sizeof(tables.gdt[0]) ? tables.gdt[index] : 0;
}
/// Whether a program may have this segment in DS, ES, FS or GS: present, its own, readable.
constexpr bool is_user_data(u64 d) {
    const unsigned type = d >> 40 & 0xf;
    const bool code = type & 8, readable = type & 2;
    return (d >> 47 & 1) && (d >> 45 & 3) == 3 && (d >> 44 & 1) && (!code || readable);
}
