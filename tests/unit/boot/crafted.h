// Kernels made by hand for the loaders' tests: just enough of each format, to be spoilt field by field.
#pragma once

#include <elf.h>

#include <cstring>
#include <functional>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/boot_image.h"
#include "tests/unit/catch.h"

namespace orrery::test {

template <typename T>
void put(BootImage& image, u64 offset, const T& value) {
    if (image.bytes.size() < offset + sizeof value) image.bytes.resize(offset + sizeof value);
    std::memcpy(&image.bytes[offset], &value, sizeof value);
}

// An ELF64 with one PT_LOAD (64 bytes of code, 8 KiB of memory at 1 MiB) and the PVH note.
struct CraftedElf {
    Elf64_Ehdr header{};
    Elf64_Phdr load{};
    Elf64_Phdr note{};
    Elf64_Nhdr note_header{4, 4, 18};
    u32 entry = 0x100010;
    CraftedElf() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 2;
        load.p_type = PT_LOAD;
        load.p_offset = 0x200;
        load.p_paddr = 0x100000;
        load.p_vaddr = 0xffff'ffff'8010'0000;
        load.p_filesz = 64;
        load.p_memsz = 8192;
        note.p_type = PT_NOTE;
        note.p_offset = 0x100;
        note.p_filesz = 20;
    }
    BootImage image() const {
        BootImage made{"crafted.elf", {}};
        put(made, 0, header);
        put(made, sizeof header, load);
        put(made, sizeof header + sizeof load, note);
        put(made, 0x100, note_header);
        put(made, 0x10c, std::array<char, 4>{'X', 'e', 'n', 0});
        put(made, 0x110, entry);
        made.bytes.resize(0x200 + 64);
        for (unsigned i = 0; i < 64; ++i) made.bytes[0x200 + i] = static_cast<u8>(0x90 + i);
        return made;
    }
};

// A bzImage of protocol 2.15: 4 setup sectors, 8 KiB of payload, init_size 64 KiB at 16 MiB.
inline BootImage crafted_bzimage() {
    BootImage image{"crafted.bzImage", std::vector<u8>(5 * 512 + 8192)};
    put<u8>(image, 0x1f1, 4);
    put<u32>(image, 0x1f4, 8192 / 16);
    put<u16>(image, 0x1fe, 0xaa55);
    put<u8>(image, 0x201, 0x6a);
    put<u32>(image, 0x202, 0x53726448);
    put<u16>(image, 0x206, 0x20f);
    put<u8>(image, 0x211, 1);
    put<u32>(image, 0x22c, 0x7fffffff);
    put<u8>(image, 0x234, 1);
    put<u16>(image, 0x236, 0x7f);
    put<u32>(image, 0x238, 2047);
    put<u64>(image, 0x258, 0x1000000);
    put<u32>(image, 0x260, 0x10000);
    for (unsigned i = 0; i < 8192; ++i) image.bytes[5 * 512 + i] = static_cast<u8>(i * 7);
    return image;
}

// The message that `action` fails with; fails the test if it does not, or not by a BootError of one line.
inline std::string boot_error(const std::function<void()>& action) {
    try {
        action();
    } catch (const BootError& error) {
        const std::string text = error.what();
        CHECK(text.find('\n') == std::string::npos);
        return text;
    }
    FAIL("no BootError was thrown");
    return {};
}

}  // namespace orrery::test
