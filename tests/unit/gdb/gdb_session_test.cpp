// A session with gdb, played packet by packet on a machine of a few instructions.
#include "emulator/inspect/gdb/session.h"

#include <fmt/format.h>

#include "emulator/guestos/known_kernels.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;

namespace {

// SmallMachine's loop, from 1: call f / 2: inc rax / 3: inc rax / 4: jmp to 2; f takes 10 instructions.
class Session {
  public:
    explicit Session(unsigned cpus = 1)
        : small(cpus), time(small.machine), session({time, [this] { return small.context(); }, false}) {
        ask("QStartNoAckMode");
        ask("qSupported:swbreak+;hwbreak+");
    }

    // What comes back to a packet: the payloads, joined by blanks.
    std::string ask(std::string_view payload) {
        std::string frame = gdb_frame(payload);
        give(frame);
        while (session.state() == GdbSession::State::Running && slices < 100000) {
            bool over = false;
            session.run({small.machine.moment().instructions + slice, kNever}, budget, over);
            ++slices;
            if (over) return "over";
        }
        return taken();
    }
    void give(std::string_view bytes) {
        session.receive({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
    }
    std::string taken() {
        std::string payloads;
        GdbPackets packets;
        for (const char c : session.output())
            if (auto item = packets.take(static_cast<u8>(c)))
                if (item->kind == GdbPackets::Kind::Packet)
                    payloads += (payloads.empty() ? "" : " ") + item->payload;
        session.output().clear();
        return payloads;
    }
    // A stop reply without the registers that come with it.
    std::string stop(std::string_view payload) {
        const std::string reply = ask(payload);
        return reply.substr(0, reply.find(";06:"));
    }
    u64 count() const { return small.machine.moment().instructions; }
    u64 rip() const { return small.machine.cpu().rip(); }

    SmallMachine small;
    TimeMachine time;
    GdbSession session;
    u64 slice = 7, budget = ~u64{0};
    unsigned slices = 0;
};

std::string value_hex(u64 value) {
    return gdb_hex(std::span(reinterpret_cast<const u8*>(&value), sizeof value));
}

}  // namespace

TEST_CASE("gdb's first questions", "[gdb]") {
    Session s;
    CHECK(s.ask("qSupported:multiprocess+;xmlRegisters=i386") ==
          "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+;"
          "ReverseStep+;ReverseContinue+");
    CHECK(s.ask("vMustReplyEmpty").empty());
    CHECK(s.ask("!").empty());
    CHECK(s.ask("?").starts_with("T05thread:1;06:"));
    CHECK(s.ask("qC") == "QC1");
    CHECK(s.ask("qfThreadInfo") == "m1");
    CHECK(s.ask("qsThreadInfo") == "l");
    CHECK(s.ask("qAttached") == "1");
    CHECK(s.ask("qThreadExtraInfo,1") == gdb_hex("CPU 0 [ring 0, runs]"));
    CHECK(s.ask("Hg0") == "OK");
    CHECK(s.ask("Hc-1") == "OK");
    CHECK(s.ask("Hg2") == "E16");
    CHECK(s.ask("T1") == "OK");
    CHECK(s.ask("T2") == "E16");
    CHECK(s.ask("vCont?") == "vCont;c;C;s;S");
    CHECK(s.ask("qXfer:features:read:target.xml:0,15") == "m<?xml version=\"1.0\"?>");
    // Piece by piece, as far as a packet holds.
    const std::string piece = s.ask("qXfer:features:read:target.xml:10,ffff");
    CHECK(piece.front() == 'm');
    CHECK(s.ask(fmt::format("qXfer:features:read:target.xml:{:x},ffff", 0x10 + piece.size() - 1)).front() ==
          'l');
    CHECK(s.ask("qXfer:features:read:target.xml:ffff,10") == "E16");
    CHECK(s.ask("qXfer:features:read:other.xml:0,10") == "E00");
}

TEST_CASE("packets are acknowledged until gdb says otherwise", "[gdb]") {
    SmallMachine small;
    TimeMachine time(small.machine);
    GdbSession session({time, [&] { return small.context(); }, false});
    const auto sent = [&](std::string_view bytes) {
        session.receive({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
        return std::exchange(session.output(), {});
    };
    CHECK(sent("$qC#b4") == "+$QC1#c5");
    CHECK(sent("-") == "$QC1#c5");
    CHECK(sent("$qC#b5") == "-");
    CHECK(sent("$QStartNoAckMode#b0") == "+$OK#9a");
    CHECK(sent("$qC#b4") == "$QC1#c5");
    CHECK(sent("-").empty());
    CHECK(sent("$qC#b5") == "$E16#ac");
}

TEST_CASE("gdb is told where a kernel has moved to", "[gdb]") {
    SmallMachine small;
    TimeMachine time(small.machine);
    DebugInfo kernel(SymbolTable::of({{"_text", "_text", 0xffff'ffff'8100'0000, 0x10, true},
                                      {"linux_banner", "linux_banner", 0xffff'ffff'8200'0000, 0x10, false}}),
                     {}, {});
    const std::unique_ptr<GuestOs> os = guest_os(&kernel);
    GdbSession session({time,
                        [&] {
                            ModelContext context = small.context();
                            context.os = os.get();
                            return context;
                        },
                        false});
    const auto offsets = [&] {
        const std::string frame = gdb_frame("qOffsets");
        session.receive({reinterpret_cast<const u8*>(frame.data()), frame.size()});
        return std::exchange(session.output(), {});
    };
    CHECK(offsets() == "+$#00");
    kernel.symbols.slide_to(0x240'0000);
    CHECK(offsets() == "+" + gdb_frame("TextSeg=ffffffff83400000"));
}

TEST_CASE("registers and memory are read and written as logged inputs", "[gdb]") {
    Session s;
    std::vector<LoggedInput> inputs;
    s.small.machine.on_input([&](const LoggedInput& input) { inputs.push_back(input); });
    CHECK(s.ask("p10") == value_hex(SmallMachine::kCode));
    CHECK(s.ask("pff") == "E16");
    const std::string all = s.ask("g");
    CHECK(all.size() == 2 * (24 * 8 - 7 * 4 + 80 + 32 + 256 + 4 + 16 + 13 * 8));
    CHECK(s.ask("G" + all) == "OK");
    CHECK(inputs.empty());  // nothing was changed
    CHECK(s.ask("P0=" + value_hex(0x1234)) == "OK");
    CHECK(s.ask("p0") == value_hex(0x1234));
    CHECK(s.ask("P3c=" + value_hex(0)) == "E16");  // CR0 without paging
    CHECK(s.ask("P0=12") == "E16");
    CHECK(s.ask("P0") == "E16");
    CHECK(s.ask("G00") == "E16");

    CHECK(s.ask("m10000,5") == "e81b000000");
    CHECK(s.ask("m402000,4") == "E0e");            // not present
    CHECK(s.ask("m401ffe,4").size() == 4);         // as far as there is something
    CHECK(s.ask("m8000000000000000,4") == "E0e");  // not canonical
    CHECK(s.ask("mffffffffffffffff,4") == "E0e");
    CHECK(s.ask("m0,ffffffffffffffff").size() == kGdbPacketSize);
    CHECK(s.ask("M401ffe,2:abcd") == "OK");
    CHECK(*s.small.machine.bus().ram_at(0x201ffe) == 0xab);
    CHECK(s.ask("M401fff,2:1234") == "E0e");
    CHECK(*s.small.machine.bus().ram_at(0x201fff) == 0xcd);
    CHECK(s.ask("M401000,2:12") == "E16");
    CHECK(s.ask("X401000,3:a}\x03z") == "OK");
    CHECK(s.ask("m401000,3") == "61237a");
    CHECK(s.ask("X401000,0:") == "OK");
    for (const char* bad : {"m", "m10", "m10,", "m,10", "m10,zz", "m10,0", "M10,1", "X10,1:}"})
        CHECK(s.ask(bad) == "E16");
    REQUIRE(inputs.size() == 3);
    CHECK(inputs[0].device == kRegisterInput);
    CHECK(inputs[1].device == kMemoryInput);
}

TEST_CASE("steps and breakpoints", "[gdb]") {
    Session s;
    CHECK(s.stop("s") == "T05thread:1");
    CHECK(s.rip() == SmallMachine::kFunction);
    CHECK(s.stop("vCont;s:1;c") == "T05thread:1");
    CHECK(s.count() == 2);
    CHECK(s.ask("Z0,10008,1") == "OK");
    CHECK(s.ask("Z0,10008,1") == "OK");
    CHECK(s.stop("c") == "T05thread:1;swbreak:");
    CHECK((s.rip() == SmallMachine::kCode + 8 && s.slices > 2));
    CHECK(s.stop("s") == "T05thread:1");  // the breakpoint on it does not count
    CHECK(s.stop("vCont;c") == "T05thread:1;swbreak:");
    CHECK(s.ask("z0,10008,1") == "OK");
    CHECK(s.ask("Z1,10005,1") == "OK");
    CHECK(s.stop("C05") == "T05thread:1;hwbreak:");
    CHECK(s.rip() == SmallMachine::kCode + 5);
    CHECK(s.stop("s10000") == "T05thread:1");  // from there
    CHECK(s.rip() == SmallMachine::kFunction);
    for (const char* bad : {"c1z", "C", "Cxx", "vCont", "vContx", "vCont;", "vCont;t", "vCont;c:9", "vCont;C",
                            "vCont;s:1x", "Z0", "Z0,1", "Z0,1,1;X", "Z2,10,0", "Z2,10,ffffffff", "Zx,1,1"})
        CHECK(s.ask(bad) == "E16");
    CHECK(s.ask("Z5,1,1").empty());
    CHECK(s.ask("vFile:open").empty());
}

TEST_CASE("watchpoints stop after the access, and backwards before it", "[gdb]") {
    Session s;
    const u64 slot = SmallMachine::kStack - 8;  // where the call pushes its return address
    CHECK(s.ask("Z2,7fff8,8") == "OK");
    CHECK(s.stop("c") == "T05thread:1;watch:7fff8");
    CHECK(s.count() == 1);
    CHECK(s.ask("z2,7fff8,8") == "OK");
    CHECK(s.ask("Z3,7fffc,1") == "OK");  // a part of it is enough
    CHECK(s.stop("c") == "T05thread:1;rwatch:7fffc");
    CHECK(s.rip() == SmallMachine::kCode + 5);  // RET has read it
    CHECK(s.stop("bc") == "T05thread:1;rwatch:7fffc");
    CHECK(s.rip() == SmallMachine::kFunction + 11);
    CHECK(s.ask("Z4,7fff8,8") == "OK");
    CHECK(s.stop("bc") == "T05thread:1;awatch:7fff8");
    CHECK(s.count() == 0);
    u64 value = ~u64{0};
    std::memcpy(&value, s.small.machine.bus().ram_at(slot), sizeof value);
    CHECK(value == 0);
    CHECK(s.stop("bc") == "T05thread:1;replaylog:begin");
}

TEST_CASE("backwards to the breakpoint before, step by step, and on again", "[gdb]") {
    Session s;
    s.ask("Z0,10008,1");
    u64 counts[3];
    for (u64& count : counts) {
        CHECK(s.stop("c") == "T05thread:1;swbreak:");
        count = s.count();
        s.ask("s");
    }
    CHECK(s.stop("bc") == "T05thread:1;swbreak:");  // the one stepped over
    CHECK(s.count() == counts[2]);
    CHECK(s.stop("bc") == "T05thread:1;swbreak:");
    CHECK(s.count() == counts[1]);
    CHECK(s.stop("bs") == "T05thread:1");
    CHECK(s.count() == counts[1] - 1);
    CHECK(s.rip() == SmallMachine::kCode + 5);
    CHECK(s.stop("bc") == "T05thread:1;swbreak:");
    CHECK(s.count() == counts[0]);
    CHECK(s.stop("bc") == "T05thread:1;replaylog:begin");
    CHECK((s.count() == 0 && s.rip() == SmallMachine::kCode));
    CHECK(s.stop("bs") == "T05thread:1;replaylog:begin");
    CHECK(s.stop("c") == "T05thread:1;swbreak:");
    CHECK(s.count() == counts[0]);
    CHECK(s.ask("bx").empty());
}

TEST_CASE("a machine's state is the same with gdb and without", "[gdb]") {
    SmallMachine plain;
    plain.machine.run({500, kNever});
    Session s;
    s.budget = 500;
    s.ask("Z0,10008,1");
    s.ask("Z4,7fff8,8");
    for (unsigned i = 0; i < 20; ++i) s.ask("c");
    for (unsigned i = 0; i < 5; ++i) s.ask("bc");
    for (unsigned i = 0; i < 3; ++i) s.ask("bs");
    for (unsigned i = 0; i < 9; ++i) s.ask("s");
    s.ask("z0,10008,1");
    s.ask("z4,7fff8,8");
    s.ask("g");
    s.ask("m7fff8,20");
    CHECK(s.stop("c") == "T05thread:1;replaylog:end");
    CHECK(s.small.machine.state_hash() == plain.machine.state_hash());
    CHECK(s.ask("c") == "over");
    s.session.exited(3);
    CHECK(s.taken() == "W03");
}

TEST_CASE("Ctrl-C, detaching and killing", "[gdb]") {
    Session s;
    s.give(gdb_frame("c"));
    bool over = false;
    s.session.run({100, kNever}, ~u64{0}, over);
    CHECK(s.session.state() == GdbSession::State::Running);
    CHECK(s.ask("g").starts_with("E16"));  // not now
    s.give("\x03");
    s.session.run({200, kNever}, ~u64{0}, over);
    CHECK(s.session.state() == GdbSession::State::Stopped);
    CHECK(s.taken().starts_with("T02thread:1;"));
    s.give("\x03");  // means nothing now
    CHECK(s.taken().empty());
    CHECK(s.ask("D") == "OK");
    CHECK(s.session.state() == GdbSession::State::Detached);
    CHECK(s.ask("g").empty());
    Session other;
    CHECK(other.ask("k").empty());
    CHECK(other.session.state() == GdbSession::State::Killed);
}

TEST_CASE("monitor gives the windows' text, and goes to moments", "[gdb]") {
    Session s;
    const auto monitor = [&](const std::string& command) {
        std::string text;
        const std::string reply = s.ask("qRcmd," + gdb_hex(command));
        for (size_t at = 0; at < reply.size();) {
            const size_t end = std::min(reply.find(' ', at), reply.size());
            const std::string part = reply.substr(at, end - at);
            if (part[0] == 'O' && part != "OK") {
                const auto bytes = gdb_from_hex(part.substr(1));
                REQUIRE(bytes);
                text.append(bytes->begin(), bytes->end());
            }
            at = end + 1;
        }
        return text;
    };
    CHECK(monitor("help").find("show page-walk ADDR") != std::string::npos);
    CHECK(monitor("show memory 0x10000 16").find("e8 1b 00 00") != std::string::npos);
    CHECK(monitor("show registers").find("0000000000010000") != std::string::npos);
    CHECK(monitor("show page-walk") == "show page-walk: needs an address\n");
    CHECK(monitor("show nothing").starts_with("show: no window is called nothing"));
    CHECK(monitor("frobnicate") == "no such command: frobnicate; try help\n");
    s.ask("s");
    s.ask("s");
    CHECK(monitor("where") == "instruction 2, 2 ns, CPU 0\nknown from instruction 0 to 2\n");
    CHECK(monitor("goto 1").starts_with("instruction 1,"));
    CHECK(s.rip() == SmallMachine::kFunction);
    CHECK(monitor("goto +4").starts_with("instruction 5,"));
    CHECK(monitor("goto -99").starts_with("instruction 0,"));
    CHECK(monitor("goto x") == "x is not a number of instructions\n");
    CHECK(s.ask("qRcmd,0") == "E16");

    // To where something happens, both ways.
    const auto lands = [&](const std::string& command, u64 at) {
        const std::string text = monitor(command);
        INFO(command << ": " << text);
        CHECK(text.find("\ninstruction " + std::to_string(at) + ",") != std::string::npos);
        CHECK(s.count() == at);
    };
    lands("next code 0x10008", 12);
    lands("next code 0x10008", 15);
    lands("previous code 0x10008", 12);
    lands("previous write 0x7fff0 size=8", 1);
    lands("previous code 0x10008", 1);  // there is none
    CHECK(monitor("previous code 0x10008").starts_with("there is none\n"));
    CHECK(monitor("goto 3").starts_with("instruction 3,"));
    CHECK(monitor("back-out").starts_with("instruction 0,"));
    CHECK(monitor("over").find("\n") != std::string::npos);
    CHECK(s.rip() == SmallMachine::kCode + 5);
    CHECK(monitor("back-over").find("\n") != std::string::npos);
    CHECK(s.count() == 0);
    lands("next code 0x10008 cpu=0", 12);
    CHECK(monitor("next").find("no such command") == 0);
    CHECK(monitor("next frobnication").starts_with("frobnication: one of crossing, syscall"));
    CHECK(monitor("next syscall name=wrote") == "no system call is called wrote\n");
    CHECK(monitor("next syscall result=1").starts_with("result=1: syscall takes name number pid"));
    CHECK(monitor("next write") == "write: which address?\n");
    CHECK(monitor("next write 4096 size=0") == "size: 1 byte to 1 MiB\n");
    CHECK(monitor("next code main") == "main: no symbols are known\n");
}

TEST_CASE("what looks back for long tells how far it is, and Ctrl-C ends it", "[gdb]") {
    Session s;
    s.budget = 1'000'000;
    s.slice = 1'000'000;
    s.ask("c");
    REQUIRE(s.count() == 1'000'000);
    unsigned polls = 0;
    s.session.on_poll([&] {
        if (++polls == 3) s.give("\x03");
        return true;
    });
    s.ask("Z0,77777,1");
    CHECK(s.stop("bc") == "T02thread:1");
    CHECK((polls == 3 && s.count() == 1'000'000));
    polls = 0;
    CHECK(s.ask("qRcmd," + gdb_hex("previous code 0x77777")).starts_with("O" + gdb_hex("stopped looking\n")));
    CHECK((polls == 3 && s.count() == 1'000'000));
    polls = 0;
    CHECK(s.ask("qRcmd," + gdb_hex("next code 0x77777")).starts_with("O" + gdb_hex("stopped looking\n")));
    CHECK((polls == 3 && s.count() == 1'000'000));
    CHECK(s.ask("qC") == "QC1");
}

TEST_CASE("each CPU is a thread, stepped by itself both ways", "[gdb]") {
    Session s(2);
    CHECK(s.ask("qfThreadInfo") == "m1,2");
    s.slice = 1000;
    // To where both have been running for a while.
    s.budget = 100'000;
    CHECK(s.stop("c").find("replaylog:end") != std::string::npos);
    s.budget = ~u64{0};
    for (const unsigned thread : {1u, 2u, 1u}) {
        const Cpu& cpu = s.small.machine.cpu(thread - 1);
        const std::string number = std::to_string(thread);
        std::vector<u64> there{cpu.rip()}, own{cpu.own_instructions()};
        for (unsigned i = 0; i < 9; ++i) {
            REQUIRE(s.stop("vCont;s:" + number + ";c") == "T05thread:" + number);
            there.push_back(cpu.rip());
            own.push_back(cpu.own_instructions());
            CHECK(own[i + 1] == own[i] + 1);
        }
        for (unsigned i = 9; i-- > 0;) {
            s.ask("Hc" + number);
            REQUIRE(s.stop("bs") == "T05thread:" + number);
            CHECK(cpu.rip() == there[i]);
            CHECK(cpu.own_instructions() == own[i]);
        }
    }
    // Breakpoints tell whose they are, and backwards the same.
    s.ask("Z0,10008,1");
    std::string threads;
    std::vector<u64> counts;
    for (unsigned i = 0; i < 8; ++i) {
        const std::string stop = s.stop("c");
        threads += stop.substr(10, 1);
        counts.push_back(s.count());
        s.ask("vCont;s:" + stop.substr(10, 1));
    }
    for (unsigned i = 8; i-- > 0;) {
        CHECK(s.stop("bc") == "T05thread:" + threads.substr(i, 1) + ";swbreak:");
        CHECK(s.count() == counts[i]);
    }
}
