#include "emulator/inspect/models/windows.h"

#include <nlohmann/json.hpp>

#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_log.h"
#include "emulator/inspect/models/console.h"
#include "emulator/inspect/models/syscalls.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;

namespace {

std::string complaint(const std::string& window, const std::vector<std::string>& arguments) {
    test::SmallMachine small;
    try {
        find_window(window).render(small.context(), arguments);
    } catch (const ShowError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("bad arguments get one clear line", "[models]") {
    CHECK(complaint("page-walk", {"0xzz"}) == "show page-walk: 0xzz is not an address");
    CHECK(complaint("page-walk", {}) == "show page-walk: needs an address");
    CHECK(complaint("page-walk", {"1", "2", "3"}) ==
          "show page-walk: takes only an address and a pid, but got 3");
    CHECK(complaint("page-walk", {"1", "two"}) == "show page-walk: two is not a pid");
    CHECK(complaint("page-walk", {""}) == "show page-walk: \"\" is not an address");
    CHECK(complaint("page-walk", {"12ab"}) == "show page-walk: 12ab is not an address");
    CHECK(complaint("page-walk", {"0x10000000000000000"}) ==
          "show page-walk: 0x10000000000000000 is not an address");
    CHECK(complaint("disassembly", {"nowhere"}) == "show disassembly: no symbol is called nowhere");
    CHECK(complaint("tlb", {"1"}) == "show tlb: takes no argument, but got 1");
    CHECK(complaint("registers", {"xmm"}) == "show registers: xmm: the only argument is fp");
    CHECK(complaint("address-space", {"one"}) == "show address-space: one is not a pid");
    CHECK(complaint("address-space", {"1"}) ==
          "show address-space: no debug information of the guest's kernel: its tasks cannot be found");
    CHECK(complaint("syscalls", {}) == "show syscalls: system calls were not traced");
    CHECK(complaint("memory", {"rsp", "0"}) == "show memory: 0: from 1 to 65536 bytes");
    CHECK(complaint("memory", {"rsp", "many"}) == "show memory: many is not a number of bytes");
    CHECK(complaint("devices", {"foo"}).find("show devices: no device is called foo; there are: ") == 0);
    CHECK_THROWS_WITH(find_window("foo"),
                      orrery::testing::has_text("show: no window is called foo; there are: registers,"));
    // Without a machine.
    CHECK_THROWS_WITH(find_window("page-walk").check({"0xzz"}), "show page-walk: 0xzz is not an address");
    CHECK_NOTHROW(find_window("page-walk").check({"do_syscall_64+0x10"}));
}

TEST_CASE("addresses may be numbers, registers and symbols", "[models]") {
    test::SmallMachine small;
    const DebugInfo info(SymbolTable::of({{"do_fork", "do_fork", 0x5000, 0x10, true}}), {}, {});
    ModelContext context = small.context();
    const std::unique_ptr<GuestOs> os = guest_os(&info);
    context.os = os.get();
    CHECK(parse_address(context, "0x1f") == 0x1f);
    CHECK(parse_address(context, "31") == 31);
    CHECK(parse_address(context, "0x10+0x8") == 0x18);
    CHECK(parse_address(context, "rip") == test::SmallMachine::kCode);
    CHECK(parse_address(context, "$rsp") == test::SmallMachine::kStack);
    CHECK(parse_address(context, "rsp-8") == test::SmallMachine::kStack - 8);
    CHECK(parse_address(context, "do_fork") == 0x5000);
    CHECK(parse_address(context, "do_fork+0xc") == 0x500c);
}

TEST_CASE("every window that needs no kernel renders as text and as JSON", "[models]") {
    test::SmallMachine small;
    const std::string console = "~ # ls\r\nbin\x1b[1;34metc\x1b[m\n";
    ModelContext context = small.context();
    context.console = &console;
    for (const std::string name : {"registers", "disassembly", "tlb", "devices", "console"}) {
        INFO(name);
        const RenderedWindow window = find_window(name).render(context, {});
        CHECK_FALSE(window.text.empty());
        CHECK(Json::parse(window.json).is_object());
    }
    CHECK(find_window("console").render(context, {}).text == "~ # ls\nbinetc\n\n");
}

TEST_CASE("the console's lines are what one would see", "[models]") {
    test::SmallMachine small;
    ModelContext context = small.context();
    const std::string console = "abc\rX\nabc\b\bZ\n\x1b]0;title\x07tail\xff";
    context.console = &console;
    const ConsoleModel model = console_model(context);
    CHECK(model.lines == std::vector<std::string>{"Xbc", "aZc", "tail\xff"});
    CHECK_NOTHROW(to_json(model).dump());
    CHECK(console_model(context, {.limit = 1}).lines.size() == 1);
}

TEST_CASE("system calls as rows", "[models]") {
    test::SmallMachine small;
    SyscallLog log;
    SyscallRecord record;
    record.pid = 3;
    record.comm = "sh";
    record.begin = {1234567, 2000000};
    record.call.name = "getpid";
    record.finished = true;
    record.result_text = "3";
    log.count(log.add(record));
    record.pid = 4;
    record.call.name = "pause";
    record.entry = record.call;
    record.finished = false;
    log.add(record);
    record.kind = SyscallRecord::Kind::Note;
    record.note = "+++ exited with 0 +++";
    log.add(record);
    ModelContext context = small.context();
    context.syscalls = &log;
    CHECK(to_text(syscalls_model(context)) ==
          "   1,234,567      3 sh               getpid()                                = 3\n"
          "   1,234,567      4 sh               pause() <unfinished ...>\n"
          "   1,234,567      4 sh               +++ exited with 0 +++\n");
    CHECK(syscalls_model(context, {.pid = 4, .filter = "", .limit = 10}).rows.size() == 2);
    CHECK(syscalls_model(context, {.pid = {}, .filter = "get", .limit = 10}).rows.size() == 1);
    CHECK(syscalls_model(context, {.pid = {}, .filter = "", .limit = 1}).rows[0].is_note);
    CHECK(syscalls_model(context).summary.size() == 1);
    // Rows beyond the limit are said to be there, and what is not known of a task is not shown.
    CHECK(syscalls_model(context, {.pid = {}, .filter = "", .limit = 1}).left_out == 2);
    CHECK_FALSE(syscalls_model(context).rows[1].ticks);
    CHECK_FALSE(syscalls_model(context).rows[2].ticks);
    record = {};
    record.call.name = record.entry.name = "read";
    record.entry.texts = {"0", std::nullopt};
    log.add(record);
    CHECK(to_text(syscalls_model(context, {.pid = {}, .filter = "", .limit = 1})) ==
          "(3 older ones are not shown)\n"
          "           0      -                  read(0, ...) <unfinished ...>\n");
}
