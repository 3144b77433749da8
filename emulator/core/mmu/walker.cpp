#include "emulator/core/mmu/walker.h"

#include "emulator/isa/control_bits.h"

namespace orrery {

bool PagingContext::paging() const {
    return (cr0 & cr0::kPg) != 0;
}

unsigned PagingContext::levels() const {
    if (!paging()) return 0;
    if ((cr4 & cr4::kPae) == 0) return 2;
    if ((efer & efer::kLma) == 0) return 3;
    return (cr4 & cr4::kLa57) != 0 ? 5 : 4;
}

namespace {

// SDM vol. 3A, 4.6.2.
Refusal key_refusal(const PagingContext& context, const PageRights& rights, AccessKind access, bool user) {
    if ((context.cr4 & cr4::kPke) == 0 || (context.efer & efer::kLma) == 0) return Refusal::None;
    if (!rights.user || access == AccessKind::Fetch) return Refusal::None;
    const u32 key = context.pkru >> (2 * rights.protection_key);
    const bool access_disabled = (key & 1) != 0, write_disabled = (key & 2) != 0;
    if (access_disabled) return Refusal::KeyAccess;
    const bool obeys = user || (context.cr0 & cr0::kWp) != 0;
    return write_disabled && access == AccessKind::Write && obeys ? Refusal::KeyWrite : Refusal::None;
}

}  // namespace

Refusal refusal(const PagingContext& context, const PageRights& rights, AccessKind access, bool user,
                bool ac) {
    if (const Refusal key = key_refusal(context, rights, access, user); key != Refusal::None) return key;
    if (user && !rights.user) return Refusal::Supervisor;
    if (access == AccessKind::Write && !rights.writable && (user || (context.cr0 & cr0::kWp) != 0))
        return Refusal::ReadOnly;
    if (access == AccessKind::Fetch && !rights.executable) return Refusal::NoExecute;
    if (user || !rights.user) return Refusal::None;
    if (access == AccessKind::Fetch) return (context.cr4 & cr4::kSmep) != 0 ? Refusal::Smep : Refusal::None;
    return (context.cr4 & cr4::kSmap) != 0 && !ac ? Refusal::Smap : Refusal::None;
}

unsigned linear_width(unsigned levels) {
    return levels == 5 ? 57 : levels == 4 ? 48 : 32;
}

TableIndex table_index(unsigned levels, unsigned level) {
    const unsigned bits = levels == 2 ? 10 : 9;
    return {12 + bits * (level - 1), levels == 3 && level == 3 ? 2 : bits};
}

namespace {

// Reserved bits of an entry that is present (SDM vol. 3A, tables 4-14 to 4-19).
u64 reserved_bits(const PagingContext& context, unsigned levels, unsigned level, bool large) {
    if (levels == 2)
        return large ? u64{1} << 21 : 0;  // PSE-36 is not part of the profile: bits 20-13 hold 39-32
    u64 reserved = 0x000f'ffff'ffff'ffff & ~((u64{1} << context.physical_bits) - 1);
    if ((context.efer & efer::kNxe) == 0) reserved |= pte::kNoExecute;
    if (levels == 3) reserved |= 0x7ff0'0000'0000'0000;
    if (levels == 3 && level == 3) return reserved | 0x1e6 | pte::kNoExecute;
    if (level >= 4) return reserved | pte::kPageSize;
    if (large) reserved |= level == 3 ? 0x3fff'e000 : 0x001f'e000;
    return reserved;
}

}  // namespace

WalkResult walk(Bus& bus, const PagingContext& context, u64 linear, AccessKind access, bool user, bool ac,
                WalkMode mode) {
    WalkResult result;
    const unsigned levels = context.levels();
    if (levels == 0) {
        result.ok = result.dirty = true;
        result.rights = {.writable = true, .user = true, .executable = true};
        result.physical = linear & 0xffff'ffff;
        return result;
    }
    const bool nx_reported = (context.efer & efer::kNxe) != 0 || (context.cr4 & cr4::kSmep) != 0;
    const u32 base_code =
        (access == AccessKind::Write ? pf::kWrite : 0) | (user ? pf::kUser : 0) |
        (access == AccessKind::Fetch && nx_reported && levels != 2 ? pf::kFetch : 0) |
        (access == AccessKind::Fetch && levels == 2 && (context.cr4 & cr4::kSmep) != 0 ? pf::kFetch : 0);
    auto refuse = [&](Refusal rule, unsigned level, u64 bits, u32 code) {
        result.error_code = base_code | code;
        result.why_not = {rule, level, bits, result.rights.protection_key, user};
        return result;
    };

    const unsigned entry_size = levels == 2 ? 4 : 8;
    u64 table = levels == 2   ? context.cr3 & 0xffff'f000
                : levels == 3 ? context.cr3 & 0xffff'ffe0
                              : context.cr3 & pte::kAddress;
    PageRights& rights = result.rights;
    rights = {.writable = true, .user = true, .executable = true};
    // The highest level at which each right was lost.
    unsigned read_only_at = 0, supervisor_at = 0, no_execute_at = 0;
    auto lose = [](bool& right, bool kept, unsigned& at, unsigned level) {
        if (right && !kept) at = level;
        right = right && kept;
    };
    for (unsigned level = levels;; --level) {
        const TableIndex index = table_index(levels, level);
        const u64 address = table + index.of(linear) * entry_size;
        const u64 entry = bus.read(address, entry_size);
        WalkStep& step = result.steps[result.step_count++];
        step = {level, address, entry};
        if ((entry & pte::kPresent) == 0) return refuse(Refusal::NotPresent, level, pte::kPresent, 0);

        const bool pse = levels != 2 || (context.cr4 & cr4::kPse) != 0;
        const bool large =
            (entry & pte::kPageSize) != 0 && pse && (level == 2 || (level == 3 && levels >= 4));
        const bool leaf = level == 1 || large;
        const u64 offset_mask = (u64{1} << index.shift) - 1;
        step.leaf = leaf;
        step.points_to = levels == 2 ? entry & 0xffff'f000 : entry & pte::kAddress;
        if (leaf) step.points_to &= ~offset_mask;
        if (levels == 2 && large) step.points_to |= (entry & 0x1fe000) << 19;
        if (const u64 reserved = entry & reserved_bits(context, levels, level, large); reserved != 0)
            return refuse(Refusal::ReservedBit, level, reserved, pf::kPresent | pf::kReserved);
        // PAE's top-level entries carry no rights (and no accessed bit).
        const bool has_rights = !(levels == 3 && level == 3);
        if (has_rights) {
            lose(rights.writable, (entry & pte::kWritable) != 0, read_only_at, level);
            lose(rights.user, (entry & pte::kUser) != 0, supervisor_at, level);
            if (levels != 2) lose(rights.executable, (entry & pte::kNoExecute) == 0, no_execute_at, level);
        }
        if (leaf) {
            if (levels >= 4) rights.protection_key = entry >> 59 & 0xf;
            switch (const Refusal rule = refusal(context, rights, access, user, ac)) {
                case Refusal::None:
                    break;
                case Refusal::KeyAccess:
                case Refusal::KeyWrite:
                    return refuse(rule, level, pte::kKey, pf::kPresent | pf::kProtectionKey);
                case Refusal::Supervisor:
                    return refuse(rule, supervisor_at, pte::kUser, pf::kPresent);
                case Refusal::ReadOnly:
                    return refuse(rule, read_only_at, pte::kWritable, pf::kPresent);
                case Refusal::NoExecute:
                    return refuse(rule, no_execute_at, pte::kNoExecute, pf::kPresent);
                default:
                    return refuse(rule, level, pte::kUser, pf::kPresent);
            }
        }
        if (mode == WalkMode::Architectural && has_rights) {
            const u64 wanted =
                entry | pte::kAccessed | (leaf && access == AccessKind::Write ? pte::kDirty : 0);
            if (wanted != entry) bus.write(address, entry_size, wanted);
        }
        if (!leaf) {
            table = step.points_to;
            continue;
        }
        result.ok = true;
        result.physical = step.points_to | (linear & offset_mask);
        result.page_shift = static_cast<u8>(index.shift);
        result.global = (entry & pte::kGlobal) != 0 && (context.cr4 & cr4::kPge) != 0;
        result.dirty = (entry & pte::kDirty) != 0 || access == AccessKind::Write;
        return result;
    }
}

}  // namespace orrery
