// The processor in words: what --cpu says is what CPUID shows and the control registers take.
#include "emulator/isa/features.h"

#include "emulator/core/cpu/state/cpuid.h"
#include "emulator/core/cpu/state/msr.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u32 kApicBase = 0x1b, kTscDeadline = 0x6e0;

u32 shown(BareMachine& m, const FeatureRow& row) {
    const CpuidResult leaf = cpuid(*m.cpu, row.leaf, row.subleaf);
    const u32 registers[] = {leaf.eax, leaf.ebx, leaf.ecx, leaf.edx};
    return registers[static_cast<u8>(row.cpuid_register)] >> row.bit & 1;
}

}  // namespace

TEST_CASE("every feature can be added and taken away by its name, and CPUID shows it") {
    for (const FeatureRow& row : kFeatureRows) {
        const auto with = cpu_profile(std::string("v2,+") + row.text);
        const auto without = cpu_profile(std::string("v3,-") + row.text);
        REQUIRE(with);
        REQUIRE(without);
        CHECK(with->has(row.feature));
        CHECK_FALSE(without->has(row.feature));
        CHECK(cpu_profile(std::string("v2,") + row.text) == with);
        BareMachine has(*with), lacks(*without);
        has.enter_long(0);
        lacks.enter_long(0);
        INFO(row.text);
        CHECK(shown(has, row) == 1);
        CHECK(shown(lacks, row) == 0);
    }
}

TEST_CASE("a feature brings what it needs, and takes along what needs it") {
    const CpuFeatures avx2 = *cpu_profile("v2,avx2");
    CHECK((avx2.has(Feature::Avx) && avx2.has(Feature::Xsave)));
    CHECK_FALSE(avx2.has(Feature::Fma));
    const CpuFeatures none = *cpu_profile("v3,-xsave");
    for (Feature f :
         {Feature::Avx, Feature::Avx2, Feature::Fma, Feature::F16c, Feature::Xsaves, Feature::Xsavec})
        CHECK_FALSE(none.has(f));
    CHECK(none.has(Feature::Bmi2));
}

TEST_CASE("a processor's words make the same processor") {
    for (const char* words : {"v2", "v3", "v3,-pcid,-x2apic,phys-bits=36", "v2,pku,la57", "v3,-sse",
                              "v2,-fpu,+avx2", "v2,phys-bits=52", "v3,phys-bits=40"}) {
        INFO(words);
        const CpuFeatures features = *cpu_profile(words);
        CHECK(cpu_profile(cpu_profile_text(features)) == features);
    }
    CHECK(cpu_profile_text(*cpu_profile("v3,+pku,-x2apic,-pcid,phys-bits=36")) ==
          "v3,+pku,-pcid,-x2apic,phys-bits=36");
    CHECK(cpu_profile_text(CpuFeatures()) == "v2");
}

TEST_CASE("words that are no processor name the one that is wrong") {
    std::string why;
    for (const char* words : {"", "v4", "v3,", "v3,sse9", "v3,--avx", "v3,+", "v3,-", "v3,phys-bits",
                              "v3,phys-bits=", "v3,phys-bits=35", "v3,phys-bits=53", "v3,phys-bits=036",
                              "v3 ,avx", "pku", "v3,v2"})
        CHECK_FALSE(cpu_profile(words, &why));
    CHECK_FALSE(cpu_profile("v3,avx,nosuch,pku", &why));
    CHECK(why.find("'nosuch'") == 0);
}

TEST_CASE("what was taken away is not there to be turned on") {
    BareMachine m(*cpu_profile("v2,-pcid,-smep,-x2apic,-tsc_deadline_timer,-smap,-umip,-fsgsbase"));
    m.enter_long(0);
    for (u64 bit : {cr4::kPcide, cr4::kSmep, cr4::kSmap, cr4::kUmip, cr4::kFsgsbase}) {
        m.restart();
        m.cpu->gpr[kRax] = m.cpu->cr4 | bit;
        CHECK(m.raises(13, {0x0f, 0x22, 0xe0}));  // MOV CR4, RAX
    }
    u64 base = 0;
    REQUIRE(read_msr(m.cpu.get(), kApicBase, base));
    CHECK_FALSE(write_msr(m.cpu.get(), kApicBase, base | 1u << 10));
    CHECK_FALSE(read_msr(m.cpu.get(), kTscDeadline, base));
    CHECK_FALSE(write_msr(m.cpu.get(), kTscDeadline, 0));
}

TEST_CASE("physical addresses are as wide as asked for") {
    BareMachine m(*cpu_profile("v2,phys-bits=36"));
    m.enter_long(0);
    CHECK((cpuid(*m.cpu, 0x8000'0008, 0).eax & 0xff) == 36);
    m.cpu->gpr[kRax] = u64{1} << 36;
    CHECK(m.raises(13, {0x0f, 0x22, 0xd8}));  // MOV CR3, RAX
    u64 base = 0;
    REQUIRE(read_msr(m.cpu.get(), kApicBase, base));
    CHECK_FALSE(write_msr(m.cpu.get(), kApicBase, base | u64{1} << 36));
    // Bit 36 of an entry is reserved.
    PagingContext context = m.cpu->paging();
    const u64 linear = BareMachine::kCode;
    const WalkResult before = walk(m.bus, context, linear, AccessKind::Read, false, false, WalkMode::Peek);
    REQUIRE(before.ok);
    const WalkStep& leaf = before.steps[before.step_count - 1];
    m.put(leaf.entry_address, leaf.entry | u64{1} << 36);
    const WalkResult after = walk(m.bus, context, linear, AccessKind::Read, false, false, WalkMode::Peek);
    CHECK_FALSE(after.ok);
    CHECK((after.error_code & pf::kReserved) != 0);
    context.physical_bits = 40;
    CHECK(walk(m.bus, context, linear, AccessKind::Read, false, false, WalkMode::Peek).ok);
}
