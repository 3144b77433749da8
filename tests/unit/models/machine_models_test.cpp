// Registers, disassembly, memory, TLB and devices of a small machine.
#include <set>

#include "devices/pc_board.h"

#include <nlohmann/json.hpp>
#include "emulator/inspect/models/devices.h"
#include "emulator/inspect/models/disassembly.h"
#include "emulator/inspect/models/memory.h"
#include "emulator/inspect/models/registers.h"
#include "emulator/inspect/models/tlb.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;

namespace {

RunLimits instructions(u64 count) {
    RunLimits limits;
    limits.instructions = count;
    return limits;
}

}  // namespace

TEST_CASE("registers as text", "[models]") {
    test::SmallMachine small;
    small.machine.run(instructions(2));  // call, push
    const std::string text = to_text(registers_model(small.context(), {}));
    const std::string expected = R"(CPU 0  ring 0  64-bit  running  at instruction 2, tick 2

RAX             0x0000000000000000
RCX             0x0000000000000000
RDX             0x0000000000000000
RBX             0x0000000000000000
RSP             0x000000000007fff0
RBP             0x0000000000000000
RSI             0x0000000000000000
RDI             0x0000000000000000
R8              0x0000000000000000
R9              0x0000000000000000
R10             0x0000000000000000
R11             0x0000000000000000
R12             0x0000000000000000
R13             0x0000000000000000
R14             0x0000000000000000
R15             0x0000000000000000
RIP             0x0000000000010021
RFLAGS          0x00000002           IOPL=0

CS    0x0010  base 0x0000000000000000  limit 0xffffffff  64-bit code, readable, DPL 0
SS    0x0018  base 0x0000000000000000  limit 0xffffffff  data, writable, DPL 0
)";
    std::string head = text.substr(0, expected.size());
    // RDX holds the CPU's signature after a reset.
    const size_t rdx = head.find("RDX");
    REQUIRE(rdx != std::string::npos);
    head.replace(rdx, 34, "RDX             0x0000000000000000");
    CHECK(head == expected);
    CHECK(text.find("CR0             0x0000000080010033  PE MP ET NE WP PG\n") != std::string::npos);
    CHECK(text.find("CR4             0x00000000003002a0  PAE PGE OSFXSR SMEP SMAP\n") != std::string::npos);
    CHECK(text.find("EFER            0x0000000000000d01  SCE LME LMA NXE\n") != std::string::npos);
    CHECK(text.find("XMM0") == std::string::npos);
    CHECK(to_text(registers_model(small.context(), {.floating_point = true})).find("XMM15") !=
          std::string::npos);
}

TEST_CASE("flags and modes in words", "[models]") {
    test::SmallMachine small;
    Cpu& cpu = small.machine.cpu();
    cpu.set_rflags(0x3246);  // PF ZF IF, IOPL 3
    RegistersModel model = registers_model(small.context(), {});
    CHECK(model.iopl == 3);
    std::string set;
    for (const FlagRow& flag : model.flags)
        if (flag.set) set += flag.name + " ";
    CHECK(set == "PF ZF IF ");
    CHECK(to_text(model).find("PF ZF IF IOPL=3") != std::string::npos);
    cpu.seg[kCs].access = 0xc09b;
    cpu.update_mode();
    CHECK(registers_model(small.context(), {}).mode == "32-bit compatibility");
    cpu.activity = Activity::Halted;
    CHECK(registers_model(small.context(), {}).activity == "halted");
    const Json json = Json::parse(to_json(registers_model(small.context(), {.floating_point = true})).dump());
    CHECK(json["rflags"]["flags"]["ZF"] == true);
    CHECK(json["general"]["RSP"]["value"] == "0x0000000000080000");
    CHECK(json["vectors"].size() == 16);
}

TEST_CASE("disassembly as text", "[models]") {
    test::SmallMachine small;
    DisassemblyParameters parameters;
    parameters.after = 4;
    const DisassemblyModel model = disassembly_model(small.context(), parameters);
    CHECK(to_text(model) ==
          "=> 0x0000000000010000  e8 1b 00 00 00                 call 0x10020\n"
          "   0x0000000000010005  48 ff c0                       inc rax\n"
          "   0x0000000000010008  48 ff c0                       inc rax\n"
          "   0x000000000001000b  eb f8                          jmp 0x10005\n");
    CHECK(model.rows[0].is_call);
    CHECK(model.rows[0].target == 0x10020);
    parameters.address = 0x402000;
    CHECK(disassembly_model(small.context(), parameters).rows.size() == 1);
    CHECK(disassembly_model(small.context(), parameters).rows[0].text == "(not mapped)");
    CHECK(Json::parse(to_json(model).dump())["instructions"].size() == 4);
}

TEST_CASE("memory as text", "[models]") {
    test::SmallMachine small;
    small.write(0x201ff8, {'H', 'i', 0, 0x7f, 0xff, '!', ' ', '~'});
    CHECK(to_text(memory_model(small.context(),
                               {.address = 0x401ff8, .size = 16, .physical = false, .cr3 = {}})) ==
          "0x0000000000401ff8  48 69 00 7f ff 21 20 7e  -- -- -- -- -- -- -- --  |Hi...! ~        |\n");
    const MemoryModel physical =
        memory_model(small.context(), {.address = 0x201ff8, .size = 17, .physical = true, .cr3 = {}});
    CHECK(physical.rows.size() == 2);
    CHECK(physical.rows[0].readable[15]);
    CHECK(Json::parse(to_json(physical).dump())["rows"][0]["bytes"] ==
          "48 69 00 7f ff 21 20 7e 00 00 00 00 00 00 00 00");
}

TEST_CASE("the TLB shows what a run left in it", "[models]") {
    test::SmallMachine small;
    small.machine.run(instructions(2));
    const TlbModel model = tlb_model(small.context(), {});
    CHECK(model.data_lookups == 2);
    CHECK(model.l1d_misses == 1);
    CHECK(model.walks >= 1);
    const TlbArrayModel& data = model.arrays[1];
    CHECK(data.name == "L1 data 2M");
    REQUIRE(data.cells.size() == 1);
    CHECK(data.cells[0].linear == 0);
    CHECK(data.cells[0].page_size == u64{2} << 20);
    CHECK(data.cells[0].writable);
    CHECK_FALSE(data.cells[0].stale);
    // The tables change, the TLB does not know.
    small.put(0x3000, 0xe1);
    CHECK(tlb_model(small.context(), {}).arrays[1].cells[0].stale);
    CHECK(to_text(tlb_model(small.context(), {})).find("STALE") != std::string::npos);
    CHECK(Json::parse(to_json(model).dump())["arrays"].size() == Tlb::kArrays);
}

TEST_CASE("every device shows its state by name", "[models]") {
    test::SmallMachine small;
    const DevicesModel all = devices_model(small.context());
    CHECK(all.devices.size() == small.machine.board().devices().size());
    for (const DeviceRow& device : all.devices) {
        std::set<std::string> paths;
        for (const DeviceField& field : device.fields) {
            INFO(device.name << " " << field.path);
            CHECK(paths.insert(field.path).second);  // no two fields of one name
        }
    }
    const DevicesModel uart = devices_model(small.context(), {.only = "uart16550.0"});
    REQUIRE(uart.devices.size() == 1);
    const std::string text = to_text(uart);
    CHECK(text.find("uart16550.0  ports 0x3f8-0x3ff\n") == 0);
    CHECK(text.find("  divisor ") != std::string::npos);
    CHECK(devices_model(small.context(), {.only = "foo"})
              .problem.find("no device is called foo; there are: ") == 0);
    CHECK(Json::parse(to_json(all).dump())["devices"].size() == all.devices.size());
}

TEST_CASE("no model changes the machine", "[models]") {
    test::SmallMachine small;
    small.machine.run(instructions(5));
    const u64 before = small.machine.state_hash();
    registers_model(small.context(), {.floating_point = true});
    disassembly_model(small.context(), {});
    memory_model(small.context(), {.address = 0x400000, .size = 4096, .physical = false, .cr3 = {}});
    tlb_model(small.context(), {});
    devices_model(small.context());
    CHECK(small.machine.state_hash() == before);
}
