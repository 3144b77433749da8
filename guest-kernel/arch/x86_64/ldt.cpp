#include "arch/x86_64/ldt.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tls.h"
#include "core/string.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "mm/vmalloc.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u32 kLdtEntries = 8192, kEntrySize = 8;
constexpr unsigned kLdtSlot = 10;  // two entries of the GDT

struct Loaded {
    const LdtTable* table = nullptr;
};
PerCpu<Loaded> loaded;

LdtTable* make_table(u32 count) {
    auto* table = static_cast<LdtTable*>(vmalloc(sizeof(LdtTable) + u64{count} * kEntrySize));
    if (table) table->count = count;
    return table;
}

void load_table(const LdtTable* table) {
    Loaded& here = loaded.here();
    if (!table && !here.table) return;
    here.table = table;
    u64* gdt = this_cpu().tables->gdt;
    if (table) {
        const u64 base = reinterpret_cast<u64>(table->entries), limit = u64{table->count} * kEntrySize - 1;
        gdt[kLdtSlot] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82ull << 40 |
                        (limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
        gdt[kLdtSlot + 1] = base >> 32;
    }
    asm volatile("lldt %w0" ::"r"(table ? kLdtSlot * 8 : 0));
}

/// On each CPU: if it runs a task of this address space, the new table and what its registers say of it.
void reload(void* argument) {
    const task_struct* task = current();
    if (task->mm != argument) return;
    load_ldt(*task->mm);
    refresh_segments();
}

SysResult read_table(UserBytes to, u64 size) {
    size = min<u64>(size, u64{kLdtEntries} * kEntrySize);
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    if (!mm->ldt) return 0l;
    const u64 known = min<u64>(size, u64{mm->ldt->count} * kEntrySize);
    // Not from the table itself: the copy may sleep, but the lock keeps the table.
    TRY(to.copy_out(mm->ldt->entries, known));
    if (size > known && clear_user(to.address() + known, size - known)) return Errno::EFAULT;
    return static_cast<long>(size);
}

/// The descriptor that is asked for. EINVAL: not one that a program may have here.
Result<u64> wanted_descriptor(const UserDesc& d, bool old_mode) {
    if (d.contents() == 3 && (old_mode || !d.seg_not_present())) return Errno::EINVAL;
    if ((old_mode && !d.base_addr && !d.limit) || d.is_empty()) return 0ull;
    if (!d.seg_32bit()) return Errno::EINVAL;  // 16 bits: as a Linux without CONFIG_X86_16BIT
    constexpr u64 kAvailable = 1ull << 52;
    return old_mode ? d.descriptor() & ~kAvailable : d.descriptor();
}

SysResult write_entry(UserBytes from, u64 size, bool old_mode) {
    if (size != sizeof(UserDesc)) return Errno::EINVAL;
    const UserDesc d = TRY(UserPtr<UserDesc>(from.address()).read());
    if (d.entry_number >= kLdtEntries) return Errno::EINVAL;
    const u64 descriptor = TRY(wanted_descriptor(d, old_mode));
    mm_struct* mm = current()->mm;
    LdtTable* old;
    {
        MmapGuard guard(mm);
        old = mm->ldt;
        const u32 before = old ? old->count : 0;
        LdtTable* fresh = make_table(max(before, d.entry_number + 1));
        if (!fresh) return Errno::ENOMEM;
        if (old) memcpy(fresh->entries, old->entries, u64{before} * kEntrySize);
        fresh->entries[d.entry_number] = descriptor;
        __atomic_store_n(&mm->ldt, fresh, __ATOMIC_RELEASE);
        call_on(online_mask(), reload, mm);
        const IrqsOff off;
        reload(mm);
    }
    vfree(old);
    return 0l;
}

}  // namespace

void load_ldt(const mm_struct& mm) {
    load_table(__atomic_load_n(&mm.ldt, __ATOMIC_ACQUIRE));
}

u64 ldt_descriptor(unsigned index) {
    const LdtTable* table = loaded.here().table;
    return table && index < table->count ? table->entries[index] : 0;
}

Result<void> copy_ldt(mm_struct& to, const mm_struct& from) {
    if (!from.ldt) return {};
    to.ldt = make_table(from.ldt->count);
    if (!to.ldt) return Errno::ENOMEM;
    memcpy(to.ldt->entries, from.ldt->entries, u64{from.ldt->count} * kEntrySize);
    return {};
}

void free_ldt(mm_struct& mm) {
    vfree(mm.ldt);
    mm.ldt = nullptr;
}

SysResult sys_modify_ldt(int function, UserBytes pointer, u64 size) {
    constexpr int kRead = 0, kWriteOld = 1, kReadDefault = 2, kWrite = 0x11;
    constexpr u64 kDefaultSize = 128;
    const auto answer = [&]() -> SysResult {
        switch (function) {
            case kRead:
                return read_table(pointer, size);
            case kReadDefault:
                size = min(size, kDefaultSize);
                return clear_user(pointer.address(), size) ? SysResult(Errno::EFAULT)
                                                           : SysResult(static_cast<long>(size));
            case kWriteOld:
            case kWrite:
                return write_entry(pointer, size, function == kWriteOld);
            default:
                return Errno::ENOSYS;
        }
    };
    // The result is an unsigned int in Linux: a 64-bit program sees an error as a large number.
    const SysResult result = answer();
    return result.ok() ? result.value()
                       : static_cast<long>(static_cast<u32>(-static_cast<i32>(result.error())));
}
