// The page-table walker: the only one. The CPU calls it in architectural mode (accessed and dirty bits are
// set), the debugger, gdb and the command line in peek mode (nothing changes). Intel SDM vol. 3A, chapter 4.
#pragma once

#include "emulator/core/bus/bus.h"
#include "emulator/isa/types.h"

namespace orrery {

// The control-register state that a walk depends on.
struct PagingContext {
    u64 cr0 = 0;
    u64 cr3 = 0;
    u64 cr4 = 0;
    u64 efer = 0;
    u32 pkru = 0;  // counts where CR4.PKE is set
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
}  // namespace pte

// One entry that a walk read.
struct WalkStep {
    unsigned level = 0;     // 5 (PML5) … 1 (page table)
    u64 entry_address = 0;  // physical
    u64 entry = 0;          // as read
};

struct WalkResult {
    bool ok = false;
    u64 physical = 0;       // of the linear address itself
    u8 page_shift = 12;     // 12, 21, 22 or 30
    bool writable = false;  // combined over all levels
    bool user = false;
    bool executable = false;
    bool global = false;
    bool dirty = false;
    u8 protection_key = 0;
    u32 error_code = 0;        // of the #PF, where not ok
    unsigned fault_level = 0;  // level whose entry made it fail
    unsigned step_count = 0;
    WalkStep steps[5];
};

inline constexpr unsigned kPhysicalBits = 40;  // MAXPHYADDR of the CPU profile

// Walks the tables for `linear`, which must be canonical. `user`: the access is made at CPL 3; `ac`:
// EFLAGS.AC as SMAP sees it (an implicit supervisor access passes false). Faults are reported, not raised. In
// architectural mode A bits are set on the way, and D on a write, only where the access is allowed.
WalkResult walk(Bus& bus, const PagingContext& context, u64 linear, AccessKind access, bool user, bool ac,
                WalkMode mode);

// Whether rights found earlier (in a TLB entry) allow an access. Same rules as walk's last step.
bool access_allowed(const PagingContext& context, bool writable, bool user_page, bool executable,
                    AccessKind access, bool user, bool ac, u8 protection_key = 0);

// SDM vol. 3A, 4.6.2: whether PKRU refuses a data access to a user-mode page of this protection key.
bool key_refuses(const PagingContext& context, bool user_page, AccessKind access, bool user,
                 u8 protection_key);

}  // namespace orrery
