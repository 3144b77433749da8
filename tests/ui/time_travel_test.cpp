// The debugger going backwards, played by scripts: every moment is what it was, and what is done in the past
// begins another run.
#include <filesystem>
#include <string>

#include "emulator/time-travel/record/recording_reader.h"
#include "emulator/time-travel/record/verifier.h"
#include "tests/ui/session_fixture.h"
#include "tests/unit/catch.h"
#include "ui/app.h"
#include "ui/keys.h"
#include "ui/script.h"

using namespace orrery;
using namespace orrery::test;

TEST_CASE("steps back come to where steps came from") {
    play(
        "boot\nwatch\nhash call\nback\nexpect registers U\nhash before\nstep\nhash call\n"
        "previous-crossing\nexpect status The ring crossing before\nhash crossing\ncrossing\ncrossing\n"
        "previous-crossing\nprevious-crossing\nhash crossing\n"
        "goto 5000000\nhash early\nexpect timeline in the past\nrun-back\nexpect status time begins\n"
        "goto 5,000,000\nhash early\n");
}

TEST_CASE("a breakpoint is run back to, and a call is stepped back over and out of") {
    play(
        "boot\nbreak vfs_write\ntype echo there\\n\ncontinue\nexpect status vfs_write\nhash hit\n"
        "step 200\nrun-back\nexpect status The last breakpoint before\nhash hit\n"
        "out\nhash returned\nback-over\nhash call\nstep\nhash hit\nback-out\nhash call\n");
}

TEST_CASE("the console and the system calls go back with the machine") {
    play(
        "boot\nbookmark nothing typed\ntype echo one-two\\n\nwait one-two\nrun\nexpect screen one-two\n"
        "expect syscalls one-two\ngo-bookmark 1\nexpect status nothing typed\n"
        "run 1\nexpect screen Welcome to Orrery\nexpect bookmarks nothing typed\n");
    // What is not there cannot be expected: the failed line is the one that says so.
    CHECK_THROWS_WITH(play("boot\nbookmark x\ntype echo one-two\\n\nwait one-two\nrun\ngo-bookmark 1\n"
                           "expect screen one-two\n"),
                      orrery::testing::has_text(":7: "));
    CHECK_THROWS_WITH(play("boot\nbookmark x\ntype echo one-two\\n\nwait one-two\nrun\ngo-bookmark 1\n"
                           "expect syscalls one-two\n"),
                      orrery::testing::has_text(":7: "));
}

TEST_CASE("what is done in the past begins another run, and the old one stays") {
    play(
        "boot\nbookmark fork\ntype echo first\\n\nwait first\nrun\nhash first\nbookmark after first\n"
        "go-bookmark 1\ntype echo second\\n\nwait second\nrun\nexpect timeline run 1 leaves run 0\n"
        "expect screen second\nhash second\ngo-bookmark 2\nhash first\nexpect screen first\n"
        "enter-run 1\nexpect status In run 1\n");
}

TEST_CASE("memory and registers are written by hand") {
    play(
        "boot\nwatch\nset RBX 0x1234\nexpect registers 0x0000000000001234\npoke rsp 11 22 33 44\nselect rsp\n"
        "expect memory 11 22 33 44\nback\nstep\nexpect status Stepped\n");
}

TEST_CASE("a session with keys, mouse and going back is recorded, and verified") {
    const std::string path = scratch("session.orr");
    SessionConfig config = small_session();
    config.machine.display.present = true;
    config.record = [&](Machine& machine) {
        RecordingRequest request;
        request.path = path;
        request.images = config.images;
        return std::make_unique<Recorder>(machine, request);
    };
    play(
        "boot\ntype echo typed\\n\nwait typed\nkeys echo keys\\n\nmouse 5 -3 1\nmouse 0 0\nbookmark here it "
        "is\n"
        "type true\\n\nrun\ngo-bookmark 1\npress Up\nrun\nset R15 7\ntype exit\\n\nrun\n",
        config);
    const Recording recording = read_recording(path);
    CHECK_FALSE(recording.cut_short);
    REQUIRE(recording.runs.size() == 2);
    REQUIRE(recording.bookmarks.size() == 1);
    CHECK(recording.bookmarks[0].note == "here it is");
    for (unsigned run = 0; run < 2; ++run) {
        ReplayMachine replay(recording, {}, nullptr);
        const Verification found = verify(replay, run);
        CHECK(found.equal());
        CHECK(found.reached.instructions == end_of(recording, run).instructions);
    }
    SessionConfig again;
    again.replay = std::make_shared<const Recording>(recording);
    again.replay_run = 1;
    play("expect bookmarks here it is\ngo-bookmark 1\nexpect screen typed\nexpect timeline in the past\n",
         again);
    std::filesystem::remove(path);
}

TEST_CASE(
    "a recording is opened at its start, or where it was to be; what a command printed stands in lines") {
    const std::string path = scratch("command.orr");
    SessionConfig config = small_session();
    config.plain_output = true;
    config.record = [&](Machine& machine) {
        RecordingRequest request;
        request.path = path;
        request.images = config.images;
        request.command = {"echo"};
        return std::make_unique<Recorder>(machine, request);
    };
    play("boot\ntype stty -opost; echo one; echo two\\n\nrun\n", config);
    SessionConfig again;
    again.replay = std::make_shared<const Recording>(read_recording(path));
    CHECK_FALSE(opening_command(again));
    CHECK(opening_command(config));
    {
        Session session(again);
        CHECK_FALSE(session.running());
        CHECK(session.machine().moment() == Moment{});
        CHECK(session.plain_output());
    }
    again.begin_at = 5'000'000;
    CHECK(Session(again).machine().moment().instructions == 5'000'000);
    again.begin_at = 0;
    play("wait two\nexpect screen two\n", again);
    std::filesystem::remove(path);
}

TEST_CASE("where to go is said by an instruction count, a cycle or an address") {
    CHECK(std::get<command::SeekInstructions>(*moment_command("1,234,567")).count == 1234567);
    CHECK(std::get<command::SeekTicks>(*moment_command("cycle 99")).tick == 99);
    CHECK_FALSE(moment_command("0x1234"));
    CHECK_FALSE(moment_command("vfs_write"));
    CHECK_FALSE(moment_command(""));
    CHECK_FALSE(moment_command("99999999999999999999"));
}

TEST_CASE("the time bar is dragged, and keys go back") {
    play(
        "boot\nhash end\ndrag 300 60 960 60\nexpect timeline in the past\nexpect status At instruction\n"
        "chord Alt+F5\nexpect status time begins\nchord M\nexpect bookmarks 1\n");
}
