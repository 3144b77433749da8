#include "emulator/guestos/types/types.h"

#include <fmt/format.h>

#include "emulator/guestos/types/member_path.h"
#include "tests/unit/catch.h"
#include "tests/unit/guestos/fake_memory.h"

using namespace orrery;

TEST_CASE("structures are laid out as the compiler did", "[guest]") {
    const TypeTable types = TypeTable::open(DEBUG_FIXTURE);
    const Type* task = types.type("Task");
    REQUIRE(task != nullptr);
    CHECK(task->size == 72);
    Member member;
    REQUIRE(task->find_member("name", &member));
    CHECK(member.offset == 4);
    CHECK(member.type->kind == TypeKind::Array);
    CHECK(member.type->count == 16);
    REQUIRE(task->find_member("pid", &member));
    CHECK(member.offset == 24);
    CHECK(member.type->size == 8);
    // Through an anonymous structure and an anonymous union in it.
    REQUIRE(task->find_member("c", &member));
    CHECK(member.offset == 44);
    REQUIRE(task->find_member("other", &member));
    CHECK(member.bit_size == 5);
    CHECK(member.bit_offset == 3);
    CHECK_FALSE(task->find_member("nothing", &member));

    // Space was only declared where Task was defined.
    REQUIRE(task->find_member("space", &member));
    REQUIRE(member.type->target != nullptr);
    Member inner;
    REQUIRE(member.type->target->find_member("numbers", &inner));
    CHECK(inner.type->count == 4);
    // A member of the base class.
    REQUIRE(types.type("Space")->find_member("refs", &inner));
    CHECK(inner.offset == 0);

    const Type* state = types.type("State");
    REQUIRE(state != nullptr);
    CHECK(state->enumerator_name(32) == "kZombie");
    CHECK(state->enumerator_name(5).empty());
    CHECK(types.type("ns::Node")->size == 16);
}

TEST_CASE("global variables have addresses and types", "[guest]") {
    const TypeTable types = TypeTable::open(DEBUG_FIXTURE);
    const GlobalVariable* task = types.global("first_task");
    REQUIRE(task != nullptr);
    CHECK(task->address != 0);
    CHECK(task->type == types.type("Task"));
    REQUIRE(types.global("ns::counter") != nullptr);
    CHECK(types.global("ns::counter")->type->is_signed);
    Member head;
    REQUIRE(types.global("task_list") != nullptr);
    CHECK(types.global("task_list")->type->find_member("head_", &head));
    CHECK(types.global("nothing") == nullptr);
}

TEST_CASE("values are read by the names of members", "[guest]") {
    const TypeTable types = TypeTable::open(DEBUG_FIXTURE);
    FakeMemory memory;
    const u64 task = 0xffff'8880'0000'1000, space = 0xffff'8880'0000'3ff8;  // the second crosses a page
    memory.put<u32>(task, 1);
    memory.text(task + 4, "init");
    memory.put<u64>(task + 24, 7);
    memory.put<u64>(task + 32, space);
    memory.put<i32>(task + 44, -2);
    for (int i = 0; i < 4; ++i) memory.put<i32>(space + 16 + 4 * i, 10 * i);
    memory.put<i32>(space, 3);
    const auto path = [&](const char* members) { return MemberPath::of_type(types, "Task", members); };

    CHECK(path("state").value(memory, task) == 1);
    CHECK(path("name").text(memory, task) == "init");
    CHECK(path("pid").value(memory, task) == 7);
    CHECK(path("b").signed_value(memory, task) == -2);
    CHECK(path("space.refs").value(memory, task) == 3);
    CHECK(path("space.numbers").address(memory, task) == space + 16);
    CHECK(path("node.next").value(memory, task) == 0);
    CHECK(path("node").container(task + 48) == task);
    CHECK_THROWS_AS(path("space.refs").container(task), GuestReadError);

    const u64 list = types.global("task_list")->address;
    memory.put<u64>(list, task);
    CHECK(MemberPath::of_global(types, "task_list", "").address(memory) == list);
    CHECK(MemberPath::of_global(types, "task_list", "head_.next").value(memory) == task);

    CHECK(path("space.refs").problem().empty());
    CHECK(path("space.nothing").problem() ==
          "the kernel's debug information has no Task.space.nothing (Space has no member nothing)");
    CHECK_THROWS_WITH(path("space.nothing").value(memory, task), path("space.nothing").problem());
    CHECK_THROWS_AS(path("name.x").value(memory, task), GuestReadError);
    CHECK(MemberPath::of_type(types, "Nobody", "x").problem() ==
          "the kernel's debug information has no Nobody");
    CHECK(MemberPath::of_global(types, "nobody", "").problem() ==
          "the kernel's debug information has no nobody");
    CHECK_THROWS_WITH(path("name").value(memory, task), "Task.name is no number: it is a char[]");
    CHECK_THROWS_WITH(path("node.next.next").value(memory, task),
                      fmt::format("Task.node.next.next: a null pointer at {:#x}", task + 48));
    memory.put<u64>(task + 32, 0x1234);
    CHECK_THROWS_WITH(path("space.refs").value(memory, task), "nothing to read at 0x1234");

    CHECK(EnumeratorPath(types, "State", "kZombie").value() == 32);
    CHECK_THROWS_WITH(EnumeratorPath(types, "State", "kGone").value(),
                      "the kernel's debug information has no kGone in State");
}
