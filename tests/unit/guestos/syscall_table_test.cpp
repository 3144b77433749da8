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

TEST_CASE("32-bit calls have i386's numbers and what is known of their handlers", "[guest]") {
    const SyscallSpec* write = syscall_spec(4, CallAbi::Ia32);
    REQUIRE(write != nullptr);
    CHECK(write->name == "write");
    REQUIRE(write->arguments.size() == 3);
    CHECK(write->arguments[1].kind == ArgumentKind::Bytes);
    const SyscallSpec* fstat64 = syscall_spec(197, CallAbi::Ia32);
    REQUIRE(fstat64 != nullptr);
    CHECK(fstat64->name == "fstat64");
    CHECK(fstat64->arguments[1].kind == ArgumentKind::Address);  // its structure is another
    const SyscallSpec* llseek = syscall_spec(140, CallAbi::Ia32);
    REQUIRE(llseek != nullptr);
    CHECK(llseek->arguments.size() == 5);
    CHECK(syscall_spec(17, CallAbi::Ia32) == nullptr);
    for (const SyscallSpec& spec : syscall_specs(CallAbi::Ia32)) CHECK(spec.complete);
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
