// Loading ELF programs, static and dynamic (System V ABI; Linux's fs/binfmt_elf.c for the auxiliary vector).
//
// Guarantees: a malformed file answers ENOEXEC (before the point of no return) or ends in SIGKILL (after it),
// never in harm. Position-independent programs load from 0x555555554000 on, their interpreter in the
// mmap area; both, the stack and the heap, at places of the random generator (task/aslr.h).
#include "abi/elf.h"
#include "abi/fcntl.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ia32_signal.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/vdso.h"

#include "core/random.h"
#include "core/string.h"
#include "mm/user_ptr.h"
#include "task/aslr.h"
#include "task/exec.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

constexpr u64 kDynBase = 0x555555554000ull, kIa32DynBase = 0x56555000;
constexpr u64 kMinStackGap = 128ull << 20;
constexpr u64 kStackGuardGap = 256 * kPageSize;

struct ElfImage {
    Elf64Ehdr header;
    Vec<Elf64Phdr> segments;
    u64 low = ~0ull, high = 0;  // extent of the PT_LOADs
    bool ia32 = false;          // a 32-bit program; header and segments are widened

    u64 task_size() const { return ia32 ? kIa32TaskSize : kTaskSize; }
    u64 word_size() const { return ia32 ? sizeof(u32) : sizeof(u64); }
};

Elf64Ehdr widened(const Elf32Ehdr& h) {
    Elf64Ehdr wide{};
    wide.type = h.type;
    wide.machine = h.machine;
    wide.entry = h.entry;
    wide.phoff = h.phoff;
    wide.phentsize = h.phentsize;
    wide.phnum = h.phnum;
    return wide;
}
Elf64Phdr widened(const Elf32Phdr& p) {
    return {p.type, p.flags, p.offset, p.vaddr, p.paddr, p.filesz, p.memsz, p.align};
}

/// The program headers of a file of either class. ENOEXEC.
template <class Phdr>
Result<void> read_segments(File& file, ElfImage& image) {
    const Elf64Ehdr& h = image.header;
    if (h.phentsize != sizeof(Phdr) || h.phnum == 0 || h.phnum > 65536 / sizeof(Phdr)) return Errno::ENOEXEC;
    Vec<Phdr> raw;
    TRY(raw.resize(h.phnum));
    TRY(image.segments.resize(h.phnum));
    loff_t position = static_cast<loff_t>(h.phoff);
    const size_t size = h.phnum * sizeof(Phdr);
    if (position < 0) return Errno::ENOEXEC;
    if (TRY(kernel_read(file, raw.data(), size, position)) != size) return Errno::ENOEXEC;
    for (size_t i = 0; i < raw.size(); i++) {
        if constexpr (sizeof(Phdr) == sizeof(Elf64Phdr))
            image.segments[i] = raw[i];
        else
            image.segments[i] = widened(raw[i]);
    }
    return {};
}

/// The header of either class, by its EI_CLASS. ENOEXEC.
Result<void> read_header(File& file, ElfImage& image) {
    union {
        Elf64Ehdr wide;
        Elf32Ehdr narrow;
    } raw;
    loff_t position = 0;
    const size_t n = TRY(kernel_read(file, &raw, sizeof(raw), position));
    if (n < sizeof(raw.narrow)) return Errno::ENOEXEC;
    image.ia32 = memcmp(raw.narrow.ident, "\177ELF\1\1", 6) == 0;
    if (!image.ia32 && (n != sizeof(raw.wide) || memcmp(raw.wide.ident, "\177ELF\2\1", 6) != 0))
        return Errno::ENOEXEC;
    image.header = image.ia32 ? widened(raw.narrow) : raw.wide;
    const Elf64Ehdr& h = image.header;
    if (h.type != kEtExec && h.type != kEtDyn) return Errno::ENOEXEC;
    const bool ours = image.ia32 ? h.machine == kEm386 || h.machine == kEm486 : h.machine == kEmX86_64;
    return ours ? Result<void>() : Errno::ENOEXEC;
}

Result<ElfImage> read_elf(File& file) {
    ElfImage image;
    TRY(read_header(file, image));
    TRY(image.ia32 ? read_segments<Elf32Phdr>(file, image) : read_segments<Elf64Phdr>(file, image));
    const u64 end = image.task_size();
    for (const Elf64Phdr& s : image.segments) {
        if (s.type != kPtLoad) continue;
        if (s.filesz > s.memsz || s.memsz > end || s.vaddr > end - s.memsz ||
            (s.vaddr ^ s.offset) & (kPageSize - 1)) {
            return Errno::ENOEXEC;
        }
        image.low = min(image.low, align_down(s.vaddr, kPageSize));
        image.high = max(image.high, align_up(s.vaddr + s.memsz, kPageSize));
    }
    if (image.low >= image.high) return Errno::ENOEXEC;
    return image;
}

u64 vm_flags_of(u32 elf_flags) {
    u64 flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    if (elf_flags & kPfR) flags |= VM_READ;
    if (elf_flags & kPfW) flags |= VM_WRITE;
    if (elf_flags & kPfX) flags |= VM_EXEC;
    return flags;
}

/// Under mmap_lock. Map one segment at `bias`; the bytes between file and page end are cleared by the caller.
Result<void> map_segment(mm_struct* mm, const RefPtr<File>& file, const Elf64Phdr& s, u64 bias) {
    const u64 start = align_down(bias + s.vaddr, kPageSize);
    const u64 file_end = align_up(bias + s.vaddr + s.filesz, kPageSize);
    const u64 end = align_up(bias + s.vaddr + s.memsz, kPageSize);
    if (end > mm->task_size || start < 65536) return Errno::ENOMEM;
    TRY(unmap_range(mm, start, end));
    const u64 flags = vm_flags_of(s.flags);
    MemoryObject* object = file->memory_object();
    if (!object) return Errno::ENOEXEC;
    if (s.filesz) {
        TRY(insert_area(mm, start, file_end, flags, file, RefPtr<MemoryObject>(object),
                        align_down(s.offset, kPageSize) >> kPageShift));
    }
    const u64 zero_start = s.filesz ? file_end : start;
    if (end > zero_start) TRY(insert_area(mm, zero_start, end, flags, {}, {}, 0));
    return {};
}

/// Clear what lies behind the file's bytes up to the page's end, also past .bss (Linux's padzero): a program
/// may take the rest of that page as zeroed memory, as glibc's ld.so does. Only writable segments have a
/// .bss.
Result<void> clear_tail(mm_struct* mm, const Elf64Phdr& s, u64 bias) {
    if (s.memsz <= s.filesz || !(s.flags & kPfW) || !s.filesz) return {};
    const u64 start = bias + s.vaddr + s.filesz;
    const u64 size = align_up(start, kPageSize) - start;
    static const u8 zeros[256] = {};
    for (u64 done = 0; done < size;) {
        const u64 n = min<u64>(size - done, sizeof(zeros));
        if (access_process_vm(mm, start + done, const_cast<u8*>(zeros), n, true) != n) return Errno::EFAULT;
        done += n;
    }
    return {};
}

Result<void> map_image(mm_struct* mm, const RefPtr<File>& file, const ElfImage& image, u64 bias) {
    for (const Elf64Phdr& s : image.segments) {
        if (s.type != kPtLoad) continue;
        {
            MmapGuard guard(mm);
            TRY(map_segment(mm, file, s, bias));
        }
        TRY(clear_tail(mm, s, bias));
        const u64 start = bias + s.vaddr;
        if (s.flags & kPfX) {
            if (!mm->start_code || start < mm->start_code) mm->start_code = start;
            mm->end_code = max(mm->end_code, start + s.filesz);
        }
        mm->start_data = max(mm->start_data, start);
        mm->end_data = max(mm->end_data, start + s.filesz);
    }
    return {};
}

Result<RefPtr<File>> open_interpreter(File& file, const ElfImage& image) {
    for (const Elf64Phdr& s : image.segments) {
        if (s.type != kPtInterp) continue;
        char path[256];
        if (s.filesz < 2 || s.filesz > sizeof(path)) return Errno::ENOEXEC;
        loff_t position = static_cast<loff_t>(s.offset);
        if (TRY(kernel_read(file, path, s.filesz, position)) != s.filesz) return Errno::ENOEXEC;
        if (path[s.filesz - 1] != '\0') return Errno::ENOEXEC;
        return vfs_open(path, O_RDONLY, 0);
    }
    return RefPtr<File>();
}

struct StackLayout {
    u64 random, platform, phdr, base, entry, vdso;
};

Result<void> make_tables(BinaryProgram& program, const ElfImage& image, const StackLayout& layout,
                         u64 execfn) {
    const Credentials& cred = current()->cred;
    // A 32-bit program gets no vDSO: its C library calls by INT 0x80.
    const u64 aux[][2] = {{AT_SYSINFO_EHDR, layout.vdso},
                          {AT_HWCAP, boot_cpu_features.leaf1_edx},
                          {AT_PAGESZ, kPageSize},
                          {AT_CLKTCK, 100},
                          {AT_PHDR, layout.phdr},
                          {AT_PHENT, image.header.phentsize},
                          {AT_PHNUM, image.header.phnum},
                          {AT_BASE, layout.base},
                          {AT_FLAGS, 0},
                          {AT_ENTRY, layout.entry},
                          {AT_UID, cred.shown_uid(cred.uid)},
                          {AT_EUID, cred.shown_uid(cred.euid)},
                          {AT_GID, cred.shown_gid(cred.gid)},
                          {AT_EGID, cred.shown_gid(cred.egid)},
                          {AT_SECURE, program.secure},
                          {AT_RANDOM, layout.random},
                          {AT_HWCAP2, 0},
                          {AT_EXECFN, execfn},
                          {AT_PLATFORM, layout.platform},
                          {AT_MINSIGSTKSZ, image.ia32 ? ia32_frame_size() : 928 + fpu_frame_size()},
                          {AT_NULL, 0}};
    static_assert(sizeof(aux) <= sizeof(mm_struct::saved_auxv));
    mm_struct* mm = current()->mm;
    const u64 strings = mm->arg_start;
    const u64 words = 1 + static_cast<u64>(program.argc) + 1 + static_cast<u64>(program.envc) + 1;
    const u64 word_size = image.word_size();
    const u64 first = image.ia32 ? 1 : 0;  // of aux, for this class
    const u64 aux_words = sizeof(aux) / sizeof(u64) - 2 * first;
    u64 sp = align_down(align_down(layout.random, 16) - (words + aux_words) * word_size, 16);
    mm->start_stack = program.p = sp;
    auto put = [&](u64 value) -> Result<void> {
        if (copy_to_user(sp, &value, word_size)) return Errno::EFAULT;  // little-endian
        sp += word_size;
        return {};
    };
    // The strings lie in order: argv, then envp.
    u64 string = strings;
    auto put_strings = [&](int count) -> Result<void> {
        for (int i = 0; i < count; i++) {
            TRY(put(string));
            char piece[64];
            for (;;) {
                const size_t n = min<size_t>(sizeof(piece), program.stack_top - string);
                if (copy_from_user(piece, string, n)) return Errno::EFAULT;
                const void* end = memchr(piece, 0, n);
                string += end ? static_cast<size_t>(static_cast<const char*>(end) - piece) + 1 : n;
                if (end) break;
            }
        }
        return put(0);
    };
    TRY(put(static_cast<u64>(program.argc)));
    TRY(put_strings(program.argc));
    mm->arg_end = mm->env_start = string;
    TRY(put_strings(program.envc));
    mm->env_end = string;
    memset(mm->saved_auxv, 0, sizeof(mm->saved_auxv));
    u8* saved = reinterpret_cast<u8*>(mm->saved_auxv);
    for (u64 i = 0; i < aux_words; i++, saved += word_size) memcpy(saved, &(&aux[first][0])[i], word_size);
    if (copy_to_user(sp, mm->saved_auxv, aux_words * word_size)) return Errno::EFAULT;
    return {};
}

Result<void> finish_load(BinaryProgram& program, const ElfImage& image, const RefPtr<File>& interpreter,
                         const ElfImage* interpreter_image, u64 execfn, pt_regs* regs) {
    mm_struct* mm = current()->mm;
    const u64 base = image.ia32 ? kIa32DynBase : kDynBase;
    const u64 bias = image.header.type == kEtDyn
                         ? base + (mmap_random() & (image.ia32 ? kIa32MmapRandom : ~0ull)) - image.low
                         : 0;
    TRY(map_image(mm, program.file, image, bias));
    mm->start_brk = mm->brk = bias + image.high + brk_random();

    StackLayout layout{};
    layout.entry = bias + image.header.entry;
    for (const Elf64Phdr& s : image.segments) {
        if (s.type == kPtLoad && image.header.phoff >= s.offset && image.header.phoff < s.offset + s.filesz) {
            layout.phdr = bias + image.header.phoff - s.offset + s.vaddr;
        }
    }
    u64 start = layout.entry;
    if (interpreter) {
        u64 interpreter_bias = 0;
        if (interpreter_image->header.type == kEtDyn) {
            MmapGuard guard(mm);
            interpreter_bias = TRY(find_free_range(mm, 0, interpreter_image->high - interpreter_image->low)) -
                               interpreter_image->low;
        }
        const u64 code[] = {mm->start_code, mm->end_code, mm->start_data, mm->end_data};
        TRY(map_image(mm, interpreter, *interpreter_image, interpreter_bias));
        mm->start_code = code[0];
        mm->end_code = code[1];
        mm->start_data = code[2];
        mm->end_data = code[3];
        layout.base = interpreter_bias;
        start = interpreter_bias + interpreter_image->header.entry;
    }
    if (start >= image.task_size()) return Errno::ENOEXEC;
    if (!image.ia32) layout.vdso = TRY(vdso_map(mm));
    mm->arg_start = program.p;
    u64 sp = align_down(program.p - stack_shift(), 16);
    layout.platform = sp -= 16;
    if (copy_to_user(layout.platform, image.ia32 ? "i686" : "x86_64", image.ia32 ? 5 : 7))
        return Errno::EFAULT;
    layout.random = sp - 16;
    u8 random[16];
    get_random_bytes(random, sizeof(random));
    if (copy_to_user(layout.random, random, sizeof(random))) return Errno::EFAULT;
    TRY(make_tables(program, image, layout, execfn));

    memset(regs, 0, sizeof(*regs));
    regs->rip = start;
    regs->rsp = program.p;
    regs->cs = image.ia32 ? USER32_CS : USER_CS;
    regs->ss = USER_DS;
    regs->eflags = 0x200;
    return {};
}

/// Where mmap begins below a stack that may grow, in an address space of either class; `random`: mmap_random().
u64 mmap_base_of(bool ia32, u64 random) {
    const u64 task_size = ia32 ? kIa32TaskSize : kTaskSize;
    const u64 stack_limit = task_rlimit(kRlimitStack);
    const u64 room =
        stack_limit + kStackGuardGap + (randomizes() ? (ia32 ? kIa32StackRandom : kStackRandom) : 0);
    const u64 gap =
        min<u64>(max<u64>(room < stack_limit ? stack_limit : room, kMinStackGap), task_size / 6 * 5);
    return align_down(task_size - gap - (ia32 ? random & kIa32MmapRandom : random), kPageSize);
}

/// The stack, made where a 64-bit program has it before anything was known of the file, to where a 32-bit one has it.
/// ENOMEM.
Result<void> lower_stack(BinaryProgram& program) {
    mm_struct* mm = program.mm;
    MmapGuard guard(mm);
    const vm_area_struct& stack = *mm->vmas.front();
    const u64 from = stack.vm_start, size = stack.size(), flags = stack.vm_flags;
    const u64 to = kIa32TaskSize - stack_top_random(true) - size;
    TRY(insert_area(mm, to, to + size, flags, {}, {}, 0));
    TRY(move_page_tables(mm, from, to, size));
    TRY(unmap_range(mm, from, from + size));
    const u64 shift = from - to;
    program.p -= shift;
    program.stack_top -= shift;
    mm->start_stack -= shift;
    mm->saved_auxv[0] -= shift;  // of the file name
    mm->task_size = kIa32TaskSize;
    return {};
}

}  // namespace

Result<void> load_elf(BinaryProgram& program, pt_regs* regs) {
    const ElfImage image = TRY(read_elf(*program.file));
    if (!program.file->memory_object()) return Errno::ENOEXEC;
    RefPtr<File> interpreter = TRY(open_interpreter(*program.file, image));
    ElfImage interpreter_image;
    if (interpreter) {
        interpreter_image = TRY(read_elf(*interpreter));
        if (!interpreter->memory_object()) return Errno::ENOEXEC;
    }
    if (interpreter && interpreter_image.ia32 != image.ia32) return Errno::ELIBBAD;
    mm_struct* mm = program.mm;
    program.ia32 = image.ia32;
    if (image.ia32) TRY(lower_stack(program));
    const u64 random = mmap_random();
    mm->ia32_mmap_base = mmap_base_of(true, random);
    mm->mmap_base = image.ia32 ? mm->ia32_mmap_base : mmap_base_of(false, random);
    const u64 execfn = mm->saved_auxv[0];
    for (const Elf64Phdr& s : image.segments) {
        if (s.type == kPtGnuStack && s.flags & kPfX) mm->vmas.front()->vm_flags |= VM_EXEC;
    }
    TRY(begin_new_program(program));
    const Result<void> result =
        finish_load(program, image, interpreter, interpreter ? &interpreter_image : nullptr, execfn, regs);
    if (!result.ok()) force_sig(kSigKill);  // the old program is gone: nobody is left to tell
    return {};
}
