// Our kernel's line table, as the debugger reads it.
#include "emulator/guestos/known_kernels.h"
#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("no line of the kernel is named for a program's addresses") {
    const std::unique_ptr<DebugInfo> kernel = DebugInfo::open(GUEST_KERNEL);
    const Symbol* write = kernel->symbols.find("vfs_write");
    REQUIRE(write != nullptr);
    CHECK(kernel->lines.at(write->address).line != 0);
    for (u64 address = 0x1000; address < 0x1000000; address += 0x7f3)
        CHECK(kernel->lines.at(address).line == 0);
}

TEST_CASE("the kernel has every name that the debugger reads it by", "[guest]") {
    const std::unique_ptr<DebugInfo> kernel = DebugInfo::open(GUEST_KERNEL);
    const std::unique_ptr<GuestOs> os = guest_os(kernel.get());
    CHECK(os->problem() == "");
    CHECK(os->tells_who_runs());
    CHECK(os->switch_function());
    CHECK(os->image_start());
}
