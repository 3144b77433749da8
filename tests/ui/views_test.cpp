// What the views show of a booted guest, and that what it says is so.
#include "ui/views.h"

#include <nlohmann/json.hpp>
#include <set>

#include "emulator/inspect/models/windows.h"
#include "tests/ui/session_fixture.h"
#include "tests/unit/catch.h"
#include "ui/frame_timer.h"
#include "ui/layout.h"
#include "ui/set_grid.h"
#include "ui/terminal.h"

using namespace orrery;
using namespace orrery::test;

TEST_CASE("models are computed for the views on the screen, and for no others") {
    Session session(small_session());
    boot(session);
    Selection selection;
    selection.views = view_bit("Tasks") | view_bit("Ring");
    const auto frame = session.frame(selection);
    CHECK(frame->views == selection.views);
    CHECK_FALSE(frame->tasks.rows.empty());
    CHECK_FALSE(frame->ring.rows.empty());
    CHECK_FALSE(frame->registers.general.empty());
    CHECK(frame->tlb.arrays.empty());
    CHECK(frame->address_space.comm.empty());
    CHECK(frame->devices.devices.empty());
    CHECK(frame->disassembly.rows.empty());
    CHECK(frame->syscalls.rows.empty());
    CHECK(view_bit("no such view") == 0);
}

TEST_CASE("a task's address is translated by its own page tables") {
    Session session(small_session());
    boot(session);
    // A resident page of init's heap: the shell, forked from it, has another frame there or none.
    const Json space =
        Json::parse(find_window("address-space").render(session.context(), {"1", "pages"}).json);
    REQUIRE(!space["runs"].empty());
    Selection selection;
    selection.task = 1;
    unsigned compared = 0;
    for (const Json& run : space["runs"]) {
        const std::string linear = run["linear"];
        selection.walk_address = selection.memory_address = linear;
        const auto frame = session.frame(selection);
        INFO(linear);
        CHECK(frame->page_walk.mapped);
        CHECK(hex64(frame->page_walk.physical) == run["physical"].get<std::string>());
        CHECK(frame->walk_task.find("(pid 1)") != std::string::npos);
        CHECK(frame->memory.rows[0].readable[0]);
        ++compared;
    }
    CHECK(compared > 2);
    // A register's value is the CPU's, whatever task was chosen.
    selection.walk_address = "rsp";
    const auto frame = session.frame(selection);
    CHECK(frame->walk_task.empty());
    CHECK(frame->page_walk.cr3 == session.machine().cpu().cr3);
    selection.task = 7777;
    selection.walk_address = "0x400000";
    CHECK(session.frame(selection)->walk_error == "no task has pid 7777");
}

TEST_CASE("memory is written where it is shown: in the task that was chosen") {
    Session session(small_session());
    boot(session);
    Selection selection;
    selection.task = 1;
    const Json space = Json::parse(find_window("address-space").render(session.context(), {"1"}).json);
    u64 stack = 0;
    for (const Json& area : space["areas"])
        if (area["name"] == "[stack]") stack = std::stoull(area["end"].get<std::string>(), nullptr, 16) - 16;
    REQUIRE(stack != 0);
    session.command(command::PokeMemory{stack, "5a a5", 1});
    INFO(session.status());
    selection.memory_address = hex64(stack);
    const auto frame = session.frame(selection);
    CHECK(frame->memory.rows[0].bytes[0] == 0x5a);
    CHECK(frame->memory.rows[0].bytes[1] == 0xa5);
}

TEST_CASE("at a watched call the crossing is from ring 3 to ring 0") {
    play(
        "boot\nwatch\nexpect ring CPL  3                   0\nexpect ring entry_SYSCALL_64\n"
        "crossing\nexpect ring CPL  0                   3\n"
        "previous-crossing\nexpect ring CPL  3                   0\n");
}

TEST_CASE("a system call is watched from the first instruction on: the shell is waited for") {
    play("watch\nexpect status At a system call\nexpect syscalls write(1, \"hi\\n\", 3\n");
}

TEST_CASE("what ends and what is signalled takes no time") {
    Session session(small_session());
    boot(session);
    session.command(command::Type{"true | ls /\n"});
    boot(session);
    unsigned notes = 0;
    const auto frame = session.frame({});
    for (const SyscallRow& row : frame->syscalls.rows) {
        INFO(row.call);
        if (row.is_note) CHECK_FALSE(row.ticks);
        notes += row.is_note;
        CHECK(row.ticks.value_or(0) <= session.machine().moment().ticks);
        CHECK(row.finished == (row.ticks.has_value() || row.is_note));
        if (!row.is_note) CHECK(row.call.back() == (row.call.ends_with("...") ? '.' : ')'));
    }
    CHECK(notes >= 2);
}

TEST_CASE("no task has a pid before its kernel's structures are known") {
    SessionConfig config = small_session();
    config.kernel_path = "/nonexistent";
    Session session(config);
    boot(session);
    const auto frame = session.frame({});
    REQUIRE(frame->syscalls.rows.size() > 10);
    for (const SyscallRow& row : frame->syscalls.rows) CHECK(row.pid == 0);
    const RenderedWindow twin = find_window("syscalls").render(session.context(), {});
    CHECK(twin.text.find("      -                  ") != std::string::npos);
    CHECK(Json::parse(twin.json)["calls"][0]["pid"].is_null());
}

TEST_CASE("every set of a TLB array has a place within the window") {
    for (const unsigned sets : {1u, 16u, 64u, 128u, 1024u}) {
        for (const unsigned columns : {1u, 30u, 64u, 500u}) {
            const SetGrid grid(sets, 4, columns);
            std::set<std::pair<unsigned, unsigned>> places;
            for (unsigned set = 0; set < sets; ++set) {
                for (unsigned way = 0; way < 4; ++way) {
                    const SetGrid::Place place = grid.at(set, way);
                    CHECK(place.column < columns);
                    CHECK(place.row < grid.rows());
                    places.insert({place.column, place.row});
                }
            }
            CHECK(places.size() == size_t{sets} * 4);
        }
    }
}

TEST_CASE("lines that end with LF alone begin at the left, where a program printed them") {
    Terminal terminal(4, 20);
    terminal.feed("one\ntwo\n");
    CHECK(terminal.text() == "one\n   two\n");
    terminal.reset();
    terminal.set_newline(true);
    terminal.feed("one\ntwo\r\nthree");
    CHECK(terminal.text() == "one\ntwo\nthree\n");
    terminal.reset();
    terminal.feed("a\n");
    terminal.feed("b");
    CHECK(terminal.text() == "a\nb\n");
}

TEST_CASE("an idle guest is drawn once a second, a busy one at once, one that stands still never") {
    using namespace std::chrono_literals;
    FrameTimer::Time now{};
    FrameTimer frames(now);
    unsigned published = 0;
    const auto run = [&](unsigned slices, News news) {
        published = 0;
        for (unsigned i = 0; i < slices; ++i, now += 16ms) {
            frames.note(news);
            if (!frames.due(now)) continue;
            frames.published(now);
            ++published;
        }
        return published;
    };
    CHECK(run(625, News::Little) <= 10);
    CHECK(published >= 9);
    frames.published(now);
    CHECK(run(625, News::None) == 0);
    CHECK(run(625, News::Much) == 625);
    frames.note(News::Much);
    frames.note(News::Little);
    CHECK(frames.due(now));
}

TEST_CASE("a view that the layout has not is opened over it") {
    Ui ui;
    ui.layout = "Projector";
    CHECK(show_view(ui, "Ring"));
    CHECK(ui.opened.empty());
    CHECK(show_view(ui, "TLB"));
    CHECK(show_view(ui, "TLB"));
    CHECK(ui.opened == std::vector<std::string>{"TLB"});
    CHECK(ui.focus_request == "TLB");
    CHECK_FALSE(show_view(ui, "no such view"));
    CHECK(choose_layout(ui, "Memory"));
    CHECK(ui.opened.empty());
    const std::string picture = scratch("view.png");
    play("layout Projector\nfocus Devices\nscreenshot " + picture + "\nboot\nscreenshot " + picture + "\n");
    CHECK(std::filesystem::file_size(picture) > 10'000);
    std::filesystem::remove(picture);
}
