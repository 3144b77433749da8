#include "emulator/machine/boot/multiboot_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/pvh.h"

namespace orrery {

namespace {

constexpr u32 kAddressFields = 1 << 16;

[[noreturn]] void fail(const BootImage& image, const std::string& why) {
    throw BootError(image.name + ": " + why);
}

u64 load_by_fields(KernelMemory& memory, const BootImage& image, const MultibootHeader& header) {
    if (!image.has(header.offset, 32)) fail(image, "has a truncated multiboot header");
    const u32 header_address = image.u32_at(header.offset + 12);
    const u32 load = image.u32_at(header.offset + 16);
    const u32 load_end = image.u32_at(header.offset + 20);
    const u32 bss_end = image.u32_at(header.offset + 24);
    const u32 entry = image.u32_at(header.offset + 28);
    if (load > header_address || header_address - load > header.offset)
        fail(image, "has a multiboot header whose load address is before the file's begin");
    const u64 offset = header.offset - (header_address - load);
    if (load_end != 0 && load_end < load) fail(image, "has a multiboot header whose load addresses descend");
    const u64 size = load_end == 0 ? image.bytes.size() - offset : load_end - load;
    const u64 end = std::max<u64>(bss_end, u64{load} + size);
    memory.load(load, offset, size, end - load);
    if (entry < load || entry >= end) fail(image, "has its entry outside of what is loaded");
    return entry;
}

// The entry of an ELF is a virtual address; paging is off, so that what counts is where that was loaded. A kernel that
// is linked high may also give it as the physical one.
u64 physical_entry(const KernelMemory& memory, const BootImage& image, u64 entry,
                   const std::vector<Elf32_Phdr>& parts) {
    for (const Elf32_Phdr& part : parts)
        if (entry >= part.p_vaddr && entry - part.p_vaddr < part.p_memsz)
            return entry - part.p_vaddr + part.p_paddr;
    if (!memory.holds(entry)) fail(image, "has its entry outside of what is loaded");
    return entry;
}

u64 load_elf32(KernelMemory& memory, const BootImage& image) {
    if (!is_elf(image)) fail(image, "has a multiboot header without addresses, and is not an ELF file");
    if (!image.has(0, sizeof(Elf32_Ehdr))) fail(image, "is a truncated ELF file");
    Elf32_Ehdr header;
    std::memcpy(&header, image.bytes.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_386)
        fail(image, "is a multiboot kernel, but not an ELF file for 32-bit x86");
    if (header.e_type != ET_EXEC) fail(image, "is an ELF file, but not an executable");
    if (header.e_phentsize != sizeof(Elf32_Phdr)) fail(image, "has program headers of a wrong size");
    if (!image.has(header.e_phoff, u64{header.e_phnum} * sizeof(Elf32_Phdr)))
        fail(image, "is truncated: its program headers lie beyond its end");
    std::vector<Elf32_Phdr> parts;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr part;
        std::memcpy(&part, image.bytes.data() + header.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type != PT_LOAD || part.p_memsz == 0) continue;
        memory.load(part.p_paddr, part.p_offset, part.p_filesz, part.p_memsz);
        parts.push_back(part);
    }
    if (parts.empty()) fail(image, "has nothing to load");
    return physical_entry(memory, image, header.e_entry, parts);
}

}  // namespace

u64 load_multiboot_image(KernelMemory& memory, const BootImage& image, const MultibootHeader& header) {
    if ((header.flags & kAddressFields) != 0) return load_by_fields(memory, image, header);
    return load_elf32(memory, image);
}

}  // namespace orrery
