#include "emulator/inspect/gdb/packets.h"

#include "emulator/inspect/gdb/registers.h"
#include "tests/unit/catch.h"

using namespace orrery;
using Kind = GdbPackets::Kind;

namespace {

std::vector<GdbPackets::Item> taken(GdbPackets& packets, std::string_view bytes) {
    std::vector<GdbPackets::Item> items;
    for (const char c : bytes)
        if (auto item = packets.take(static_cast<u8>(c))) items.push_back(*item);
    return items;
}

}  // namespace

TEST_CASE("a stream of bytes is taken apart into packets", "[gdb]") {
    GdbPackets packets;
    const auto items = taken(packets, "+$m10,4#2e\x03-$#00 noise $OK#9A");
    REQUIRE(items.size() == 6);
    CHECK(items[0].kind == Kind::Ack);
    CHECK(items[1].kind == Kind::Packet);
    CHECK(items[1].payload == "m10,4");
    CHECK(items[2].kind == Kind::Interrupt);
    CHECK(items[3].kind == Kind::Nak);
    CHECK((items[4].kind == Kind::Packet && items[4].payload.empty()));
    CHECK((items[5].kind == Kind::Packet && items[5].payload == "OK"));
    // An interrupt within a packet is data.
    CHECK(taken(packets, std::string("$\x03#03")).at(0).payload == "\x03");
}

TEST_CASE("damaged packets are told, and what follows is read", "[gdb]") {
    GdbPackets packets;
    CHECK(taken(packets, "$OK#9b").at(0).kind == Kind::Damaged);
    CHECK(taken(packets, "$OK#zz").at(0).kind == Kind::Damaged);
    CHECK(taken(packets, "$OK#9z").at(0).kind == Kind::Damaged);
    CHECK(taken(packets, "$OK#9").empty());
    CHECK(taken(packets, "a").at(0).payload == "OK");
    // The end of one got lost.
    CHECK(taken(packets, "$m10,$OK#9a").at(0).payload == "OK");
    const std::string longest(kGdbPacketSize, 'a');
    CHECK(taken(packets, gdb_frame(longest)).at(0).payload == longest);
    CHECK(taken(packets, gdb_frame(longest + "a")).at(0).kind == Kind::Damaged);
    CHECK(taken(packets, "$OK#9a").at(0).payload == "OK");
}

TEST_CASE("data in packets", "[gdb]") {
    CHECK(gdb_frame("OK") == "$OK#9a");
    const std::string binary("a#$}*\0z", 7);
    CHECK(gdb_escape(binary) == std::string("a}\x03}\x04}]}\x0a\0z", 11));
    CHECK(gdb_unescape(gdb_escape(binary)) == binary);
    CHECK_FALSE(gdb_unescape("a}"));
    CHECK(gdb_hex("\x01\xfe") == "01fe");
    CHECK(gdb_from_hex("01fE") == std::vector<u8>{0x01, 0xfe});
    CHECK_FALSE(gdb_from_hex("01f"));
    CHECK_FALSE(gdb_from_hex("0g"));
    u64 value = 0;
    GdbArguments arguments("ffffffff81000000,10:ab");
    CHECK(arguments.take_number(value));
    CHECK(value == 0xffff'ffff'8100'0000);
    CHECK_FALSE(arguments.take_number(value));
    CHECK(arguments.take(","));
    CHECK(arguments.take_until(':') == "10");
    CHECK(arguments.rest() == "ab");
    CHECK(arguments.take_until(':') == "ab");
    CHECK(arguments.done());
    CHECK_FALSE(GdbArguments("12345678123456781").take_number(value));
    CHECK_FALSE(GdbArguments("").take_number(value));
}

TEST_CASE("gdb's registers are each there once", "[gdb]") {
    const CpuFeatures v2, v3 = *cpu_profile("v3");
    const GdbLayout& plain = gdb_layout(v2, false);
    const GdbLayout& wide = gdb_layout(v3, false);
    CHECK(plain.registers.size() == 72);
    CHECK(wide.registers.size() == static_cast<size_t>(RegisterId::Count));
    CHECK(wide.registers[1].name == "rbx");
    CHECK(wide.registers[16].name == "rip");
    CHECK(wide.registers[24].name == "st0");
    CHECK(wide.registers[39].name == "fop");
    CHECK(wide.registers[56].name == "mxcsr");
    for (const GdbRegister& reg : wide.registers)
        CHECK(wide.description.find("<reg name=\"" + reg.name + "\"") != std::string::npos);
    CHECK(plain.description.find("ymm") == std::string::npos);
    CHECK(plain.description.find("<architecture>i386:x86-64<") != std::string::npos);

    const GdbLayout& open = gdb_layout(v2, true);
    CHECK(open.registers.size() == 72 + 9);
    CHECK(open.registers[80].name == "eip");
    CHECK(open.description.find("<architecture>") == std::string::npos);
    CHECK(open.description.find("name=\"eax\" bitsize=\"32\" regnum=\"72\"") != std::string::npos);
}
