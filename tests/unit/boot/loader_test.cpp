// Loading guests: what the boot protocols promise is in memory and registers; whatever is wrong with a file
// is one line that names the file and the fault.
#include "emulator/machine/boot/loader.h"

#include <unistd.h>

#include <cstdio>

#include "devices/virtio_rng.h"
#include "emulator/machine/boot/memory_map.h"
#include "tests/unit/boot/crafted.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kRsdp = 0xe0000;

template <typename T>
T peek(Bus& bus, u64 address) {
    T value{};
    REQUIRE(bus.dma_read(address, &value, sizeof value));
    return value;
}

std::string text_at(Bus& bus, u64 address) {
    std::string text;
    while (char c = peek<char>(bus, address + text.size())) text += c;
    return text;
}

bool is_elf_like(const BootImage& image) {
    return image.bytes[0] == 0x7f || image.bytes[1] == 'E';
}

bool contains(const std::string& text, const std::string& part) {
    INFO("'" << text << "' should contain '" << part << "'");
    const bool found = text.find(part) != std::string::npos;
    CHECK(found);
    return found;
}

std::string elf_error(const std::function<void(CraftedElf&)>& spoil, u64 ram = 16 << 20) {
    CraftedElf elf;
    spoil(elf);
    Bus bus(ram);
    const std::string text = boot_error([&] { load_guest(bus, {elf.image(), std::nullopt, ""}, kRsdp); });
    contains(text, "crafted.elf: ");
    return text;
}

std::string bzimage_error(const std::function<void(BootImage&)>& spoil, u64 ram = 64 << 20) {
    BootImage image = crafted_bzimage();
    spoil(image);
    Bus bus(ram);
    return boot_error([&] { load_guest(bus, {image, std::nullopt, ""}, kRsdp); });
}

}  // namespace

TEST_CASE("pvh: an ELF is entered as the ABI says") {
    Bus bus(16 << 20);
    const CraftedElf elf;
    BootImage initrd{"initrd", std::vector<u8>(5000, 0x5a)};
    const EntryState state = load_guest(bus, {elf.image(), initrd, "console=ttyS0 quiet"}, kRsdp);
    CHECK(state.rip == 0x100010);
    CHECK((state.cr0 & 0x8000'0001) == 1);
    CHECK(state.cr4 == 0);
    CHECK(state.efer == 0);
    CHECK(state.rflags == 2);
    CHECK(state.segments[1].access == kFlatCode32);
    CHECK(state.segments[3].access == kFlatData);
    CHECK(state.tr.limit == 0x67);

    const u64 info = state.gpr[3];
    CHECK(peek<u32>(bus, info) == 0x336ec578);
    CHECK(peek<u32>(bus, info + 4) == 1);
    CHECK(peek<u32>(bus, info + 12) == 1);
    CHECK(text_at(bus, peek<u64>(bus, info + 24)) == "console=ttyS0 quiet");
    CHECK(peek<u64>(bus, info + 32) == kRsdp);
    const u64 module = peek<u64>(bus, info + 16);
    const u64 initrd_at = peek<u64>(bus, module);
    CHECK(peek<u64>(bus, module + 8) == 5000);
    CHECK(initrd_at % 4096 == 0);
    CHECK(initrd_at + 8192 == (16 << 20));
    CHECK(peek<u8>(bus, initrd_at + 4999) == 0x5a);
    const u64 map = peek<u64>(bus, info + 40);
    CHECK(peek<u64>(bus, map) == 0);
    CHECK(peek<u32>(bus, map + 16) == 1);
    CHECK(peek<u32>(bus, info + 48) == memory_map(bus).size());

    CHECK(peek<u8>(bus, 0x100001) == 0x91);
    CHECK(peek<u8>(bus, 0x100040) == 0);
}

TEST_CASE("pvh: a segment's memory behind its bytes is zero, whatever was there") {
    Bus bus(16 << 20);
    bus.write(0x101000, 8, ~u64{0});
    load_guest(bus, {CraftedElf().image(), std::nullopt, ""}, kRsdp);
    CHECK(peek<u64>(bus, 0x101000) == 0);
}

TEST_CASE("pvh: a kernel may lie where the loader's structures usually are") {
    for (const u32 place : {0x1000u, 0x20000u}) {
        Bus bus(16 << 20);
        CraftedElf elf;
        elf.load.p_paddr = place;
        elf.entry = place + 16;
        const BootImage initrd{"initrd", std::vector<u8>(5000, 0x5a)};
        const EntryState state = load_guest(bus, {elf.image(), initrd, "quiet"}, kRsdp);
        CHECK(state.rip == place + 16);
        CHECK(peek<u8>(bus, place + 1) == 0x91);
        const u64 info = state.gpr[3], text = peek<u64>(bus, info + 24);
        CHECK((info + 0x1000 <= place || info >= place + 8192));
        CHECK(text_at(bus, text) == "quiet");
        CHECK(peek<u64>(bus, peek<u64>(bus, info + 16)) >= 0x100000);
    }
}

TEST_CASE("pvh: damaged and foreign ELF files are refused") {
    contains(elf_error([](CraftedElf& e) { e.header.e_ident[EI_CLASS] = ELFCLASS32; }),
             "32-bit ELF file without a multiboot header");
    contains(elf_error([](CraftedElf& e) { e.header.e_ident[EI_DATA] = ELFDATA2MSB; }), "big-endian");
    contains(elf_error([](CraftedElf& e) { e.header.e_machine = EM_AARCH64; }), "another machine");
    contains(elf_error([](CraftedElf& e) { e.header.e_type = ET_REL; }), "not an executable");
    contains(elf_error([](CraftedElf& e) { e.header.e_phnum = 0; }), "no program headers");
    contains(elf_error([](CraftedElf& e) { e.header.e_phentsize = 32; }), "wrong size");
    contains(elf_error([](CraftedElf& e) { e.header.e_phoff = ~u64{0} - 8; }), "truncated");
    contains(elf_error([](CraftedElf& e) { e.header.e_phnum = 0xffff; }), "truncated");
    contains(elf_error([](CraftedElf& e) { e.load.p_offset = ~u64{0}; }), "truncated");
    contains(elf_error([](CraftedElf& e) { e.load.p_filesz = 1 << 20; }), "truncated");
    contains(elf_error([](CraftedElf& e) { e.load.p_memsz = 8; }), "more bytes than memory");
    contains(elf_error([](CraftedElf& e) { e.load.p_memsz = 0; }), "nothing to load");
    contains(elf_error([](CraftedElf& e) { e.load.p_paddr = 0xe0000; }), "below 1 MiB that is not free");
    contains(elf_error([](CraftedElf& e) { e.load.p_paddr = 0x9f000; }), "below 1 MiB that is not free");
    contains(elf_error([](CraftedElf& e) { e.load.p_paddr = ~u64{0} - 4096; }), "not memory");
    contains(elf_error([](CraftedElf& e) { e.load.p_paddr = 0xfee00000; }), "not memory");
    contains(elf_error([](CraftedElf& e) { e.note.p_type = PT_NULL; }), "no PVH entry");
    contains(elf_error([](CraftedElf& e) { e.note_header.n_type = 1; }), "no PVH entry");
    contains(elf_error([](CraftedElf& e) { e.note_header.n_descsz = 0xffff'fff0; }), "damaged note");
    contains(elf_error([](CraftedElf& e) { e.note_header.n_namesz = 0xffff'ffff; }), "damaged note");
    contains(elf_error([](CraftedElf& e) { e.entry = 0x300000; }), "outside of its segments");
}

TEST_CASE("pvh: a kernel too big for the machine says what it needs") {
    const std::string text = elf_error([](CraftedElf& e) { e.load.p_memsz = 40 << 20; });
    contains(text, "needs 41 MiB");
    contains(text, "has 16 MiB");
    contains(elf_error([](CraftedElf&) {}, 1 << 20), "too small");
    contains(elf_error([](CraftedElf&) {}, 4096), "too small");
}

TEST_CASE("pvh: every truncation of a good file is an error or boots, and never crashes") {
    const BootImage whole = CraftedElf().image();
    for (size_t size = 0; size < whole.bytes.size(); ++size) {
        BootImage cut{"cut", {whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(size)}};
        Bus bus(4 << 20);
        CHECK_THROWS_AS(load_guest(bus, {cut, std::nullopt, ""}, kRsdp), BootError);
    }
}

TEST_CASE("loader: an initrd that does not fit, and a command line too long, are errors") {
    Bus bus(16 << 20);
    BootImage big{"big.cpio", std::vector<u8>(15 << 20)};
    const std::string text = boot_error([&] { load_guest(bus, {CraftedElf().image(), big, ""}, kRsdp); });
    contains(text, "big.cpio: does not fit");
    contains(text, "17 MiB");
    contains(boot_error([&] {
                 load_guest(bus, {CraftedElf().image(), std::nullopt, std::string(70000, 'x')}, kRsdp);
             }),
             "command line has 70000 bytes");
}

TEST_CASE("loader: what is no kernel at all") {
    Bus bus(16 << 20);
    for (const std::string& text :
         {std::string("#!/bin/sh\n"), std::string("\x1f\x8b\x08"), std::string("x")}) {
        BootImage image{"some.file", {text.begin(), text.end()}};
        contains(boot_error([&] {
                     load_guest(bus, {image, std::nullopt, ""}, kRsdp);
                 }),
                 "some.file: is neither an ELF file nor a multiboot kernel nor a Linux bzImage");
    }
    contains(boot_error([&] {
                 load_guest(bus, {BootImage{"none", {}}, std::nullopt, ""}, kRsdp);
             }),
             "none: is empty");
}

TEST_CASE("bzimage: a Linux kernel is entered as the 64-bit boot protocol says") {
    Bus bus(64 << 20);
    BootImage initrd{"initrd", std::vector<u8>(100, 1)};
    const EntryState state = load_guest(bus, {crafted_bzimage(), initrd, "quiet"}, kRsdp);
    CHECK(state.rip == 0x1000200);
    CHECK(state.gpr[6] == kBootParamsAddress);
    CHECK(state.efer == 0x500);
    CHECK((state.cr4 & 0x20) != 0);
    CHECK((state.cr0 & 0x8000'0001) == 0x8000'0001);
    CHECK(state.segments[1].selector == 0x10);
    CHECK(state.segments[3].selector == 0x18);
    CHECK(peek<u64>(bus, state.gdtr.base + 0x10) == 0x00af9b000000ffff);
    CHECK(peek<u8>(bus, 0x1000001) == 7);

    // Any address of the low 4 GiB maps to itself.
    for (u64 address : {u64{0}, u64{0x1000200}, u64{0xfee00000}}) {
        const u64 pdpt = peek<u64>(bus, state.cr3) & ~u64{0xfff};
        const u64 pd = peek<u64>(bus, pdpt + 8 * (address >> 30)) & ~u64{0xfff};
        const u64 entry = peek<u64>(bus, pd + 8 * (address >> 21 & 511));
        CHECK(entry == ((address & ~u64{0x1fffff}) | 0x83));
    }

    const u64 params = state.gpr[6];
    CHECK(peek<u32>(bus, params + 0x202) == 0x53726448);
    CHECK(peek<u8>(bus, params + 0x210) == 0xff);
    CHECK(text_at(bus, peek<u32>(bus, params + 0x228)) == "quiet");
    CHECK(peek<u32>(bus, params + 0x21c) == 100);
    CHECK(peek<u8>(bus, peek<u32>(bus, params + 0x218) + 99) == 1);
    CHECK(peek<u64>(bus, params + 0x70) == kRsdp);
    const auto map = memory_map(bus);
    CHECK(peek<u8>(bus, params + 0x1e8) == map.size());
    for (size_t i = 0; i < map.size(); ++i) {
        CHECK(peek<u64>(bus, params + 0x2d0 + 20 * i) == map[i].base);
        CHECK(peek<u64>(bus, params + 0x2d8 + 20 * i) == map[i].length);
    }
}

TEST_CASE("bzimage: damaged and unsuitable kernels are refused") {
    contains(bzimage_error([](BootImage& i) { put<u16>(i, 0x206, 0x20a); }), "boot protocol 2.10");
    contains(bzimage_error([](BootImage& i) { put<u16>(i, 0x236, 0); }), "not a 64-bit Linux kernel");
    contains(bzimage_error([](BootImage& i) { i.bytes.resize(6000); }), "is truncated");
    contains(bzimage_error([](BootImage& i) { i.bytes.resize(0x210); }), "truncated");
    contains(bzimage_error([](BootImage& i) { put<u32>(i, 0x1f4, 0xffff'ffff); }), "is truncated");
    contains(bzimage_error([](BootImage& i) { put<u32>(i, 0x1f4, 0); }), "is truncated");
    contains(bzimage_error([](BootImage& i) { put<u8>(i, 0x1f1, 255); }), "is truncated");
    contains(bzimage_error([](BootImage& i) { put<u64>(i, 0x258, 0x8000); }), "not memory");
    contains(bzimage_error([](BootImage& i) { put<u64>(i, 0x258, ~u64{0}); }), "not memory");
    contains(bzimage_error([](BootImage& i) { put<u32>(i, 0x260, 100 << 20); }), "needs 116 MiB");
    contains(bzimage_error([](BootImage&) {}, 8 << 20), "needs 17 MiB");
    contains(bzimage_error([](BootImage& i) { put<u8>(i, 0x201, 0); }, 8 << 20), "needs 17 MiB");
}

TEST_CASE("boot image: files that cannot be read say why") {
    contains(boot_error([] { read_boot_image("/nonexistent/kernel"); }), "/nonexistent/kernel: No such file");
    contains(boot_error([] { read_boot_image("/tmp"); }), "/tmp: is a directory");
    contains(boot_error([] { read_boot_image("/dev/null"); }), "/dev/null: is not a regular file");
    char path[] = "/tmp/orrery-boot-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    contains(boot_error([&] { read_boot_image(path); }), "is empty");
    REQUIRE(write(fd, "abc", 3) == 3);
    close(fd);
    const BootImage image = read_boot_image(path);
    CHECK(image.bytes == std::vector<u8>{'a', 'b', 'c'});
    CHECK(image.name == path);
    std::remove(path);
}

TEST_CASE("memory map: ranges ascend, and memory above 4 GiB is there") {
    Bus bus(u64{4} << 30);
    const auto map = memory_map(bus);
    for (size_t i = 1; i < map.size(); ++i) CHECK(map[i - 1].base + map[i - 1].length <= map[i].base);
    CHECK(map.back().base == kPciHoleEnd);
    CHECK(map.back().length == u64{1} << 30);
}

TEST_CASE("loader: randomly damaged kernels load or are refused, and nothing else happens") {
    SeededBytes random(7);
    unsigned refused = 0;
    Bus bus(32 << 20);
    for (const BootImage& good : {CraftedElf().image(), crafted_bzimage()}) {
        for (unsigned round = 0; round < 2000; ++round) {
            BootImage bad = good;
            u8 draw[9];
            random.fill(draw);
            // A few bytes of the headers, with values that are often extreme.
            for (unsigned i = 0; i < 3; ++i) {
                const size_t range = is_elf_like(bad) ? 0x114 : 0x270;
                const u8 values[] = {0, 1, 0x7f, 0x80, 0xff, draw[3 * i + 2]};
                bad.bytes[(draw[3 * i] | draw[3 * i + 1] << 8) % range] = values[draw[3 * i + 2] % 6];
            }
            try {
                load_guest(bus, {bad, BootImage{"initrd", {1, 2, 3}}, "x"}, kRsdp);
            } catch (const BootError&) {
                ++refused;
            }
        }
    }
    CHECK(refused > 100);
}
