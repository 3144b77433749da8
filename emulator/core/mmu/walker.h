// The page-table walker: the only one. The CPU calls it in architectural mode (accessed and dirty bits are
// set), the debugger, gdb and the command line in peek mode (nothing changes). Intel SDM vol. 3A, chapter 4.
#pragma once

#include "emulator/core/bus/bus.h"
#include "emulator/isa/features.h"
#include "emulator/isa/types.h"

namespace orrery {

// The control-register state that a walk depends on.
struct PagingContext {
    u64 cr0 = 0;
    u64 cr3 = 0;
    u64 cr4 = 0;
    u64 efer = 0;
    u32 pkru = 0;                      // counts where CR4.PKE is set
    u8 physical_bits = kPhysicalBits;  // MAXPHYADDR
    bool paging() const;
    // Levels of the page-table tree: 0 (no paging), 2, 3 (PAE), 4 or 5.
    unsigned levels() const;
};

enum class AccessKind : u8 { Read, Write, Fetch };
enum class WalkMode : u8 { Architectural, Peek };

// Bits of a page fault's error code (SDM vol. 3A, 4.7).
namespace pf {
inline constexpr u32 kPresent = 1, kWrite = 2, kUser = 4, kReserved = 8, kFetch = 16, kProtectionKey = 32;
}

// Bits of a paging-structure entry.
namespace pte {
inline constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kWriteThrough = 8, kCacheDisable = 16,
                     kAccessed = 32, kDirty = 64, kPageSize = 128, kGlobal = 256, kNoExecute = u64{1} << 63;
inline constexpr u64 kAddress = 0x000f'ffff'ffff'f000;
inline constexpr u64 kKey = u64{0xf} << 59;
}  // namespace pte

// One entry that a walk read.
struct WalkStep {
    unsigned level = 0;     // 5 (PML5) … 1 (page table)
    u64 entry_address = 0;  // physical
    u64 entry = 0;          // as read
    bool leaf = false;      // present, and maps a page
    u64 points_to = 0;      // physical address of the page or of the next table, where present
};

// The rule that refuses an access (SDM vol. 3A, 4.6 and 4.7).
enum class Refusal : u8 {
    None,
    NotCanonical,  // no walk is made: #GP or #SS (vol. 1, 3.3.7.1)
    NotPresent,    // P is clear
    ReservedBit,
    KeyAccess,   // PKRU.AD of the page's protection key
    KeyWrite,    // PKRU.WD of it
    Supervisor,  // U/S is clear, and the access is a user's
    ReadOnly,    // R/W is clear, and the access is a user's or CR0.WP is set
    NoExecute,   // XD is set
    Smep,        // a supervisor's fetch from a user page
    Smap,        // a supervisor's data access to a user page, with EFLAGS.AC clear
};

// Why an address may not be used.
struct WhyNot {
    Refusal rule = Refusal::None;
    unsigned level =
        0;  // of the entry that decides: the highest that has the bit so; the leaf's for SMEP, SMAP, keys
    u64 bits = 0;       // of that entry that the rule looks at: those reserved ones that are set, or one bit
    u8 key = 0;         // the protection key
    bool user = false;  // the access was made at CPL 3
};

// Rights over a page, combined over all levels of its tables; a TLB entry keeps them.
struct PageRights {
    bool writable = false;
    bool user = false;
    bool executable = false;
    u8 protection_key = 0;
};

struct WalkResult {
    bool ok = false;
    WhyNot why_not;      // where not ok
    u64 physical = 0;    // of the linear address itself
    u8 page_shift = 12;  // 12, 21, 22 or 30
    PageRights rights;
    bool global = false;
    bool dirty = false;
    u32 error_code = 0;  // of the #PF, where not ok
    unsigned step_count = 0;
    WalkStep steps[5];

    // The last entry read: the page's where ok, else the one at which the walk ended.
    const WalkStep& last() const { return steps[step_count - 1]; }
};

// Walks the tables for `linear`, which must be canonical. `user`: the access is made at CPL 3; `ac`:
// EFLAGS.AC as SMAP sees it (an implicit supervisor access passes false). Faults are reported, not raised. In
// architectural mode A bits are set on the way, and D on a write, only where the access is allowed.
WalkResult walk(Bus& bus, const PagingContext& context, u64 linear, AccessKind access, bool user, bool ac,
                WalkMode mode);

// The rule by which these rights refuse an access, as walk's last step applies them. Where several do, the one that
// comes first in Refusal (a protection key's shows in the error code whatever else is wrong).
Refusal refusal(const PagingContext& context, const PageRights& rights, AccessKind access, bool user,
                bool ac);

// Whether the bits of `linear` above the lowest `width` all equal the highest of these (SDM vol. 1, 3.3.7.1).
inline bool is_sign_extended(u64 linear, unsigned width) {
    const unsigned unused = 64 - width;
    return static_cast<u64>(static_cast<i64>(linear << unused) >> unused) == linear;
}

// How many bits of a linear address the tables translate: 57, 48, or 32 (with fewer than 4 levels, or none).
unsigned linear_width(unsigned levels);

// Bits of a linear address that choose an entry at one level of the tables (SDM vol. 3A, 4.3 to 4.5).
struct TableIndex {
    unsigned shift = 0;
    unsigned width = 0;
    u64 of(u64 linear) const { return linear >> shift & ((u64{1} << width) - 1); }
};
TableIndex table_index(unsigned levels, unsigned level);

}  // namespace orrery
