#include "emulator/machine/boot/elf_kernel.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "emulator/machine/boot/boot_error.h"

namespace orrery {

namespace {

constexpr u32 kPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

[[noreturn]] void fail(const BootImage& image, const std::string& why) {
    throw BootError(image.name + ": " + why);
}

template <typename T>
T read(const BootImage& image, u64 offset) {
    T value;
    std::memcpy(&value, image.bytes.data() + offset, sizeof value);
    return value;
}

Elf64_Ehdr check_header(const BootImage& image) {
    if (!image.has(0, EI_NIDENT)) fail(image, "is a truncated ELF file");
    const u8* ident = image.bytes.data();
    if (ident[EI_CLASS] != ELFCLASS64) fail(image, "is an ELF file, but not a 64-bit one");
    if (ident[EI_DATA] != ELFDATA2LSB) fail(image, "is a big-endian ELF file");
    if (!image.has(0, sizeof(Elf64_Ehdr))) fail(image, "is a truncated ELF file");
    const auto header = read<Elf64_Ehdr>(image, 0);
    if (header.e_machine != EM_X86_64) fail(image, "is an ELF file for another machine than x86-64");
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        fail(image, "is an ELF file, but not an executable");
    if (header.e_phnum == 0) fail(image, "has no program headers");
    if (header.e_phentsize != sizeof(Elf64_Phdr)) fail(image, "has program headers of a wrong size");
    if (!image.has(header.e_phoff, u64{header.e_phnum} * sizeof(Elf64_Phdr)))
        fail(image, "is truncated: its program headers lie beyond its end");
    // The section headers are not needed to boot, but they are what is missing first where a copy was cut
    // short.
    if (header.e_shoff != 0 && !image.has(header.e_shoff, u64{header.e_shnum} * header.e_shentsize))
        fail(image, "is truncated: its section headers lie beyond its end");
    return header;
}

// Sizes in notes are padded to 4 bytes.
u64 padded(u64 size) {
    return (size + 3) & ~u64{3};
}

std::optional<u64> find_entry(const BootImage& image, const Elf64_Phdr& notes) {
    u64 at = notes.p_offset;
    const u64 end = notes.p_offset + notes.p_filesz;
    while (end - at >= sizeof(Elf64_Nhdr)) {
        const auto note = read<Elf64_Nhdr>(image, at);
        at += sizeof note;
        const u64 size = padded(note.n_namesz) + padded(note.n_descsz);
        if (size > end - at) fail(image, "has a damaged note");
        const u64 contents = at + padded(note.n_namesz);
        if (note.n_type == kPhys32Entry && note.n_namesz == 4 &&
            std::memcmp(&image.bytes[at], "Xen", 4) == 0) {
            if (note.n_descsz == 4) return image.u32_at(contents);
            if (note.n_descsz == 8) return image.u64_at(contents);
            fail(image, "has a PVH note of a wrong size");
        }
        at += size;
    }
    return std::nullopt;
}

}  // namespace

u64 load_elf_kernel(KernelMemory& memory, const BootImage& image) {
    const Elf64_Ehdr header = check_header(image);
    std::vector<Elf64_Phdr> segments;
    std::optional<u64> entry;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        const auto program = read<Elf64_Phdr>(image, header.e_phoff + i * sizeof(Elf64_Phdr));
        if (program.p_type != PT_LOAD && program.p_type != PT_NOTE) continue;
        if (!image.has(program.p_offset, program.p_filesz))
            fail(image, "is truncated: a segment lies beyond its end");
        if (program.p_type == PT_LOAD && program.p_memsz != 0) segments.push_back(program);
        if (program.p_type == PT_NOTE && !entry) entry = find_entry(image, program);
    }
    if (segments.empty()) fail(image, "has nothing to load");
    if (!entry)
        fail(image, "has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY): not a kernel that can be booted so");

    bool entry_loaded = false;
    for (const Elf64_Phdr& segment : segments) {
        memory.load(segment.p_paddr, segment.p_offset, segment.p_filesz, segment.p_memsz);
        entry_loaded |= *entry >= segment.p_paddr && *entry - segment.p_paddr < segment.p_filesz;
    }
    if (!entry_loaded) fail(image, "has a PVH entry outside of its segments");
    return *entry;
}

}  // namespace orrery
