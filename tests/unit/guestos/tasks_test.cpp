// Task lists and areas of our kernel in made-up memory, with types made by hand: no kernel is needed, and every
// damage and every missing name can be tried.
#include "emulator/guestos/tasks/guest_os.h"

#include <array>
#include <memory>

#include "emulator/guestos/known_kernels.h"
#include "tests/unit/catch.h"
#include "tests/unit/guestos/fake_memory.h"

using namespace orrery;

namespace {

constexpr u64 kListHead = 0xffffffff81000000, kTasks = 0xffff888000010000, kCpuData = 0xffffffff81002000,
              kMm = 0xffff888000020000, kVmas = 0xffff888000030000;

struct Kernel {
    Kernel() {
        number = types.add_type({.kind = TypeKind::Integer, .name = "u64", .size = 8});
        integer = types.add_type({.kind = TypeKind::Integer, .name = "int", .size = 4, .is_signed = true});
        letters = types.add_type({.kind = TypeKind::Array, .name = "char[]", .size = 16, .count = 16});
        Type* node = types.add_type({.kind = TypeKind::Structure, .name = "ListNode", .size = 16});
        const Type* node_pointer =
            types.add_type({.kind = TypeKind::Pointer, .name = "ListNode*", .size = 8, .target = node});
        node->members = {{.name = "next", .offset = 0, .type = node_pointer},
                         {.name = "prev", .offset = 8, .type = node_pointer}};
        Type* list = types.add_type({.kind = TypeKind::Structure, .name = "List", .size = 16});
        list->members = {{.name = "head_", .offset = 0, .type = node}};
        Type* task = types.add_type({.kind = TypeKind::Structure, .name = "task_struct", .size = 256});
        const Type* task_pointer =
            types.add_type({.kind = TypeKind::Pointer, .name = "task_struct*", .size = 8, .target = task});
        Type* mm = types.add_type({.kind = TypeKind::Structure, .name = "mm_struct", .size = 64});
        const Type* mm_pointer =
            types.add_type({.kind = TypeKind::Pointer, .name = "mm_struct*", .size = 8, .target = mm});
        task->members = {{.name = "state", .offset = 0, .type = integer},
                         {.name = "exit_state", .offset = 4, .type = integer},
                         {.name = "pid", .offset = 8, .type = integer},
                         {.name = "tgid", .offset = 12, .type = integer},
                         {.name = "comm", .offset = 16, .type = letters},
                         {.name = "real_parent", .offset = 32, .type = task_pointer},
                         {.name = "utime", .offset = 40, .type = number},
                         {.name = "stime", .offset = 48, .type = number},
                         {.name = "exit_code", .offset = 56, .type = integer},
                         {.name = "mm", .offset = 64, .type = mm_pointer},
                         {.name = "tasks", .offset = 72, .type = node}};
        mm->members = {{.name = "pgd", .offset = 0, .type = number},
                       {.name = "vmas", .offset = 8, .type = list},
                       {.name = "start_brk", .offset = 24, .type = number},
                       {.name = "brk", .offset = 32, .type = number},
                       {.name = "start_stack", .offset = 40, .type = number}};
        Type* reference = types.add_type({.kind = TypeKind::Structure, .name = "RefPtr<File>", .size = 8});
        reference->members = {{.name = "object_", .offset = 0, .type = number}};
        Type* vma = types.add_type({.kind = TypeKind::Structure, .name = "vm_area_struct", .size = 64});
        vma->members = {{.name = "vm_start", .offset = 0, .type = number},
                        {.name = "vm_end", .offset = 8, .type = number},
                        {.name = "vm_flags", .offset = 16, .type = number},
                        {.name = "vm_file", .offset = 24, .type = reference},
                        {.name = "node", .offset = 32, .type = node}};
        Type* cpu = types.add_type({.kind = TypeKind::Structure, .name = "CpuData", .size = 16});
        cpu->members = {{.name = "self", .offset = 0, .type = number},
                        {.name = "current_task", .offset = 8, .type = task_pointer}};
        types.add_type({.kind = TypeKind::Enumeration,
                        .name = "TaskState",
                        .size = 4,
                        .enumerators = {{"TASK_RUNNING", 0},
                                        {"TASK_INTERRUPTIBLE", 1},
                                        {"TASK_UNINTERRUPTIBLE", 2},
                                        {"TASK_STOPPED", 4},
                                        {"TASK_TRACED", 8},
                                        {"EXIT_DEAD", 16},
                                        {"EXIT_ZOMBIE", 32}}});
        types.add_type({.kind = TypeKind::Enumeration,
                        .name = "VmFlags",
                        .size = 8,
                        .enumerators = {{"VM_READ", 1}, {"VM_WRITE", 2}, {"VM_EXEC", 4}, {"VM_SHARED", 8}}});
        structures = {mm, list, cpu};
        types.add_global({"init_task", task_at(0), task});
        Type* table = types.add_type({.kind = TypeKind::Structure, .name = "TaskTable", .size = 16});
        table->members = {{.name = "list", .offset = 0, .type = list}};
        Type* guarded = types.add_type({.kind = TypeKind::Structure, .name = "Guarded", .size = 16});
        guarded->members = {{.name = "value_", .offset = 0, .type = table}};
        types.add_global({"task_table", kListHead, guarded});
        memory.put<u64>(kListHead, kListHead);
        memory.put<u64>(kListHead + 8, kListHead);
    }

    static u64 task_at(unsigned index) { return kTasks + index * 0x100; }

    void add_task(unsigned index, int pid, const char* comm, u32 state, unsigned parent) {
        const u64 at = task_at(index);
        memory.put<u32>(at, state);
        memory.put<u32>(at + 4, 0);
        memory.put<i32>(at + 8, pid);
        memory.put<i32>(at + 12, pid);
        memory.text(at + 16, comm);
        memory.put<u64>(at + 32, task_at(parent));
        memory.put<u64>(at + 40, 1000);
        memory.put<u64>(at + 48, 2000);
        memory.put<i32>(at + 56, 0);
        memory.put<u64>(at + 64, 0);
        append(kListHead, at + 72);
    }
    // At the end of the list.
    void append(u64 head, u64 node) {
        const u64 last = *memory.value<u64>(head + 8);
        memory.put<u64>(last, node);
        memory.put<u64>(node, head);
        memory.put<u64>(node + 8, last);
        memory.put<u64>(head + 8, node);
    }
    // As if the kernel had given a member another name.
    void rename(const char* type, const char* member, const char* to) {
        for (Type* made : structures)
            for (Member& known : made->members)
                if (made->name == type && known.name == member) known.name = to;
    }
    DebugInfo info() { return DebugInfo({}, {}, std::move(types)); }

    std::vector<Type*> structures;
    TypeTable types;
    FakeMemory memory;
    Type* number;
    Type* integer;
    Type* letters;
};

}  // namespace

TEST_CASE("the task list is read by names", "[guest]") {
    Kernel kernel;
    kernel.add_task(0, 0, "swapper", 0, 0);
    kernel.add_task(1, 1, "init", 1, 0);
    kernel.add_task(2, 7, "a-name-of-16-let", 2, 1);
    kernel.memory.put<u32>(Kernel::task_at(2) + 4, 32);
    kernel.memory.put<i32>(Kernel::task_at(2) + 56, 3 << 8);
    kernel.memory.put<u64>(kCpuData, kCpuData);
    kernel.memory.put<u64>(kCpuData + 8, Kernel::task_at(0));
    const DebugInfo info = kernel.info();
    const std::unique_ptr<GuestOs> os = guest_os(&info);
    for (const GuestCpu cpu : {GuestCpu{kCpuData, 0x5ec3c0}, GuestCpu{0x5ec3c0, kCpuData}}) {
        CHECK(os->current(kernel.memory, cpu) == Kernel::task_at(0));
        std::string problem;
        const std::vector<TaskInfo> tasks = os->tasks(kernel.memory, std::array{cpu}, &problem);
        CHECK(problem.empty());
        REQUIRE(tasks.size() == 3);
        CHECK(tasks[0].comm == "swapper");
        CHECK(tasks[0].state_text == "running on CPU 0");
        CHECK(tasks[0].running_on == 0);
        CHECK(tasks[1].pid == 1);
        CHECK(tasks[1].state == 'S');
        CHECK(tasks[1].running_on == -1);
        CHECK(tasks[1].stime_ns == 2000);
        CHECK(tasks[2].ppid == 1);
        CHECK(tasks[2].state == 'Z');
        CHECK(tasks[2].exit_code == 3 << 8);
    }
    CHECK(os->current(kernel.memory, {0x5ec3c0, 0}) == 0);
}

TEST_CASE("a damaged task list gives what can be read, and says so", "[guest]") {
    Kernel kernel;
    kernel.add_task(0, 0, "swapper", 0, 0);
    kernel.add_task(1, 1, "init", 1, 0);
    std::string problem;
    SECTION("a null link") {
        kernel.memory.put<u64>(Kernel::task_at(1) + 72, 0);
    }
    SECTION("a link to nowhere") {
        kernel.memory.put<u64>(Kernel::task_at(1) + 72, 0x1234);
    }
    SECTION("a ring without the head") {
        kernel.memory.put<u64>(Kernel::task_at(1) + 72, Kernel::task_at(1) + 72);
    }
    const DebugInfo info = kernel.info();
    const std::vector<TaskInfo> tasks = guest_os(&info)->tasks(kernel.memory, {}, &problem);
    CHECK(tasks.size() >= 2);
    CHECK_FALSE(problem.empty());
}

TEST_CASE("a kernel that lacks a name says which, and tells the rest", "[guest]") {
    Kernel kernel;
    kernel.add_task(0, 0, "swapper", 0, 0);
    kernel.memory.put<u64>(kCpuData, kCpuData);
    kernel.memory.put<u64>(kCpuData + 8, Kernel::task_at(0));
    std::string problem;
    SECTION("a member on the way to a value") {
        kernel.rename("mm_struct", "pgd", "page_directory");
        kernel.memory.put<u64>(Kernel::task_at(0) + 64, kMm);
        const DebugInfo info = kernel.info();
        const auto os = guest_os(&info);
        const std::string message =
            "the kernel's debug information has no mm_struct.pgd (mm_struct has no member pgd)";
        CHECK(os->problem() == message);
        CHECK(os->tasks(kernel.memory, {}, &problem).empty());
        CHECK(problem == message);
        CHECK(os->tells_who_runs());
        CHECK(os->current(kernel.memory, {kCpuData, 0}) == Kernel::task_at(0));
        CHECK(os->pid_of(kernel.memory, Kernel::task_at(0)) == 0);
    }
    SECTION("a member deeper in") {
        kernel.rename("List", "head_", "first_");
        const DebugInfo info = kernel.info();
        CHECK(guest_os(&info)->areas(kernel.memory, kMm, &problem).empty());
        CHECK(problem ==
              "the kernel's debug information has no mm_struct.vmas.head_ (List has no member head_)");
    }
    SECTION("what tells who runs") {
        kernel.rename("CpuData", "current_task", "current");
        const DebugInfo info = kernel.info();
        const auto os = guest_os(&info);
        CHECK_FALSE(os->tells_who_runs());
        CHECK(os->current(kernel.memory, {kCpuData, 0}) == 0);
        CHECK(os->problem() ==
              "the kernel's debug information has no CpuData.current_task (CpuData has no member "
              "current_task)");
        CHECK(os->tasks(kernel.memory, {}, &problem).size() == 1);
        CHECK(problem.empty());
    }
}

TEST_CASE("a program that is no kernel of ours lacks the first name", "[guest]") {
    const auto program = DebugInfo::open(DEBUG_FIXTURE);
    const auto os = guest_os(program.get());
    CHECK(os->problem() == "the kernel's debug information has no CpuData");
    std::string problem;
    CHECK(os->tasks(FakeMemory(), {}, &problem).empty());
    CHECK(problem == "the kernel's debug information has no init_task");
    CHECK_FALSE(os->switch_function());
}

TEST_CASE("of Linux, and of what is not known, no task is told", "[guest]") {
    const DebugInfo linux_info(SymbolTable::of({{"linux_banner", "linux_banner", 0x8000, 0x10, false},
                                                {"__switch_to", "__switch_to", 0x5000, 0x10, true}}),
                               {}, {});
    const DebugInfo stripped;
    const FakeMemory memory;
    for (const DebugInfo* kernel : {&linux_info, &stripped, static_cast<const DebugInfo*>(nullptr)}) {
        const auto os = guest_os(kernel);
        CHECK(os->kernel() == kernel);
        CHECK_FALSE(os->tells_who_runs());
        std::string problem;
        CHECK(os->tasks(memory, {}, &problem).empty());
        CHECK_FALSE(problem.empty());
        CHECK(problem == os->problem());
        CHECK(os->current(memory, {0xffff888000000000, 0}) == 0);
        CHECK_THROWS_WITH(os->pid_of(memory, 0xffff888000000000), problem);
    }
    CHECK(guest_os(&linux_info)->switch_function() == 0x5000);
}

TEST_CASE("areas are read with their rights and names", "[guest]") {
    Kernel kernel;
    kernel.memory.put<u64>(kMm + 8, kMm + 8);
    kernel.memory.put<u64>(kMm + 16, kMm + 8);
    kernel.memory.put<u64>(kMm + 24, 0x600000);
    kernel.memory.put<u64>(kMm + 32, 0x610000);
    kernel.memory.put<u64>(kMm + 40, 0x7ffffffff000);
    const u64 areas[3][3] = {
        {0x600000, 0x620000, 3}, {0x700000, 0x701000, 1 | 8}, {0x7fffffff0000, 0x7ffffffff000, 3}};
    for (unsigned i = 0; i < 3; ++i) {
        const u64 at = kVmas + i * 64;
        kernel.memory.poke(at, areas[i], 24);
        kernel.memory.put<u64>(at + 24, 0);
        kernel.append(kMm + 8, at + 32);
    }
    const DebugInfo info = kernel.info();
    std::string problem;
    const std::vector<AreaInfo> found = guest_os(&info)->areas(kernel.memory, kMm, &problem);
    CHECK(problem.empty());
    REQUIRE(found.size() == 3);
    CHECK(found[0].name == "[heap]");
    CHECK((found[0].read && found[0].write && !found[0].execute && !found[0].shared));
    CHECK(found[1].shared);
    CHECK(found[1].name.empty());
    CHECK(found[2].name == "[stack]");
}
