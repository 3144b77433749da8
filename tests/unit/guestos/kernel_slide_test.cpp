// A kernel that places itself at random is found in the machine, and its symbols are moved there.
#include "emulator/guestos/kernel_slide.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/points/breakpoints.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;

namespace {

constexpr u64 kBase = 0xffff'ffff'8100'0000, kEntry = kBase + 0x80, kBanner = kBase + 0x900;
constexpr u64 kMoved = u64{4} << 20;

DebugInfo kernel_info() {
    DebugInfo info(SymbolTable::of({{"entry_SYSCALL_64", "entry_SYSCALL_64", kEntry, 0x20, true},
                                    {"linux_banner", "linux_banner", kBanner, 0x80, false}}),
                   {}, {});
    info.relocatable = true;
    return info;
}

// Its code goes over to tables that have a kernel at kBase + kMoved too.
struct MovedKernel : SmallMachine {
    MovedKernel() {
        put(0x5000, 0x2027);
        put(0x5ff8, 0x6027);    // PML4[511]
        put(0x6ff0, 0x7027);    // PDPT[510]
        put(0x7050, 0x6000e3);  // PD[10]: 2 MiB at 0x600000
        const char text[] = "Linux version 6.1.0";
        for (size_t i = 0; i < sizeof text; ++i) write(0x600900 + i, {static_cast<u8>(text[i])});
        // inc rcx; mov eax, 0x5000; mov cr3, rax; inc rcx; jmp to itself
        write(kCode, {0x48, 0xff, 0xc1, 0xb8, 0, 0x50, 0, 0, 0x0f, 0x22, 0xd8, 0x48, 0xff, 0xc1, 0xeb, 0xfe});
    }
};

RunLimits limit(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

}  // namespace

TEST_CASE("symbols that are moved are found where they are", "[guest]") {
    DebugInfo info = kernel_info();
    info.symbols.slide_to(kMoved);
    CHECK(info.symbols.describe(kEntry + kMoved + 4) == "entry_SYSCALL_64+0x4");
    CHECK(info.symbols.at(kEntry + 4) == nullptr);
    CHECK(info.symbols.find("linux_banner")->address == kBanner + kMoved);
    info.symbols.slide_to(0);
    CHECK(info.symbols.find("linux_banner")->address == kBanner);
}

TEST_CASE("a kernel's place is found as soon as it is mapped, and by LSTAR", "[guest]") {
    MovedKernel small;
    DebugInfo info = kernel_info();
    KernelSlide slide(small.machine, &info);
    BreakpointSet breakpoints;
    breakpoints.add("entry_SYSCALL_64+0x8", &info);
    breakpoints.add("0x1234", &info);
    breakpoints.add(0x5678, "a click");
    CHECK_FALSE(slide.follow());
    CHECK_FALSE(slide.known());

    // To the instruction after the one that loads CR3.
    CHECK(slide.reach(limit(1000)) == StopReason::Budget);
    CHECK(slide.known());
    CHECK(small.machine.moment().instructions == 3);
    CHECK(info.symbols.slide() == kMoved);
    breakpoints.resolve_again(&info);
    CHECK(breakpoints.at(kEntry + kMoved + 8) != nullptr);
    CHECK(breakpoints.at(kEntry + 8) == nullptr);
    CHECK(breakpoints.at(0x1234) != nullptr);
    CHECK(breakpoints.at(0x5678) != nullptr);
    CHECK_FALSE(slide.follow());

    small.machine.cpu().msr.lstar = kEntry + 3 * kMoved;
    CHECK(slide.follow());
    CHECK(info.symbols.slide() == 3 * kMoved);
    // What is no place of this kernel is not believed.
    small.machine.cpu().msr.lstar = kEntry + kMoved + 0x10;
    CHECK(slide.follow());
    CHECK(info.symbols.slide() == kMoved);
    // Back to before it was there.
    small.machine.cpu().cr3 = 0x1000;
    CHECK(slide.follow());
    CHECK_FALSE(slide.known());
    CHECK(info.symbols.slide() == 0);
}

TEST_CASE("a kernel that is not found within the limit stays unknown", "[guest]") {
    MovedKernel small;
    DebugInfo info = kernel_info();
    KernelSlide slide(small.machine, &info);
    CHECK(slide.reach(limit(2)) == StopReason::Budget);
    CHECK_FALSE(slide.known());
    CHECK(small.machine.moment().instructions == 2);
}

TEST_CASE("a kernel that does not move is always known", "[guest]") {
    SmallMachine small;
    DebugInfo info = kernel_info();
    info.relocatable = false;
    small.machine.cpu().msr.lstar = kEntry + kMoved;
    for (DebugInfo* kernel : {&info, static_cast<DebugInfo*>(nullptr)}) {
        KernelSlide slide(small.machine, kernel);
        CHECK(slide.reach(limit(1000)) == StopReason::Budget);
        CHECK(slide.known());
    }
    CHECK(small.machine.moment().instructions == 0);
    CHECK(info.symbols.slide() == 0);
}

TEST_CASE("the symbols of a compressed kernel are those of vmlinux beside it", "[guest]") {
    namespace fs = std::filesystem;
    const fs::path directory = fs::temp_directory_path() / "orrery-kernel-slide-test";
    fs::remove_all(directory);
    fs::create_directories(directory);
    const std::string image = directory / "bzImage";
    std::ofstream(image) << "no ELF file";
    CHECK(DebugInfo::of_kernel(image) == nullptr);
    fs::copy_file(DEBUG_FIXTURE, directory / "vmlinux");
    const auto info = DebugInfo::of_kernel(image);
    REQUIRE(info != nullptr);
    CHECK(info->relocatable);
    CHECK(info->symbols.find("ns::add") != nullptr);
    CHECK_FALSE(info->has_types());
    CHECK(info->lines.empty());
    const auto whole = DebugInfo::of_kernel(DEBUG_FIXTURE);
    REQUIRE(whole != nullptr);
    CHECK_FALSE(whole->relocatable);
    CHECK(whole->has_types());
    fs::remove_all(directory);
}
