#include "emulator/points/breakpoints.h"

#include "emulator/guestos/types/debug_info.h"
#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("breakpoints are places by address, symbol or line", "[debug]") {
    const auto info = DebugInfo::open(DEBUG_FIXTURE);
    BreakpointSet set;
    const unsigned first = set.add("ns::add", info.get());
    CHECK(set.at(info->symbols.find("ns::add")->address)->id == first);
    set.add("main+0x4", info.get());
    const unsigned line = set.add("program.cpp:9", info.get());
    CHECK(set.all().size() == 3);
    CHECK_THROWS_WITH(set.add("nowhere", info.get()), "no symbol is called nowhere");
    CHECK_THROWS_WITH(set.add("0x12zz", info.get()), "0x12zz is not an address");
    CHECK_THROWS_WITH(set.add("program.cpp:ten", info.get()),
                      "program.cpp:ten: after the colon a line number must follow");
    CHECK_THROWS_WITH(set.add("other.cpp:10", info.get()), "other.cpp:10: no code is known there");
    CHECK_THROWS_WITH(set.add("", nullptr), "an address, a symbol or FILE:LINE is needed");
    CHECK_THROWS_WITH(set.add("main", nullptr), "main: no symbols are known");
    CHECK_THROWS_WITH(set.add("ns::add", info.get()), orrery::testing::has_text("there is a breakpoint at"));
    CHECK(set.enable(first, false));
    CHECK(set.at(info->symbols.find("ns::add")->address) == nullptr);
    CHECK(set.remove(line));
    CHECK_FALSE(set.remove(line));
    CHECK(set.all().size() == 2);
}
