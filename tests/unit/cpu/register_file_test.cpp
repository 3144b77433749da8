#include "emulator/core/cpu/state/register_file.h"

#include "emulator/core/cpu/x87/float80.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;

namespace {

u64 get(const Cpu& cpu, RegisterId id) {
    u8 bytes[kLargestRegister] = {};
    read_register(cpu, id, bytes);
    u64 value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

bool set(Cpu& cpu, RegisterId id, u64 value) {
    u8 bytes[kLargestRegister] = {};
    std::memcpy(bytes, &value, sizeof value);
    return write_register(cpu, id, std::span(bytes).first(register_size(id)));
}

}  // namespace

TEST_CASE("every register has a name, a size, and keeps its own value", "[register_file]") {
    SmallMachine small;
    Cpu& cpu = small.machine.cpu();
    for (unsigned i = 0; i < static_cast<unsigned>(RegisterId::Count); ++i) {
        const RegisterId id = static_cast<RegisterId>(i);
        CAPTURE(register_name(id));
        CHECK(find_register(register_name(id)) == id);
        u8 before[kLargestRegister] = {};
        REQUIRE(read_register(cpu, id, before) == register_size(id));
        const u64 hash = small.machine.state_hash();
        const std::span<const u8> value = std::span(before).first(register_size(id));
        const bool upper_half =
            i >= static_cast<unsigned>(RegisterId::Ymm0h) && i < static_cast<unsigned>(RegisterId::Dr0);
        CHECK(write_register(cpu, id, value) != upper_half);  // there is no AVX here
        CHECK_FALSE(write_register(cpu, id, value.first(value.size() - 1)));
        if (id != RegisterId::Cr3) CHECK(small.machine.state_hash() == hash);
    }
    CHECK(register_size(RegisterId::Count) == 0);
    CHECK(register_name(RegisterId::Count).empty());
    CHECK_FALSE(write_register(cpu, RegisterId::Count, {}));
    CHECK(find_register("rflags") == RegisterId::Rflags);
    CHECK_FALSE(find_register("xmm16"));
}

TEST_CASE("what is written to a register is what the CPU goes on with", "[register_file]") {
    SmallMachine small;
    Cpu& cpu = small.machine.cpu();
    CHECK(set(cpu, RegisterId::Rip, SmallMachine::kCode + 5));  // inc rax
    CHECK(set(cpu, RegisterId::Rax, 0xffff'ffff'ffff'ffff));
    CHECK(set(cpu, RegisterId::Rflags, 0x893));
    CHECK(cpu.rflags() == 0x893);
    small.machine.step();
    CHECK(get(cpu, RegisterId::Rax) == 0);
    CHECK(get(cpu, RegisterId::Rflags) == 0x57);  // CF as it was
    CHECK_FALSE(set(cpu, RegisterId::Rip, u64{1} << 60));

    CHECK(set(cpu, RegisterId::FsBase, 0x1234'5000));
    CHECK(cpu.seg_base[kFs] == 0x1234'5000);
    CHECK_FALSE(set(cpu, RegisterId::GsBase, u64{1} << 60));
    CHECK(set(cpu, RegisterId::KernelGsBase, 0xffff'8880'0000'0000));
    CHECK(get(cpu, RegisterId::KernelGsBase) == 0xffff'8880'0000'0000);
    CHECK(set(cpu, RegisterId::Ds, 0x2b));
    CHECK(cpu.seg[kDs].selector == 0x2b);
    CHECK(cpu.seg[kDs].base == 0);
    CHECK_FALSE(set(cpu, RegisterId::Ds, 0x1'0000));
}

TEST_CASE("control registers take what instructions could write", "[register_file]") {
    SmallMachine small;
    Cpu& cpu = small.machine.cpu();
    const u64 cr0 = cpu.cr0, cr4 = cpu.cr4, efer = cpu.msr.efer;
    CHECK_FALSE(set(cpu, RegisterId::Cr0, cr0 & ~cr0::kPe));  // paging without protection
    CHECK_FALSE(set(cpu, RegisterId::Cr0, cr0 & ~cr0::kPg));  // not from 64-bit code
    CHECK_FALSE(set(cpu, RegisterId::Cr4, cr4 & ~cr4::kPae));
    CHECK_FALSE(set(cpu, RegisterId::Cr4, u64{1} << 40));
    CHECK_FALSE(set(cpu, RegisterId::Efer, efer & ~efer::kLme));
    CHECK_FALSE(set(cpu, RegisterId::Cr8, 16));
    CHECK_FALSE(set(cpu, RegisterId::Cr3, ~u64{0}));
    CHECK_FALSE(set(cpu, RegisterId::Rflags, rflags::kVm));
    CHECK((cpu.cr0 == cr0 && cpu.cr4 == cr4 && cpu.msr.efer == efer && cpu.cr3 == 0x1000));
    CHECK(cpu.unwind == nullptr);

    CHECK(set(cpu, RegisterId::Cr0, cr0 | cr0::kTs));
    CHECK((cpu.key & key::kFpuTrap) != 0);
    CHECK(set(cpu, RegisterId::Cr2, 0x77));
    CHECK(set(cpu, RegisterId::Cr8, 5));
    CHECK(get(cpu, RegisterId::Cr8) == 5);
    CHECK(set(cpu, RegisterId::Dr7, 1));
    CHECK(get(cpu, RegisterId::Dr7) == 0x401);
    CHECK(cpu.code_breakpoints == 1);
    CHECK_FALSE(set(cpu, RegisterId::Dr6, u64{1} << 32));
}

TEST_CASE("in real mode a selector moves its segment", "[register_file]") {
    MachineConfig config;
    config.ram_size = 1 << 20;
    Machine machine(config);
    CHECK(set(machine.cpu(), RegisterId::Cs, 0x123));
    CHECK(machine.cpu().seg[kCs].base == 0x1230);
    CHECK(set(machine.cpu(), RegisterId::Rip, 0xffff));
    CHECK_FALSE(set(machine.cpu(), RegisterId::Rip, u64{1} << 32));
}

TEST_CASE("x87 and vector registers as gdb sees them", "[register_file]") {
    SmallMachine small;
    Cpu& cpu = small.machine.cpu();
    cpu.x87 = {};
    cpu.x87.status = 7 << 11;
    cpu.x87.reg[7] = {u64{1} << 63, 0x3fff};  // ST(0) = 1
    cpu.x87.reg[0] = {0, 0};
    cpu.x87.reg[1] = {u64{3} << 62, 0x7fff};
    cpu.x87.empty = 0x7c;
    CHECK(get(cpu, RegisterId::Ftag) == 0x3ff9);
    u8 st0[kLargestRegister];
    CHECK(read_register(cpu, RegisterId::St0, st0) == 10);
    CHECK((st0[7] == 0x80 && st0[8] == 0xff && st0[9] == 0x3f));
    CHECK(write_register(cpu, nth(RegisterId::St0, 1), std::span(st0).first(10)));
    CHECK(cpu.x87.reg[0].sign_exponent == 0x3fff);
    CHECK(set(cpu, RegisterId::Ftag, 0xffff));
    CHECK(cpu.x87.empty == 0xff);
    // An exception is pending once it is unmasked.
    CHECK(set(cpu, RegisterId::Fstat, f80::kZeroDivide));
    CHECK(get(cpu, RegisterId::Fstat) == f80::kZeroDivide);
    CHECK(set(cpu, RegisterId::Fctrl, 0x37b));
    CHECK(get(cpu, RegisterId::Fstat) == (f80::kZeroDivide | f80::kErrorSummary | f80::kBusy));
    CHECK(set(cpu, RegisterId::Fioff, 0x8765'4321));
    CHECK(set(cpu, RegisterId::Fiseg, 0xffff));
    CHECK(cpu.x87.last_ip == 0xffff'8765'4321);

    CHECK_FALSE(set(cpu, RegisterId::Mxcsr, 0x1'0000));
    CHECK(set(cpu, RegisterId::Mxcsr, 0x1f00));
    CHECK((cpu.key & key::kSseUnmasked) != 0);
    CHECK(set(cpu, nth(RegisterId::Xmm0, 15), 0x1122));
    CHECK(cpu.xmm[15].q[0] == 0x1122);
}
