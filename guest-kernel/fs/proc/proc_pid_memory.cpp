// /proc/PID's files about its memory: smaps, smaps_rollup, numa_maps, pagemap, mem, auxv, clear_refs (proc(5); Linux,
// Documentation/admin-guide/mm/pagemap.rst).
#include "arch/x86_64/pte_range.h"
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/proc/proc.h"
#include "mm/huge_memory.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"

namespace {

using ull = unsigned long long;

/// A task's address space, locked, for a scope; null for kernel threads and zombies.
class LockedMm {
  public:
    explicit LockedMm(task_struct& task) : mm(get_task_mm(&task)) {
        if (mm) mm->mmap_lock.lock();
    }
    ~LockedMm() {
        if (!mm) return;
        mm->mmap_lock.unlock();
        mmput(mm);
    }
    LockedMm(const LockedMm&) = delete;
    LockedMm& operator=(const LockedMm&) = delete;
    mm_struct* const mm;
};

/// What an area's pages are, in bytes.
struct AreaSums {
    u64 size = 0, rss = 0, shared_clean = 0, shared_dirty = 0, private_clean = 0, private_dirty = 0,
        referenced = 0;
    u64 anonymous = 0, huge = 0, shared_hugetlb = 0, private_hugetlb = 0;
    u64 pss = 0, pss_dirty = 0, pss_anon = 0, pss_file = 0, pss_shmem = 0,
        locked_pss = 0;  // 52.12 fixed point
};
constexpr unsigned kPssShift = 12;

void add_page(AreaSums& sums, const vm_area_struct& vma, u64 entry, unsigned order) {
    if (order == 0 && entry & kPteSpecial) return;  // the zero page is nobody's
    Page* page = pfn_to_page((entry & kPteAddressMask) >> kPageShift);
    const u64 bytes = kPageSize << order;
    const i32 users = max(page->mapcount, 1);
    if (vma.vm_flags & VM_HUGETLB) {
        (users > 1 ? sums.shared_hugetlb : sums.private_hugetlb) += bytes;
        return;
    }
    const bool dirty = entry & kPteDirty || page->flags & kPageDirty;
    const bool anon = page->flags & kPageAnon;
    const u64 share = (bytes << kPssShift) / static_cast<u64>(users);
    sums.rss += bytes;
    sums.pss += share;
    if (dirty) sums.pss_dirty += share;
    if (vma.vm_flags & VM_LOCKED) sums.locked_pss += share;
    (anon ? sums.pss_anon : vma.vm_file ? sums.pss_file : sums.pss_shmem) += share;
    if (users > 1) {
        (dirty ? sums.shared_dirty : sums.shared_clean) += bytes;
    } else {
        (dirty ? sums.private_dirty : sums.private_clean) += bytes;
    }
    if (entry & kPteAccessed) sums.referenced += bytes;
    if (anon) sums.anonymous += bytes;
    if (anon && order > 0) sums.huge += bytes;
}

void add_area(AreaSums& sums, const vm_area_struct& vma) {
    sums.size += vma.size();
    for_each_leaf(vma.vm_mm->pgd, vma.vm_start, vma.vm_end,
                  [&](u64, u64& entry, unsigned order) { add_page(sums, vma, entry, order); });
}

Result<void> show_kib(KString& out, const char* name, u64 bytes) {
    char label[24];
    snprintf(label, sizeof(label), "%s:", name);
    return out.appendf("%-16s%8llu kB\n", label, static_cast<ull>(bytes / 1024));
}

Result<void> show_sums(KString& out, const AreaSums& s, bool rollup) {
    const struct {
        const char* name;
        u64 bytes;
        bool in_area, in_rollup;
    } rows[] = {
        {"Rss", s.rss, true, true},
        {"Pss", s.pss >> kPssShift, true, true},
        {"Pss_Dirty", s.pss_dirty >> kPssShift, true, true},
        {"Pss_Anon", s.pss_anon >> kPssShift, false, true},
        {"Pss_File", s.pss_file >> kPssShift, false, true},
        {"Pss_Shmem", s.pss_shmem >> kPssShift, false, true},
        {"Shared_Clean", s.shared_clean, true, true},
        {"Shared_Dirty", s.shared_dirty, true, true},
        {"Private_Clean", s.private_clean, true, true},
        {"Private_Dirty", s.private_dirty, true, true},
        {"Referenced", s.referenced, true, true},
        {"Anonymous", s.anonymous, true, true},
        {"LazyFree", 0, true, true},
        {"AnonHugePages", s.huge, true, true},
        {"ShmemPmdMapped", 0, true, true},
        {"FilePmdMapped", 0, true, true},
        {"Shared_Hugetlb", s.shared_hugetlb, true, true},
        {"Private_Hugetlb", s.private_hugetlb, true, true},
        {"Swap", 0, true, true},
        {"SwapPss", 0, true, true},
        {"Locked", s.locked_pss >> kPssShift, true, true},
    };
    for (const auto& row : rows) {
        if (rollup ? row.in_rollup : row.in_area) TRY(show_kib(out, row.name, row.bytes));
    }
    return {};
}

Result<void> show_vm_flags(KString& out, const vm_area_struct& vma) {
    static constexpr struct {
        u64 flag;
        const char* name;
    } kFlags[] = {
        {VM_READ, "rd"},       {VM_WRITE, "wr"},      {VM_EXEC, "ex"},     {VM_SHARED, "sh"},
        {VM_MAYREAD, "mr"},    {VM_MAYWRITE, "mw"},   {VM_MAYEXEC, "me"},  {VM_MAYSHARE, "ms"},
        {VM_GROWSDOWN, "gd"},  {VM_LOCKED, "lo"},     {VM_DONTCOPY, "dc"}, {VM_NORESERVE, "nr"},
        {VM_HUGETLB, "ht"},    {VM_WIPEONFORK, "wf"}, {VM_DONTDUMP, "dd"}, {VM_HUGEPAGE, "hg"},
        {VM_NOHUGEPAGE, "nh"},
    };
    TRY(out.append("VmFlags:"));
    for (const auto& f : kFlags) {
        if (vma.vm_flags & f.flag) TRY(out.appendf(" %s", f.name));
    }
    return out.append(" \n");
}

bool huge_page_fits(const vm_area_struct& vma) {
    const u64 first = align_up(vma.vm_start, kHugePageSize);
    const bool asked = vma.vm_flags & VM_HUGEPAGE;
    const bool allowed = thp_mode() == ThpMode::kAlways || (thp_mode() == ThpMode::kMadvise && asked);
    return allowed && !vma.vm_object && !(vma.vm_flags & VM_NOHUGEPAGE) && !vma.vm_mm->thp_disabled &&
           first + kHugePageSize <= vma.vm_end;
}

Result<void> show_smaps(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    const Path root = current()->fs->root();
    LockedMm locked(task);
    if (!locked.mm) return {};
    Result<void> result;
    for_each_vma(locked.mm, [&](const vm_area_struct& vma) {
        if (!result.ok()) return;
        result = [&]() -> Result<void> {
            AreaSums sums;
            add_area(sums, vma);
            const u64 page = vma.vm_flags & VM_HUGETLB ? kPageSize << hugetlb_default_order() : kPageSize;
            TRY(show_area(out, vma, root));
            TRY(show_kib(out, "Size", sums.size));
            TRY(show_kib(out, "KernelPageSize", page));
            TRY(show_kib(out, "MMUPageSize", page));
            TRY(show_sums(out, sums, false));
            TRY(out.appendf("THPeligible:    %d\n", huge_page_fits(vma) ? 1 : 0));
            return show_vm_flags(out, vma);
        }();
    });
    return result;
}

Result<void> show_smaps_rollup(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    LockedMm locked(task);
    if (!locked.mm) return Errno::ESRCH;
    AreaSums sums;
    u64 first = 0, last = 0;
    for_each_vma(locked.mm, [&](const vm_area_struct& vma) {
        if (last == 0) first = vma.vm_start;
        last = vma.vm_end;
        add_area(sums, vma);
    });
    TRY(out.appendf("%08llx-%08llx ---p %08x 00:00 0                          [rollup]\n",
                    static_cast<ull>(first), static_cast<ull>(last), 0));
    return show_sums(out, sums, true);
}

// Where an area's pages lie; there is one node, and no policy but the default.
Result<void> show_numa_area(KString& out, const vm_area_struct& vma, const Path& root) {
    AreaSums sums;
    add_area(sums, vma);
    u64 most = 0;
    for_each_leaf(vma.vm_mm->pgd, vma.vm_start, vma.vm_end, [&](u64, u64& entry, unsigned order) {
        if (order == 0 && entry & kPteSpecial) return;
        most =
            max<u64>(most, static_cast<u64>(pfn_to_page((entry & kPteAddressMask) >> kPageShift)->mapcount));
    });
    TRY(out.appendf("%08llx default", static_cast<ull>(vma.vm_start)));
    const char* name = vma_name(vma);
    if (vma.vm_file) {
        const KString path = TRY(path_text(vma.vm_file->path, root));
        TRY(out.appendf(" file=%s", path.c_str()));
    } else if (strcmp(name, "[heap]") == 0 || strcmp(name, "[stack]") == 0) {
        TRY(out.append(name[1] == 'h' ? " heap" : " stack"));
    }
    if (vma.vm_flags & VM_HUGETLB) TRY(out.append(" huge"));
    const u64 pages = (sums.rss + sums.shared_hugetlb + sums.private_hugetlb) >> kPageShift;
    if (pages == 0) return out.push('\n');
    if (sums.anonymous) TRY(out.appendf(" anon=%llu", static_cast<ull>(sums.anonymous >> kPageShift)));
    const u64 dirty = (sums.shared_dirty + sums.private_dirty) >> kPageShift;
    if (dirty) TRY(out.appendf(" dirty=%llu", static_cast<ull>(dirty)));
    if (pages != sums.anonymous >> kPageShift && pages != dirty)
        TRY(out.appendf(" mapped=%llu", static_cast<ull>(pages)));
    if (most > 1) TRY(out.appendf(" mapmax=%llu", static_cast<ull>(most)));
    return out.appendf(" N0=%llu kernelpagesize_kB=4\n", static_cast<ull>(pages));
}

Result<void> show_numa_maps(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    const Path root = current()->fs->root();
    LockedMm locked(task);
    if (!locked.mm) return {};
    Result<void> result;
    for_each_vma(locked.mm, [&](const vm_area_struct& vma) {
        if (result.ok()) result = show_numa_area(out, vma, root);
    });
    return result;
}

Result<void> show_auxv(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    LockedMm locked(task);
    if (!locked.mm) return {};
    const u64* words = locked.mm->saved_auxv;
    constexpr size_t kWords = sizeof(locked.mm->saved_auxv) / sizeof(u64);
    size_t n = 0;
    do n += 2;
    while (n < kWords && words[n - 2] != 0);  // up to AT_NULL, which belongs to it
    return out.append(reinterpret_cast<const char*>(words), n * sizeof(u64));
}

/// A file of an address space as it was when the file was opened: what execve puts in its place is not seen.
class MmFile : public File {
  public:
    MmFile(Inode& file_inode, mm_struct* its_mm) : File(file_inode), mm(its_mm) { mmgrab(mm); }
    ~MmFile() override { mmdrop(mm); }
    Result<loff_t> seek(loff_t offset, int whence) override {
        if (whence != SEEK_SET && whence != SEEK_CUR) return Errno::EINVAL;
        position = whence == SEEK_SET ? offset : position + offset;  // any address is one
        return loff_t{position};
    }

  protected:
    mm_struct* const mm;
};

template <class T>
Result<RefPtr<File>> open_mm_file(Inode& inode, task_struct& task) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    mm_struct* mm = get_task_mm(&task);
    if (!mm) return Errno::ESRCH;
    Result<RefPtr<T>> file = make_ref<T>(inode, mm);
    mmput(mm);
    if (!file.ok()) return file.error();
    return RefPtr<File>(file.release_value());
}

class MemFile final : public MmFile {
  public:
    using MmFile::MmFile;
    Result<size_t> read(IovIter& to, loff_t& at) override {
        return move(at, [&](u64 address, u8* chunk) -> Result<size_t> {
            const size_t wanted = min(to.remaining(), kChunk);
            const size_t n = access_process_vm(mm, address, chunk, wanted, false);
            if (n == 0 && wanted > 0) return Errno::EIO;
            if (to.copy_to(chunk, n) != n) return Errno::EFAULT;
            return size_t{n};
        });
    }
    Result<size_t> write(IovIter& from, loff_t& at) override {
        return move(at, [&](u64 address, u8* chunk) -> Result<size_t> {
            const size_t wanted = min(from.remaining(), kChunk);
            if (from.copy_from(chunk, wanted) != wanted) return Errno::EFAULT;
            const size_t n = access_process_vm(mm, address, chunk, wanted, true);
            if (n == 0 && wanted > 0) return Errno::EIO;
            return size_t{n};
        });
    }

  private:
    static constexpr size_t kChunk = 512;

    template <class Step>
    Result<size_t> move(loff_t& at, Step step) {
        if (!mmget_not_zero(mm)) return size_t{0};
        u8 chunk[kChunk];
        Result<size_t> result = size_t{0};
        size_t done = 0;
        for (;;) {
            Result<size_t> n = step(static_cast<u64>(at), chunk);
            if (!n.ok() && done == 0) {
                mmput(mm);
                return n;
            }
            if (!n.ok() || n.value() == 0) break;
            done += n.value();
            at += static_cast<loff_t>(n.value());
        }
        mmput(mm);
        return size_t{done};
    }
};

class PagemapFile final : public MmFile {
  public:
    using MmFile::MmFile;
    Result<size_t> read(IovIter& to, loff_t& at) override {
        if (at % 8 != 0 || to.remaining() % 8 != 0) return Errno::EINVAL;
        if (!mmget_not_zero(mm)) return size_t{0};
        Result<size_t> result = fill(to, at);
        mmput(mm);
        return result;
    }

  private:
    // The frame's number is for the administrator: who knows it can aim at memory's cells (row hammer).
    static constexpr u64 kPresent = 1ull << 63, kFileOrShared = 1ull << 61, kExclusive = 1ull << 56;

    Result<size_t> fill(IovIter& to, loff_t& at) {
        const bool with_frames = current_cred().has(kCapSysAdmin);
        constexpr u64 kLastPage = (kTaskSize + kPageSize) >> kPageShift;
        size_t done = 0;
        while (to.remaining() > 0 && static_cast<u64>(at) / 8 < kLastPage) {
            u64 words[64];
            const u64 first = static_cast<u64>(at) / 8;
            const size_t count =
                static_cast<size_t>(min<u64>(min<u64>(to.remaining() / 8, 64), kLastPage - first));
            {
                MmapGuard guard(mm);
                for (size_t i = 0; i < count; i++) words[i] = word_of((first + i) << kPageShift, with_frames);
            }
            const size_t moved = to.copy_to(words, count * 8);
            done += moved;
            at += static_cast<loff_t>(moved);
            if (moved < count * 8) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        }
        return size_t{done};
    }

    u64 word_of(u64 address, bool with_frame) const {
        const PageLeaf leaf = leaf_lookup(mm->pgd, address);
        if (!leaf.entry || !(*leaf.entry & kPtePresent)) return 0;
        const Page* page = leaf.page(address);
        u64 word = kPresent;
        if (with_frame) word |= page_to_pfn(page);
        if (!(page->flags & kPageAnon) && !(*leaf.entry & kPteSpecial)) word |= kFileOrShared;
        if (page->mapcount == 1) word |= kExclusive;
        return word;
    }
};

// 1 to 3: the marks of having been used, which then show what is used from now on (referenced in smaps).
Result<void> store_clear_refs(task_struct& task, const char* text, size_t size) {
    if (size == 0 || text[0] < '1' || text[0] > '5' || (size > 1 && text[1] != '\n')) return Errno::EINVAL;
    LockedMm locked(task);
    if (!locked.mm) return {};
    mm_struct* mm = locked.mm;
    if (text[0] == '5') {  // the peak of what is resident starts anew
        mm->hiwater_rss = mm->rss();
        return {};
    }
    if (text[0] == '4') return {};  // soft-dirty marks are not kept
    for_each_vma(mm, [&](const vm_area_struct& vma) {
        const bool is_file = static_cast<bool>(vma.vm_file);
        if ((text[0] == '2' && is_file) || (text[0] == '3' && !is_file)) return;
        for_each_leaf(mm->pgd, vma.vm_start, vma.vm_end,
                      [](u64, u64& entry, unsigned) { entry &= ~u64{kPteAccessed}; });
    });
    flush_tlb_mm(mm);
    return {};
}

}  // namespace

const ProcPidFile kProcPidMemoryFiles[] = {
    {"smaps", 0444, show_smaps},
    {"smaps_rollup", 0444, show_smaps_rollup},
    {"numa_maps", 0444, show_numa_maps},
    {"pagemap", 0400, nullptr, nullptr, ProcPidPlace::kBoth, open_mm_file<PagemapFile>},
    {"mem", 0600, nullptr, nullptr, ProcPidPlace::kBoth, open_mm_file<MemFile>},
    {"auxv", 0400, show_auxv},
    {"clear_refs", 0200, nullptr, store_clear_refs},
    {nullptr, 0, nullptr},
};
