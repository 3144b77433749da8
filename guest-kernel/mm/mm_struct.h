// An address space: its page tables and its areas (Linux's mm_struct and vm_area_struct).
//
// Guarantees: `vmas` is sorted by address and without overlaps; mmap_lock guards it and the user page tables.
// mm_users counts tasks, mm_count one for all of those plus lazy users (kernel threads that borrow it).
#pragma once

#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "core/list.h"
#include "core/refcount.h"
#include "core/tree.h"
#include "fs/file.h"
#include "mm/hugetlb.h"
#include "mm/memory_object.h"
#include "mm/user_ptr.h"
#include "sync/mutex.h"

struct mm_struct;
struct LdtTable;

enum VmFlags : u64 {
    VM_READ = 1,
    VM_WRITE = 2,
    VM_EXEC = 4,
    VM_SHARED = 8,
    VM_MAYREAD = 0x10,
    VM_MAYWRITE = 0x20,
    VM_MAYEXEC = 0x40,
    VM_MAYSHARE = 0x80,
    VM_GROWSDOWN = 0x100,
    VM_LOCKED = 0x2000,
    VM_DONTCOPY = 0x20000,
    VM_ACCOUNT = 0x100000,  // its memory is promised (mm/overcommit.h)
    VM_NORESERVE = 0x200000,
    VM_HUGETLB = 0x400000,
    VM_WIPEONFORK = 0x2000000,
    VM_DONTDUMP = 0x4000000,
    VM_HUGEPAGE = 0x20000000,
    VM_NOHUGEPAGE = 0x40000000,
};
constexpr u64 kVmAccess = VM_READ | VM_WRITE | VM_EXEC;
constexpr u32 kMaxMapCount = 65530;

struct vm_area_struct {
    u64 vm_start = 0;
    u64 vm_end = 0;
    u64 vm_flags = 0;
    u64 vm_pgoff = 0;  // of vm_start in the object, in pages
    mm_struct* vm_mm = nullptr;
    RefPtr<File> vm_file;                 // what /proc/PID/maps names; may be null with an object
    RefPtr<MemoryObject> vm_object;       // null: private anonymous memory
    RefPtr<HugetlbReserve> huge_reserve;  // of a private area of huge pages, for the process that made it
    MemoryObjectMapping mapping;
    ListNode node;
    TreeNode tree_node;
    u64 first_start = 0, last_end = 0, widest_gap = 0;  // of the subtree below tree_node
    vm_area_struct* next_removed = nullptr;             // in mm_struct::removed

    u64 size() const { return vm_end - vm_start; }
    u64 index_of(u64 address) const { return vm_pgoff + ((address - vm_start) >> kPageShift); }
    bool shared() const { return vm_flags & VM_SHARED; }
};

/// Areas by address; each subtree knows the widest gap between its areas.
struct AreaOrder {
    static bool less(const vm_area_struct& a, const vm_area_struct& b) { return a.vm_start < b.vm_start; }
    static void update(vm_area_struct& area, const vm_area_struct* left, const vm_area_struct* right) {
        area.first_start = left ? left->first_start : area.vm_start;
        area.last_end = right ? right->last_end : area.vm_end;
        area.widest_gap = 0;
        if (left) area.widest_gap = max(left->widest_gap, area.vm_start - left->last_end);
        if (right)
            area.widest_gap = max(area.widest_gap, max(right->widest_gap, right->first_start - area.vm_end));
    }
};

struct mm_struct {
    u64* pgd = nullptr;
    List<vm_area_struct, &vm_area_struct::node> vmas;
    Tree<vm_area_struct, &vm_area_struct::tree_node, AreaOrder> areas;  // the same, to search in
    vm_area_struct* mmap_cache = nullptr;
    u32 map_count = 0;
    u32 mm_users = 1;
    u32 mm_count = 1;
    // Bare: it guards page tables and areas as well as the fields here. Take it by MmapGuard where areas may go.
    Mutex mmap_lock{LockRank::kMm};
    // Entries of the last levels: who changes a file's mappings comes without mmap_lock (unmap_mapping_range). Bare: it
    // guards the page tables, and the counts of pages below. Interrupts stay on, so that TLBs are flushed under it.
    SpinLock page_table_lock{LockRank::kPageTable};
    vm_area_struct* removed = nullptr;  // taken out under the lock, to be freed without it

    u64 mmap_base = 0;
    u64 ia32_mmap_base = 0;     // for what a 32-bit call maps
    u64 task_size = kTaskSize;  // where its user half ends: below 4 GiB for a 32-bit program
    u64 start_code = 0, end_code = 0, start_data = 0, end_data = 0;
    u64 start_brk = 0, brk = 0, start_stack = 0;
    u64 arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
    u64 saved_auxv[48] = {};
    u64 def_flags = 0;
    RefPtr<File> exe_file;

    u64 total_vm = 0, data_vm = 0, exec_vm = 0, stack_vm = 0, locked_vm = 0;  // pages
    u64 rss_anon = 0, rss_file = 0, rss_shmem = 0;                            // pages
    u64 hugetlb_pages = 0;      // of 4 KiB, mapped by huge entries of pools
    u64 swap_entries = 0;       // in its page tables
    u64 swap_scan_address = 0;  // where reclaim looks next
    u64 hiwater_rss = 0, hiwater_vm = 0;
    u64 page_tables = 0;
    u32 membarrier_registered = 0;  // commands that register (syscall/membarrier.cpp)
    bool dumpable = true;
    bool thp_disabled = false;  // PR_SET_THP_DISABLE
    TableList deposited;        // a page table for each huge entry (mm/huge_memory.h)

    LdtTable* ldt =
        nullptr;  // modify_ldt(2); under mmap_lock, loaded by each CPU that runs it (arch/x86_64/ldt.h)
    TlbContext tlb;

    u64 rss() const { return rss_anon + rss_file + rss_shmem; }
};

/// Frees a chain of areas that are out of every list. May close files: not under mmap_lock.
void free_removed_areas(vm_area_struct* first);

/// Holds the map of an address space for a scope. Areas that leave it meanwhile are freed when the lock is free
/// again: with one may go the last reference to a file, and to close that takes locks of lower ranks.
class MmapGuard {
  public:
    explicit MmapGuard(mm_struct* mm) : mm_(mm) { mm_->mmap_lock.lock(); }
    ~MmapGuard() {
        vm_area_struct* removed = mm_->removed;
        mm_->removed = nullptr;
        mm_->mmap_lock.unlock();
        if (removed) free_removed_areas(removed);
    }
    MmapGuard(const MmapGuard&) = delete;
    MmapGuard& operator=(const MmapGuard&) = delete;

  private:
    mm_struct* mm_;
};

/// A new, empty address space, or nullptr.
mm_struct* mm_alloc();
/// The copy that fork makes (copy-on-write). ENOMEM.
Result<mm_struct*> dup_mm(mm_struct* old_mm);
inline void mmget(mm_struct* mm) {
    __atomic_add_fetch(&mm->mm_users, 1, __ATOMIC_RELAXED);
}
/// For who holds it by mmgrab: a user count, unless the last user is gone.
bool mmget_not_zero(mm_struct* mm);
void mmput(mm_struct* mm);
inline void mmgrab(mm_struct* mm) {
    __atomic_add_fetch(&mm->mm_count, 1, __ATOMIC_RELAXED);
}
void mmdrop(mm_struct* mm);
/// The task's address space with a user count for the caller (mmput), or nullptr.
mm_struct* get_task_mm(task_struct* task);
/// Load `next` on this CPU.
inline void switch_mm(mm_struct* next) {
    tlb_load(next->tlb, next->pgd);
}

/// The first area that ends above `address`, or nullptr. Under mmap_lock.
vm_area_struct* find_vma(mm_struct* mm, u64 address);
template <class F>
void for_each_vma(mm_struct* mm, F visit) {
    for (vm_area_struct& vma : mm->vmas) visit(vma);
}
/// The bits that an entry of `vma` has besides write permission and address.
inline u64 user_protection(const vm_area_struct* vma) {
    return kPtePresent | kPteUser | kPteAccessed | (vma->vm_flags & VM_EXEC ? 0 : pte_nx);
}
/// [heap], [stack] or "" for areas without a file, as /proc/PID/maps shows.
const char* vma_name(const vm_area_struct& vma);

// Changing the map; all under MmapGuard. Addresses and lengths are page aligned.
Result<vm_area_struct*> insert_area(mm_struct* mm, u64 start, u64 end, u64 flags, RefPtr<File> file,
                                    RefPtr<MemoryObject> object, u64 pgoff);
Result<void> unmap_range(mm_struct* mm, u64 start, u64 end);
Result<void> protect_range(mm_struct* mm, u64 start, u64 end, u64 access);
/// Let changes of `vma`'s object find it.
void attach_to_object(vm_area_struct* vma);
/// Take `vma`, which maps nothing any more, out of the map; what it was promised is free.
void remove_area(vm_area_struct* vma);
/// Make `address` the start of an area. ENOMEM.
Result<void> split_at(mm_struct* mm, u64 address);
/// Join `vma` with neighbours that continue it.
void merge_around(mm_struct* mm, vm_area_struct* vma);
/// A free range of `length` at a multiple of `alignment`: at `hint` if possible, else the highest below mmap_base.
/// ENOMEM.
Result<u64> find_free_range(mm_struct* mm, u64 hint, u64 length, u64 alignment = kPageSize);
/// Drop the pages of [start, end), not the areas.
void zap_range(mm_struct* mm, u64 start, u64 end);
void zap_vma_range(vm_area_struct* vma, u64 start, u64 end, bool even_cows);

/// The page behind `address` with a reference, faulted in as a write if `write`. EFAULT. Under mmap_lock.
Result<Page*> get_user_page(mm_struct* mm, u64 address, bool write);
/// Copy to or from another address space (/proc/PID/cmdline, exec's stack). Bytes done. Takes mmap_lock.
size_t access_process_vm(mm_struct* mm, u64 address, void* buffer, size_t size, bool write);

/// To be called after each change of a user page table's entry that was present, or of many
/// (arch/x86_64/tlb.h).
inline void flush_tlb_page(mm_struct* mm, u64 address) {
    tlb_flush_page(mm->tlb, address);
}
inline void flush_tlb_range(mm_struct* mm, u64 start, u64 end) {
    tlb_flush_range(mm->tlb, start, end);
}
inline void flush_tlb_mm(mm_struct* mm) {
    tlb_flush_all(mm->tlb);
}
/// Move the pages of [from, from + size) to `to` (mremap). ENOMEM.
Result<void> move_page_tables(mm_struct* mm, u64 from, u64 to, u64 size);
