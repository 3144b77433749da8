// Multiboot kernels: what the specification promises is in memory and registers, both ways of saying where a
// kernel goes, and one line for whatever is wrong.
#include "emulator/machine/boot/multiboot.h"

#include <cstdio>
#include <fstream>

#include "devices/virtio_rng.h"
#include "emulator/machine/boot/memory_map.h"
#include "tests/unit/boot/crafted.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u32 kMagic = 0x1badb002;

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

void put_header(BootImage& image, u64 offset, u32 flags) {
    put<u32>(image, offset, kMagic);
    put<u32>(image, offset + 4, flags);
    put<u32>(image, offset + 8, 0 - kMagic - flags);
}

// 256 bytes, the header at 16, to be loaded from byte 8 on to 2 MiB, 4 KiB of bss behind.
BootImage crafted_flat() {
    BootImage image{"dir/flat.bin", std::vector<u8>(256)};
    for (unsigned i = 0; i < 256; ++i) image.bytes[i] = static_cast<u8>(i);
    put_header(image, 16, 0x10003);
    put<u32>(image, 28, 0x200008);  // header
    put<u32>(image, 32, 0x200000);  // load
    put<u32>(image, 36, 0);         // load end: the file's
    put<u32>(image, 40, 0x201000);  // bss end
    put<u32>(image, 44, 0x200040);  // entry
    return image;
}

// An ELF32 linked at 3 GiB, loaded to 1 MiB.
BootImage crafted_elf32() {
    Elf32_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_386;
    header.e_entry = 0xc0000020;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf32_Phdr);
    header.e_phnum = 1;
    const Elf32_Phdr part{PT_LOAD, 0x100, 0xc0000000, 0x100000, 64, 8192, 7, 4096};
    BootImage image{"kernel.elf", std::vector<u8>(0x140, 0x33)};
    put(image, 0, header);
    put(image, sizeof header, part);
    put_header(image, 0x80, 0);
    return image;
}

std::string flat_error(const std::function<void(BootImage&)>& spoil, u64 ram = 16 << 20) {
    BootImage image = crafted_flat();
    spoil(image);
    Bus bus(ram);
    return boot_error([&] { load_guest(bus, {image, std::nullopt, ""}, 0xe0000); });
}

std::string elf_error(const std::function<void(BootImage&)>& spoil) {
    BootImage image = crafted_elf32();
    spoil(image);
    Bus bus(16 << 20);
    return boot_error([&] { load_guest(bus, {image, std::nullopt, ""}, 0xe0000); });
}

void says(const std::string& text, const std::string& part) {
    INFO("'" << text << "' should contain '" << part << "'");
    CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("multiboot: a kernel is entered as the specification says") {
    Bus bus(64 << 20);
    bus.write(0x200800, 8, ~u64{0});
    GuestFiles files{crafted_flat(), std::nullopt, "for Linux"};
    files.arguments = "a b";
    files.modules = {{{"m1", std::vector<u8>(5000, 1)}, "m1 x=1"}, {{"m2", {7, 8}}, "m2"}};
    const EntryState state = load_guest(bus, files, 0xe0000);
    CHECK(state.rip == 0x200040);
    CHECK(state.gpr[0] == 0x2badb002);
    CHECK(state.cr0 == 0x11);
    CHECK(state.rflags == 2);
    CHECK(state.segments[1].access == kFlatCode32);
    CHECK(state.segments[2].limit == 0xffff'ffff);
    CHECK(peek<u8>(bus, 0x200040) == 0x48);  // byte 8 + 64 of the file
    CHECK(peek<u64>(bus, 0x200800) == 0);    // bss

    const u64 info = state.gpr[3];
    CHECK(peek<u32>(bus, info) == 0x24d);
    CHECK(peek<u32>(bus, info + 4) == 639);
    CHECK(peek<u32>(bus, info + 8) == 63 * 1024);
    CHECK(text_at(bus, peek<u32>(bus, info + 16)) == "flat.bin a b");
    CHECK(text_at(bus, peek<u32>(bus, info + 64)) == "Orrery");
    REQUIRE(peek<u32>(bus, info + 20) == 2);
    const u64 modules = peek<u32>(bus, info + 24);
    CHECK(peek<u32>(bus, modules) == 0x201000);
    CHECK(peek<u32>(bus, modules + 4) == 0x201000 + 5000);
    CHECK(text_at(bus, peek<u32>(bus, modules + 8)) == "m1 x=1");
    CHECK(peek<u32>(bus, modules + 16) == 0x203000);
    CHECK(peek<u16>(bus, 0x203000) == 0x0807);
    CHECK(text_at(bus, peek<u32>(bus, modules + 24)) == "m2");

    const auto map = memory_map(bus);
    u64 at = peek<u32>(bus, info + 48);
    const u64 end = at + peek<u32>(bus, info + 44);
    for (const MemoryRange& range : map) {
        CHECK(peek<u64>(bus, at + 4) == range.base);
        CHECK(peek<u64>(bus, at + 12) == range.length);
        CHECK(peek<u32>(bus, at + 20) == static_cast<u32>(range.type));
        at += peek<u32>(bus, at) + 4;
    }
    CHECK(at == end);
}

TEST_CASE("multiboot: an ELF32 is loaded by physical address, and its entry follows") {
    Bus bus(16 << 20);
    bus.write(0x100100, 8, ~u64{0});
    const EntryState state = load_guest(bus, {crafted_elf32(), std::nullopt, ""}, 0xe0000);
    CHECK(state.rip == 0x100020);
    CHECK(peek<u8>(bus, 0x10003f) == 0x33);
    CHECK(peek<u64>(bus, 0x100100) == 0);
}

TEST_CASE("multiboot: the entry of an ELF32 that is linked high may be the physical one") {
    BootImage image = crafted_elf32();
    put<u32>(image, 24, 0x100020);
    Bus bus(16 << 20);
    CHECK(load_guest(bus, {image, std::nullopt, ""}, 0xe0000).rip == 0x100020);
}

TEST_CASE("multiboot: a kernel may lie below 1 MiB, and the loader's structures beside it") {
    for (const u32 place : {0x500u, 0x1000u, 0x8000u, 0x20000u, 0x9f000u}) {
        INFO("at " << place);
        BootImage image = crafted_elf32();
        put<u32>(image, 52 + 8, place);   // p_vaddr
        put<u32>(image, 52 + 12, place);  // p_paddr
        put<u32>(image, 52 + 20, 0xc00);  // p_memsz
        put<u32>(image, 24, place);
        Bus bus(16 << 20);
        GuestFiles files{image, std::nullopt, ""};
        files.arguments = "a b";
        files.modules = {{{"m1", {1, 2}}, "m1 x"}};
        const EntryState state = load_guest(bus, files, 0xe0000);
        CHECK(state.rip == place);
        CHECK(peek<u8>(bus, place + 63) == 0x33);
        CHECK(peek<u8>(bus, place + 64) == 0);
        const u64 info = state.gpr[3];
        CHECK((info + 0x1000 <= place || info >= place + 0xc00));
        const u64 text = peek<u32>(bus, info + 16);
        CHECK(text_at(bus, text) == "kernel.elf a b");
        CHECK((text + 15 <= place || text >= place + 0xc00));
        const u64 modules = peek<u32>(bus, info + 24);
        CHECK(peek<u32>(bus, modules) == 0x100000);
        CHECK(text_at(bus, peek<u32>(bus, modules + 8)) == "m1 x");
    }
}

TEST_CASE("multiboot: the page of an ELF's headers may lie in front of a kernel at 1 MiB") {
    BootImage image = crafted_elf32();
    put<u16>(image, 44, 2);  // e_phnum
    const Elf32_Phdr headers{PT_LOAD, 0, 0xff000, 0xff000, 0x74, 0x74, 4, 4096};
    put(image, sizeof(Elf32_Ehdr) + sizeof headers, headers);
    Bus bus(16 << 20);
    CHECK(load_guest(bus, {image, std::nullopt, ""}, 0xe0000).rip == 0x100020);
    CHECK(peek<u32>(bus, 0xff000) == 0x464c457f);
}

TEST_CASE("multiboot: a kernel that fills conventional memory leaves no room") {
    BootImage image = crafted_elf32();
    put<u32>(image, 52 + 12, 0);
    put<u32>(image, 52 + 20, 0x9fc00);
    put<u32>(image, 24, 0);
    Bus bus(16 << 20);
    says(boot_error([&] { load_guest(bus, {image, std::nullopt, ""}, 0xe0000); }), "leaves no room");
}

TEST_CASE("multiboot: the header is found at any multiple of 4 in the first 8 KiB, and not beyond") {
    for (u64 offset : {0, 4, 8180}) {
        BootImage image{"x", std::vector<u8>(9000)};
        put_header(image, offset, 0x10000);
        CHECK(find_multiboot_header(image)->offset == offset);
    }
    for (u64 offset : {2, 8184, 8192}) {
        BootImage image{"x", std::vector<u8>(9000)};
        put_header(image, offset, 0x10000);
        CHECK_FALSE(find_multiboot_header(image).has_value());
    }
}

TEST_CASE("multiboot: damaged and unsuitable kernels are refused") {
    says(flat_error([](BootImage& i) { put<u32>(i, 24, 0); }),
         "flat.bin: has a multiboot header with a wrong");
    says(flat_error([](BootImage& i) { put_header(i, 16, 0x10004); }), "asks for a video mode");
    says(flat_error([](BootImage& i) { put_header(i, 16, 0x18000); }), "does not know");
    says(flat_error([](BootImage& i) { put_header(i, 16, 3); }), "without addresses");
    says(flat_error([](BootImage& i) { i.bytes.resize(36); }), "truncated multiboot header");
    says(flat_error([](BootImage& i) { i.bytes.resize(22); }), "truncated multiboot header");
    says(flat_error([](BootImage& i) { put<u32>(i, 32, 0x1fffe0); }), "before the file's begin");
    says(flat_error([](BootImage& i) { put<u32>(i, 32, 0x200010); }), "before the file's begin");
    says(flat_error([](BootImage& i) { put<u32>(i, 36, 0x1000); }), "descend");
    says(flat_error([](BootImage& i) { put<u32>(i, 36, 0x300000); }), "is truncated");
    says(flat_error([](BootImage& i) { put<u32>(i, 40, 0xffff'ffff); }), "not memory");
    says(flat_error([](BootImage& i) { put<u32>(i, 40, 0x4000'0000); }), "needs 1024 MiB");
    says(flat_error([](BootImage& i) { put<u32>(i, 44, 0x201000); }), "entry outside");
    says(flat_error([](BootImage& i) {
             put<u32>(i, 28, 0x9fc08);
             put<u32>(i, 32, 0x9fc00);
             put<u32>(i, 40, 0x9fd00);
         }),
         "below 1 MiB that is not free");

    says(elf_error([](BootImage& i) { put<u32>(i, 0x88, 1); }), "wrong checksum");
    says(elf_error([](BootImage& i) { put<u32>(i, 0x80, 1); }), "32-bit ELF file without a multiboot header");
    says(elf_error([](BootImage& i) { put<u16>(i, 18, EM_ARM); }), "not an ELF file for 32-bit x86");
    says(elf_error([](BootImage& i) { put<u16>(i, 16, ET_REL); }), "not an executable");
    says(elf_error([](BootImage& i) { put<u32>(i, 28, 0xffff'fff0); }), "truncated");
    says(elf_error([](BootImage& i) { put<u16>(i, 44, 0); }), "nothing to load");
    says(elf_error([](BootImage& i) { put<u32>(i, 24, 0x300000); }), "entry outside");
    says(elf_error([](BootImage& i) { put<u32>(i, 52 + 4, 0x10000); }), "is truncated");
    says(elf_error([](BootImage& i) { put<u32>(i, 52 + 20, 8); }), "more bytes than memory");
}

TEST_CASE("multiboot: modules are files with arguments, and must fit") {
    char path[] = "/tmp/orrery-module-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    std::ofstream(path) << "abc";
    const std::string name = path;
    const auto modules = read_modules(name + " one two," + name);
    REQUIRE(modules.size() == 2);
    CHECK(modules[0].image.bytes.size() == 3);
    CHECK(modules[0].text == name + " one two");
    CHECK(modules[1].text == name);
    says(boot_error([&] { read_modules(name + ",/nonexistent/module x"); }),
         "/nonexistent/module: No such file");
    std::remove(path);

    Bus bus(16 << 20);
    GuestFiles files{crafted_flat(), std::nullopt, ""};
    files.modules = {{{"big", std::vector<u8>(15 << 20)}, "big"}};
    says(boot_error([&] { load_guest(bus, files, 0xe0000); }), "big: does not fit");
    files.modules = {{{"talkative", {1}}, std::string(70000, 'x')}};
    says(boot_error([&] { load_guest(bus, files, 0xe0000); }),
         "talkative: the modules' arguments are too long");
}

TEST_CASE("multiboot: randomly damaged kernels load or are refused, and nothing else happens") {
    SeededBytes random(11);
    unsigned refused = 0;
    Bus bus(32 << 20);
    for (unsigned round = 0; round < 4000; ++round) {
        BootImage bad = round % 2 == 0 ? crafted_flat() : crafted_elf32();
        u8 draw[9];
        random.fill(draw);
        for (unsigned i = 0; i < 3; ++i) {
            const u8 values[] = {0, 1, 0x7f, 0x80, 0xff, draw[3 * i + 2]};
            // Not the header's first 12 bytes: without them it is no multiboot kernel.
            const size_t range = round % 2 == 0 ? 20 : 0x74;
            const size_t base = round % 2 == 0 ? 28 : 0;
            bad.bytes[base + draw[3 * i] % range] = values[draw[3 * i + 2] % 6];
        }
        try {
            load_guest(bus, {bad, std::nullopt, "x"}, 0xe0000);
        } catch (const BootError&) {
            ++refused;
        }
    }
    CHECK(refused > 100);
}
