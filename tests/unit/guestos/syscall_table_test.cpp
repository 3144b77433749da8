#include "emulator/guestos/syscalls/syscall_table.h"

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/syscall_structs.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

// Columns of the table as it stands.
struct Row {
    int number;
    const char* name;
    size_t count;
};
const Row kRows[] = {
#define SYSCALL(number, name, handler, count, arguments, status, test, ...) {number, #name, count},
#include "guest-kernel/syscall/table.def"
#undef SYSCALL
};

}  // namespace

TEST_CASE("every row of the kernel's table is understood", "[guest]") {
    REQUIRE(syscall_specs().size() == std::size(kRows));
    for (const Row& row : kRows) {
        INFO(row.name);
        const SyscallSpec* spec = syscall_spec(static_cast<u64>(row.number));
        REQUIRE(spec != nullptr);
        CHECK(spec->name == row.name);
        CHECK(spec->complete);
        CHECK(spec->arguments.size() == row.count);
        for (const SyscallArgument& argument : spec->arguments) {
            INFO(argument.name << ":" << argument.word);
            CHECK(argument.kind != ArgumentKind::Unknown);
            if (argument.kind == ArgumentKind::Structure) CHECK(is_structure(argument.word));
            if (argument.kind == ArgumentKind::Flags) CHECK(is_flag_set(argument.word));
            if (argument.kind == ArgumentKind::Enumeration) CHECK(is_enumeration(argument.word));
        }
    }
}

TEST_CASE("the arguments' notation", "[guest]") {
    const SyscallSpec spec =
        parse_syscall(0, "x", "fd:int buf:out_bytes(ret) set:inout:pollfd(n) f:flags:open -> addr");
    CHECK(spec.complete);
    REQUIRE(spec.arguments.size() == 4);
    CHECK(spec.result == ResultKind::Address);
    CHECK(spec.arguments[1].kind == ArgumentKind::Bytes);
    CHECK(spec.arguments[1].extent == "ret");
    CHECK(spec.arguments[1].out);
    CHECK_FALSE(spec.arguments[1].in);
    CHECK(spec.arguments[2].word == "pollfd");
    CHECK(spec.arguments[2].extent == "n");
    CHECK((spec.arguments[2].in && spec.arguments[2].out));
    CHECK_FALSE(parse_syscall(0, "x", "fd:nonsense").complete);
    CHECK_FALSE(parse_syscall(0, "x", "fd").complete);
    CHECK(syscall_spec(100000) == nullptr);
}
