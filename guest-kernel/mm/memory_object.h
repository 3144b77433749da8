// A memory object: a source of pages that may be mapped and read, the kernel's one page cache.
//
// Guarantees: read(), write(), mmap() and execve() of one object see the same pages. A tmpfs inode is one; an
// anonymous shared mapping is one. `mappings` lists the areas that map it, for unmap_mapping_range().
#pragma once

#include "core/list.h"
#include "core/refcount.h"
#include "mm/page.h"
#include "sync/guarded.h"

class HugetlbObject;
struct vm_area_struct;

struct MemoryObjectMapping {  // embedded in vm_area_struct
    ListNode node;
    vm_area_struct* vma = nullptr;
};

struct MemoryObject : RefCounted {
    /// Page number `index` (of 4 KiB) with a reference for the caller (give it back with page_put).
    /// `for_write`: the caller may change the page (a hole must be filled with a page of its own).
    /// Errors: ENXIO beyond the end (the program gets SIGBUS), ENOMEM, EIO. May sleep, also until a device has
    /// read it. Comes under kMm and whatever a user copy is made under, so it takes ranks above kMm only.
    virtual Result<Page*> get_page(u64 index, bool for_write) = 0;

    /// Those of the `count` pages from `first` on that are there already, each with a reference, null for the
    /// others; never makes or waits for one. For mapping the neighbours of a page that was asked for. True if
    /// there are any.
    virtual bool cached_pages(u64 /*first*/, u64 /*count*/, Page** /*pages*/) { return false; }

    /// This object, if its pages are those of a pool of huge pages.
    virtual HugetlbObject* as_hugetlb() { return nullptr; }

    using Mappings = List<MemoryObjectMapping, &MemoryObjectMapping::node>;
    Guarded<Mappings, LockRank::kMappings> mappings;
    /// Counted up before mappings are changed from the object's side: a fault that got its page before asks again.
    u64 invalidations = 0;
};

/// Remove pages [first, last] of `object` from every address space that maps them (after a truncate).
/// Private copies made by copy-on-write go too, as in Linux, when `even_cows`.
void unmap_mapping_range(MemoryObject& object, u64 first_index, u64 last_index, bool even_cows);

/// Take from every mapping of `object` the right to write page `index` (it is about to be cleaned): the next write
/// is a fault and asks get_page() again.
void write_protect_mappings(MemoryObject& object, u64 index);
