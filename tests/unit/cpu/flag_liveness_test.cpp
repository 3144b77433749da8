// Flags that nobody sees are not worked out: instructions in blocks must end where instructions one at a time
// end, flags included, also where one in their middle faults.
#include "emulator/core/cpu/run/flag_liveness.h"

#include <initializer_list>
#include <vector>

#include "tests/isa/rng.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

using Bytes = std::vector<u8>;

// A register that the sequences may change: not RSP, and R8 holds an address that is not mapped.
u8 some_register(testing::Rng& rng) {
    static constexpr u8 kUsable[] = {0, 1, 2, 3, 5, 6, 7};
    return kUsable[rng.below(7)];
}

void append(Bytes& code, std::initializer_list<unsigned> bytes) {
    for (unsigned byte : bytes) code.push_back(static_cast<u8>(byte));
}

void append_random(Bytes& code, testing::Rng& rng) {
    const unsigned size = static_cast<unsigned>(rng.below(4));  // 8, 16, 32, 64 bits
    const u8 modrm = static_cast<u8>(0xc0 | some_register(rng) << 3 | some_register(rng));
    const auto digit = [&](unsigned value) { return (modrm & 0xc7u) | value << 3; };
    if (size == 1) code.push_back(0x66);
    if (size == 3) code.push_back(0x48);
    const unsigned wide = size != 0;
    const unsigned condition = static_cast<unsigned>(rng.below(16));
    const unsigned imm = static_cast<unsigned>(rng.below(256));
    switch (rng.below(13)) {
        case 0:
        case 1:
        case 2:  // ADD OR ADC SBB AND SUB XOR CMP
            return append(code, {static_cast<unsigned>(rng.below(8)) << 3 | wide, modrm});
        case 3:  // the same with an immediate
            return append(
                code, {0x82u + wide - (wide == 0 ? 2 : 0), digit(static_cast<unsigned>(rng.below(8))), imm});
        case 4:  // ROL ROR RCL RCR SHL SHR SHL SAR by an immediate, often 0
            return append(code,
                          {0xc0 | wide, digit(static_cast<unsigned>(rng.below(8))), imm % 3 == 0 ? 0 : imm});
        case 5:  // by 1
            return append(code, {0xd0 | wide, digit(static_cast<unsigned>(rng.below(8)))});
        case 6:  // by CL
            return append(code, {0xd2 | wide, digit(static_cast<unsigned>(rng.below(8)))});
        case 7:  // TEST
            return append(code, {0x84 | wide, modrm});
        case 8:  // NOT NEG
            return append(code, {0xf6 | wide, digit(2 + static_cast<unsigned>(rng.below(2)))});
        case 9:  // INC DEC
            return append(code, {0xfe | wide, digit(static_cast<unsigned>(rng.below(2)))});
        case 10:  // IMUL; without 8-bit form
            return append(code, {0x0f, 0xaf, modrm});
        case 11:  // SETcc
            return append(code, {0x0f, 0x90 | condition, modrm});
        default:  // CMOVcc
            return append(code, {0x0f, 0x40 | condition, modrm});
    }
}

// Runs `code` to a HLT, its own or the page-fault handler's.
void run(BareMachine& m, const Bytes& code, u64 seed, bool one_at_a_time) {
    testing::Rng rng(seed);
    m.enter_long(0);
    for (u8 i : {0, 1, 2, 3, 5, 6, 7}) m.cpu->gpr[i] = rng.next();
    m.cpu->gpr[8] = u64{1} << 40;
    m.cpu->set_rflags(static_cast<u32>(rng.next()) & rflags::kArithmetic);
    std::copy(code.begin(), code.end(), m.bus.ram_at(BareMachine::kCode));
    if (one_at_a_time) m.observers.subscribe(Observers::bit(EventKind::Instruction), [](const Event&) {});
    m.run(1000);
}

}  // namespace

TEST_CASE("a block leaves the flags that its instructions one at a time leave") {
    for (u64 seed = 0; seed < 4000; ++seed) {
        testing::Rng rng(seed);
        Bytes code;
        const unsigned count = 2 + static_cast<unsigned>(rng.below(30));
        const unsigned fault_at = static_cast<unsigned>(rng.below(60));  // often none
        for (unsigned i = 0; i < count; ++i) {
            if (i == fault_at) append(code, {0x41, 0x8b, 0x00});  // mov (%r8), %eax
            append_random(code, rng);
        }
        append(code, {0xf4});
        BareMachine block, single;
        run(block, code, seed, false);
        run(single, code, seed, true);
        INFO("seed " << seed);
        REQUIRE(block.cpu->activity == Activity::Halted);
        REQUIRE(block.cpu->rip() == single.cpu->rip());
        REQUIRE(block.cpu->rflags() == single.cpu->rflags());
        for (unsigned i = 0; i < 16; ++i) REQUIRE(block.cpu->gpr[i] == single.cpu->gpr[i]);
        // What a fault has pushed: RFLAGS among it.
        REQUIRE(block.items(BareMachine::kKernelStack - 48, 6) ==
                single.items(BareMachine::kKernelStack - 48, 6));
    }
}

TEST_CASE("flags are dead only where they are overwritten before anything can see them") {
    const auto dead = [](std::initializer_list<unsigned> code_bytes, unsigned count) {
        const Bytes code(code_bytes.begin(), code_bytes.end());
        std::vector<Insn> insns(count);
        size_t at = 0;
        for (Insn& insn : insns) {
            REQUIRE(decode(std::span(code).subspan(at), CpuMode::Bits64, {}, insn) == DecodeStatus::Ok);
            at += insn.length;
        }
        bool marks[8];
        find_dead_flags(insns, {marks, count});
        std::string text;
        for (unsigned i = 0; i < count; ++i) text += marks[i] ? 'd' : '.';
        return text;
    };
    CHECK(dead({0x01, 0xc8, 0x29, 0xc8}, 2) == "d.");                     // add; sub
    CHECK(dead({0x01, 0xc8, 0x89, 0xc8, 0x29, 0xc8}, 3) == "d..");        // add; mov; sub
    CHECK(dead({0x01, 0xc8, 0x8b, 0x00, 0x29, 0xc8}, 3) == "...");        // add; mov (%rax), %eax; sub
    CHECK(dead({0x03, 0x00, 0x29, 0xc8}, 2) == "..");                     // add (%rax), %eax; sub
    CHECK(dead({0x01, 0xc8, 0x11, 0xc8, 0x29, 0xc8}, 3) == ".d.");        // add; adc; sub
    CHECK(dead({0x01, 0xc8, 0xff, 0xc0, 0x29, 0xc8}, 3) == "dd.");        // add; inc; sub
    CHECK(dead({0x01, 0xc8, 0xff, 0xc0}, 2) == "..");                     // add; inc: CF lives on
    CHECK(dead({0xd3, 0xe0, 0x29, 0xc8}, 2) == "..");                     // shl %cl
    CHECK(dead({0xc1, 0xe0, 0x03, 0x29, 0xc8}, 2) == "d.");               // shl $3; sub
    CHECK(dead({0x01, 0xc8, 0xc1, 0xe0, 0x00, 0x29, 0xc8}, 3) == "d..");  // shl $0 writes none
    CHECK(dead({0x01, 0xc8, 0x0f, 0x94, 0xc1, 0x29, 0xc8}, 3) == "...");  // add; sete; sub
    CHECK(dead({0x01, 0xc8, 0x8d, 0x04, 0x01, 0x29, 0xc8}, 3) == "d..");  // add; lea; sub
}
