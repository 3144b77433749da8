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

bool key_refuses(const PagingContext& context, bool user_page, AccessKind access, bool user,
                 u8 protection_key) {
    if ((context.cr4 & cr4::kPke) == 0 || (context.efer & efer::kLma) == 0) return false;
    if (!user_page || access == AccessKind::Fetch) return false;
    const u32 rights = context.pkru >> (2 * protection_key);
    const bool access_disabled = (rights & 1) != 0, write_disabled = (rights & 2) != 0;
    const bool obeys_wd = user || (context.cr0 & cr0::kWp) != 0;
    return access_disabled || (write_disabled && access == AccessKind::Write && obeys_wd);
}

bool access_allowed(const PagingContext& context, bool writable, bool user_page, bool executable,
                    AccessKind access, bool user, bool ac, u8 protection_key) {
    if (key_refuses(context, user_page, access, user, protection_key)) return false;
    if (access == AccessKind::Fetch) {
        if (!executable) return false;
        if (user) return user_page;
        return !(user_page && (context.cr4 & cr4::kSmep) != 0);
    }
    if (user) return user_page && (access != AccessKind::Write || writable);
    if (user_page && (context.cr4 & cr4::kSmap) != 0 && !ac) return false;
    return access != AccessKind::Write || writable || (context.cr0 & cr0::kWp) == 0;
}

namespace {

// Reserved bits of an entry that is present (SDM vol. 3A, tables 4-14 to 4-19).
u64 reserved_bits(const PagingContext& context, unsigned levels, unsigned level, bool large) {
    if (levels == 2)
        return large ? u64{1} << 21 : 0;  // PSE-36 is not part of the profile: bits 20-13 hold 39-32
    u64 reserved = 0x000f'ffff'ffff'ffff & ~((u64{1} << kPhysicalBits) - 1);
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
        result.ok = result.writable = result.user = result.executable = result.dirty = true;
        result.physical = linear & 0xffff'ffff;
        return result;
    }
    const bool nx_reported = (context.efer & efer::kNxe) != 0 || (context.cr4 & cr4::kSmep) != 0;
    const u32 base_code =
        (access == AccessKind::Write ? pf::kWrite : 0) | (user ? pf::kUser : 0) |
        (access == AccessKind::Fetch && nx_reported && levels != 2 ? pf::kFetch : 0) |
        (access == AccessKind::Fetch && levels == 2 && (context.cr4 & cr4::kSmep) != 0 ? pf::kFetch : 0);
    auto fault = [&](u32 code, unsigned level) {
        result.error_code = base_code | code;
        result.fault_level = level;
        return result;
    };

    const unsigned entry_size = levels == 2 ? 4 : 8;
    const unsigned index_bits = levels == 2 ? 10 : 9;
    u64 table = levels == 2   ? context.cr3 & 0xffff'f000
                : levels == 3 ? context.cr3 & 0xffff'ffe0
                              : context.cr3 & pte::kAddress;
    bool writable = true, user_page = true, executable = true;
    for (unsigned level = levels;; --level) {
        const unsigned shift = 12 + index_bits * (level - 1);
        const u64 index_mask = levels == 3 && level == 3 ? 3 : (u64{1} << index_bits) - 1;
        const u64 address = table + ((linear >> shift) & index_mask) * entry_size;
        const u64 entry = bus.read(address, entry_size);
        result.steps[result.step_count++] = {level, address, entry};
        if ((entry & pte::kPresent) == 0) return fault(0, level);

        const bool pse = levels != 2 || (context.cr4 & cr4::kPse) != 0;
        const bool large =
            (entry & pte::kPageSize) != 0 && pse && (level == 2 || (level == 3 && levels >= 4));
        if ((entry & reserved_bits(context, levels, level, large)) != 0)
            return fault(pf::kPresent | pf::kReserved, level);
        // PAE's top-level entries carry no rights (and no accessed bit).
        const bool rights = !(levels == 3 && level == 3);
        if (rights) {
            writable = writable && (entry & pte::kWritable) != 0;
            user_page = user_page && (entry & pte::kUser) != 0;
            if (levels != 2) executable = executable && (entry & pte::kNoExecute) == 0;
        }
        const bool leaf = level == 1 || large;
        const u8 protection_key = leaf && levels >= 4 ? entry >> 59 & 0xf : 0;
        if (leaf &&
            !access_allowed(context, writable, user_page, executable, access, user, ac, protection_key))
            return fault(
                pf::kPresent |
                    (key_refuses(context, user_page, access, user, protection_key) ? pf::kProtectionKey : 0),
                level);
        if (mode == WalkMode::Architectural && rights) {
            const u64 wanted =
                entry | pte::kAccessed | (leaf && access == AccessKind::Write ? pte::kDirty : 0);
            if (wanted != entry) bus.write(address, entry_size, wanted);
        }
        if (!leaf) {
            table = levels == 2 ? entry & 0xffff'f000 : entry & pte::kAddress;
            continue;
        }
        const u64 offset_mask = (u64{1} << shift) - 1;
        u64 frame = entry & pte::kAddress & ~offset_mask;
        if (levels == 2)
            frame = (entry & 0xffff'f000 & ~offset_mask) | (large ? (entry & 0x1fe000) << 19 : 0);
        result.ok = true;
        result.physical = frame | (linear & offset_mask);
        result.page_shift = static_cast<u8>(shift);
        result.protection_key = protection_key;
        result.writable = writable;
        result.user = user_page;
        result.executable = executable;
        result.global = (entry & pte::kGlobal) != 0 && (context.cr4 & cr4::kPge) != 0;
        result.dirty = (entry & pte::kDirty) != 0 || access == AccessKind::Write;
        return result;
    }
}

}  // namespace orrery
