// /proc/PID/maps: one line per area of the address space.
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/proc/proc.h"
#include "mm/mm_struct.h"

namespace {
constexpr size_t kNameColumn = 73;
}

Result<void> show_area(KString& out, const vm_area_struct& vma, const Path& root) {
    using ull = unsigned long long;
    const size_t line_start = out.size();
    dev_t device = 0;
    u64 ino = 0;
    if (vma.vm_file) {
        KernelStat st;
        vma.vm_file->inode->getattr(&st);
        device = st.st_dev;
        ino = st.st_ino;
    }
    TRY(out.appendf("%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", static_cast<ull>(vma.vm_start),
                    static_cast<ull>(vma.vm_end), vma.vm_flags & VM_READ ? 'r' : '-',
                    vma.vm_flags & VM_WRITE ? 'w' : '-', vma.vm_flags & VM_EXEC ? 'x' : '-',
                    vma.shared() ? 's' : 'p', static_cast<ull>(vma.vm_file ? vma.vm_pgoff << kPageShift : 0),
                    dev_major(device), dev_minor(device), static_cast<ull>(ino)));
    KString name;
    if (vma.vm_file) {
        name = TRY(path_text(vma.vm_file->path, root));
    } else {
        TRY(name.append(vma_name(vma)));
    }
    if (!name.empty()) {
        while (out.size() - line_start < kNameColumn) TRY(out.push(' '));
        TRY(out.append(name.c_str(), name.size()));
    }
    return out.push('\n');
}

Result<void> show_pid_maps(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    mm_struct* mm = get_task_mm(&task);
    if (!mm) return {};
    const Path root = current()->fs->root();
    Result<void> result;
    mm->mmap_lock.lock();
    for_each_vma(mm, [&](const vm_area_struct& vma) {
        if (result.ok()) result = show_area(out, vma, root);
    });
    mm->mmap_lock.unlock();
    mmput(mm);
    return result;
}
