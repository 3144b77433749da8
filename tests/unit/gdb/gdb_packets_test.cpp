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
    const auto plain = gdb_registers(CpuFeatures{}), wide = gdb_registers(*cpu_profile("v3"));
    CHECK(plain.size() == 72);
    CHECK(wide.size() == static_cast<size_t>(RegisterId::Count));
    CHECK(register_name(wide[1]) == "rbx");
    CHECK(register_name(wide[16]) == "rip");
    CHECK(register_name(wide[24]) == "st0");
    CHECK(register_name(wide[39]) == "fop");
    CHECK(register_name(wide[56]) == "mxcsr");
    const std::string& text = gdb_target_description(*cpu_profile("v3"));
    for (const RegisterId id : wide)
        CHECK(text.find("<reg name=\"" + std::string(register_name(id)) + "\"") != std::string::npos);
    CHECK(gdb_target_description(CpuFeatures{}).find("ymm") == std::string::npos);
}
