#include "emulator/inspect/models/page_walk.h"

#include <nlohmann/json.hpp>

#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;

TEST_CASE("a page walk of a user page, as text", "[models]") {
    test::SmallMachine small;
    CHECK(to_text(page_walk_model(small.context(), {.address = 0x401234, .cr3 = {}})) ==
          R"(page walk of 0x0000000000401234
  bits 63-48  sign extension       0  0x0
  bits 47-39  PML4 index           0  0x0
  bits 38-30  PDPT index           0  0x0
  bits 29-21  PD index             2  0x2
  bits 20-12  PT index             1  0x1
  bits 11-0   offset             564  0x234

CR3 0x0000000000001000
  PML4 [  0] at 0x0000001000: 0x0000000000002027  P RW US A          page-directory-pointer table at 0x2000
  PDPT [  0] at 0x0000002000: 0x0000000000003027  P RW US A          page directory at 0x3000
  PD   [  2] at 0x0000003010: 0x0000000000004027  P RW US A          page table at 0x4000
  PT   [  1] at 0x0000004008: 0x8000000000201067  P RW US A D NX     4 KiB page at 0x201000

maps to physical 0x201234, in a 4 KiB page (user, writable, not executable)

  user read    allowed
  user write   allowed
  user fetch   fault    the PT entry has NX set (error code 0x15: protection, fetch, user)
  kernel read  fault    CR4.SMAP: the kernel may touch a user page only with RFLAGS.AC set (error code 0x1: protection, read, kernel)
  kernel write fault    CR4.SMAP: the kernel may touch a user page only with RFLAGS.AC set (error code 0x3: protection, write, kernel)
  kernel fetch fault    the PT entry has NX set (error code 0x11: protection, fetch, kernel)
)");
}

TEST_CASE("page walks that end early say where and why", "[models]") {
    test::SmallMachine small;
    const auto walk_of = [&](u64 address) {
        return page_walk_model(small.context(), {.address = address, .cr3 = {}});
    };
    const PageWalkModel absent = walk_of(0x402000);
    CHECK_FALSE(absent.mapped);
    CHECK(absent.verdict == "not mapped: the PT entry is not present (P is clear)");
    CHECK(absent.rows.size() == 4);
    CHECK(walk_of(0x4000'0000).verdict == "not mapped: the PDPT entry is not present (P is clear)");

    const PageWalkModel strange = walk_of(0x8000'0000'0000);
    CHECK_FALSE(strange.canonical);
    CHECK(strange.rows.empty());
    CHECK(strange.verdict.find("not canonical") == 0);

    const PageWalkModel large = walk_of(0x12345);
    CHECK(large.page_size == u64{2} << 20);
    CHECK(large.physical == 0x12345);
    CHECK(large.parts.back().high == 20);
    CHECK(large.accesses[0].reason == "the PD entry has US clear: the page is the kernel's");
    CHECK(large.accesses[5].allowed);

    // SMEP: a user page that may be executed, but not by the kernel.
    CHECK(walk_of(0x400000).accesses[5].reason == "CR4.SMEP: the kernel may not execute a user page");
    // A reserved bit.
    small.put(0x4008, 0x0008'0000'0020'1067);
    CHECK(walk_of(0x401000).verdict == "not mapped: the PT entry has a reserved bit set (0x8000000000000)");

    small.machine.cpu().cr0 &= ~cr0::kPg;
    CHECK(walk_of(0x401000).levels == 0);
}

TEST_CASE("a page walk says what a protection key forbids", "[models]") {
    test::SmallMachine small;
    small.put(0x4008, 0x201067 | u64{1} << 59);  // a user page of key 1
    Cpu& cpu = small.machine.cpu();
    cpu.cr4 |= cr4::kPke;
    const auto accesses = [&] {
        return page_walk_model(small.context(), {.address = 0x401000, .cr3 = {}}).accesses;
    };
    cpu.pkru = 1u << 2;  // AD of key 1
    CHECK(accesses()[0].reason == "PKRU forbids protection key 1: AD is set");
    CHECK(accesses()[0].error_code == (pf::kPresent | pf::kUser | pf::kProtectionKey));
    CHECK(accesses()[2].allowed);                                               // keys say nothing of fetches
    CHECK(accesses()[3].reason == "PKRU forbids protection key 1: AD is set");  // before SMAP's refusal
    cpu.pkru = 2u << 2;                                                         // WD of key 1
    CHECK(accesses()[0].allowed);
    CHECK(accesses()[1].reason == "PKRU forbids writes by protection key 1: WD is set");
    CHECK(page_fault_text(accesses()[1].error_code) == "protection, write, user, protection key");
}

TEST_CASE("a page walk leaves no trace", "[models]") {
    test::SmallMachine small;
    small.put(0x4008, 0x8000'0000'0020'1007);  // A and D clear
    const u64 before = small.machine.state_hash();
    const PageWalkModel model = page_walk_model(small.context(), {.address = 0x401000, .cr3 = {}});
    CHECK(model.mapped);
    CHECK(small.machine.state_hash() == before);
}

TEST_CASE("a page walk as JSON", "[models]") {
    test::SmallMachine small;
    const Json json =
        Json::parse(to_json(page_walk_model(small.context(), {.address = 0x401000, .cr3 = {}})).dump());
    CHECK(json["address"] == "0x0000000000401000");
    CHECK(json["entries"].size() == 4);
    CHECK(json["entries"][3]["flags"] == "P RW US A D NX");
    CHECK(json["mapped"] == true);
    CHECK(json["accesses"].size() == 6);
}

TEST_CASE("page-fault error codes in words", "[models]") {
    CHECK(page_fault_text(0) == "not present, read, kernel");
    CHECK(page_fault_text(7) == "protection, write, user");
    CHECK(page_fault_text(0x15) == "protection, fetch, user");
    CHECK(page_fault_text(9) == "protection, read, kernel, reserved bit");
}
