// ELF structures and constants, of both classes (System V ABI, chapters 4 and 5; gABI auxiliary vector in elf/common).
//
// Guarantees: the ABI's layouts.
#pragma once

#include "core/types.h"

struct Elf64Ehdr {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct Elf64Phdr {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
static_assert(sizeof(Elf64Ehdr) == 64 && sizeof(Elf64Phdr) == 56);

struct Elf32Ehdr {
    u8 ident[16];
    u16 type, machine;
    u32 version, entry, phoff, shoff, flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct Elf32Phdr {
    u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
static_assert(sizeof(Elf32Ehdr) == 52 && sizeof(Elf32Phdr) == 32);

constexpr u16 kEtExec = 2, kEtDyn = 3, kEm386 = 3, kEm486 = 6, kEmX86_64 = 62;
constexpr u32 kPtLoad = 1, kPtInterp = 3, kPtGnuStack = 0x6474e551;
constexpr u32 kPfX = 1, kPfW = 2, kPfR = 4;

enum AuxType : u64 {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_PLATFORM = 15,
    AT_HWCAP = 16,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_HWCAP2 = 26,
    AT_EXECFN = 31,
    AT_SYSINFO_EHDR = 33,
    AT_MINSIGSTKSZ = 51,
};
