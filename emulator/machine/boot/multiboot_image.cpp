#include "emulator/machine/boot/multiboot_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/memory_map.h"
#include "emulator/machine/boot/pvh.h"

namespace orrery {

namespace {

constexpr u32 kAddressFields = 1 << 16;

[[noreturn]] void fail(const BootImage& image, const std::string& why) {
    throw BootError(image.name + ": " + why);
}

// `file_size` bytes at `offset` of the file to `physical`, then zeros up to `memory_size`.
void put(Bus& bus, const BootImage& image, u64 physical, u64 offset, u64 file_size, u64 memory_size) {
    if (file_size > memory_size) fail(image, "has a part with more bytes than memory");
    if (!image.has(offset, file_size)) fail(image, "is truncated: a part of it lies beyond its end");
    if (physical < kHighMemory) fail(image, "wants memory below 1 MiB, which is the boot loader's");
    const u64 end = physical + memory_size;
    if (end > kPciHoleStart) fail(image, "wants physical addresses that are not memory");
    if (end > bus.ram_size())
        fail(image, "needs " + mebibytes(end) + " of memory, the machine has " + mebibytes(bus.ram_size()));
    bus.dma_write(physical, image.bytes.data() + offset, file_size);
    // Fresh RAM is zero, but two parts of a file may overlap.
    const std::vector<u8> zeros(std::min<u64>(memory_size - file_size, 1 << 20));
    for (u64 at = physical + file_size; at < end;) {
        const u64 count = std::min<u64>(zeros.size(), end - at);
        bus.dma_write(at, zeros.data(), count);
        at += count;
    }
}

LoadedMultiboot load_by_fields(Bus& bus, const BootImage& image, const MultibootHeader& header) {
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
    put(bus, image, load, offset, size, end - load);
    if (entry < load || entry >= end) fail(image, "has its entry outside of what is loaded");
    return {entry, end};
}

LoadedMultiboot load_elf32(Bus& bus, const BootImage& image) {
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
    LoadedMultiboot loaded{header.e_entry, 0};
    bool entry_loaded = false;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr part;
        std::memcpy(&part, image.bytes.data() + header.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type != PT_LOAD || part.p_memsz == 0) continue;
        put(bus, image, part.p_paddr, part.p_offset, part.p_filesz, part.p_memsz);
        loaded.end = std::max(loaded.end, u64{part.p_paddr} + part.p_memsz);
        // The entry is a virtual address; paging is off, so that what counts is where it was loaded.
        if (!entry_loaded && header.e_entry >= part.p_vaddr && header.e_entry - part.p_vaddr < part.p_memsz) {
            loaded.entry = u64{header.e_entry} - part.p_vaddr + part.p_paddr;
            entry_loaded = true;
        }
    }
    if (loaded.end == 0) fail(image, "has nothing to load");
    if (!entry_loaded) fail(image, "has its entry outside of what is loaded");
    return loaded;
}

}  // namespace

LoadedMultiboot load_multiboot_image(Bus& bus, const BootImage& image, const MultibootHeader& header) {
    if ((header.flags & kAddressFields) != 0) return load_by_fields(bus, image, header);
    return load_elf32(bus, image);
}

}  // namespace orrery
