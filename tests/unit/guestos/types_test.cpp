#include "emulator/guestos/types/types.h"

#include "emulator/guestos/types/guest_object.h"
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

TEST_CASE("objects are read by the names of their members", "[guest]") {
    const TypeTable types = TypeTable::open(DEBUG_FIXTURE);
    FakeMemory memory;
    const u64 task_at = 0xffff'8880'0000'1000, space_at = 0xffff'8880'0000'3ff8;  // the second crosses a page
    memory.put<u32>(task_at, 1);
    memory.text(task_at + 4, "init");
    memory.put<u64>(task_at + 24, 7);
    memory.put<u64>(task_at + 32, space_at);
    memory.put<i32>(task_at + 44, -2);
    for (int i = 0; i < 4; ++i) memory.put<i32>(space_at + 16 + 4 * i, 10 * i);
    memory.put<i32>(space_at, 3);

    const GuestObject task(memory, types.type("Task"), task_at);
    CHECK(task["state"].value() == 1);
    CHECK(task["name"].text() == "init");
    CHECK(task["pid"].value() == 7);
    CHECK(task["b"].signed_value() == -2);
    CHECK(task["space"]["refs"].value() == 3);
    CHECK(task["space"]["numbers"].at(3).value() == 30);
    CHECK(task["node"]["next"].null());
    CHECK(task["node"].container(types.type("Task"), "node").address() == task_at);

    CHECK_THROWS_WITH(task["nothing"], "Task has no member nothing");
    CHECK_THROWS_AS(task["node"]["next"].deref(), GuestReadError);
    CHECK_THROWS_AS(task["name"]["x"], GuestReadError);
    memory.put<u64>(task_at + 32, 0x1234);
    CHECK_THROWS_WITH(task["space"]["refs"].value(), "nothing to read at 0x1234");
}
