// The debugger played by scripts, without a display: what the windows' models hold, and that something is
// drawn.
#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/ui/session_fixture.h"
#include "tests/unit/catch.h"
#include "ui/app.h"
#include "ui/script.h"

using namespace orrery;
using namespace orrery::test;

TEST_CASE("a shell's write is watched on its way into the kernel") {
    const std::string picture = scratch("picture.png");
    play(
        "boot\nexpect screen Welcome to Orrery\nwatch\nexpect status At a system call\n"
        "expect syscalls write(1, \"hi\\n\", 3\nexpect registers entry_SYSCALL_64\nexpect tasks sh\n"
        "screenshot " +
        picture + "\ncrossing\nexpect status ring 3\nexpect screen hi\n");
    CHECK(std::filesystem::file_size(picture) > 20'000);
    std::filesystem::remove(picture);
}

TEST_CASE("under the window the machine is what it is without") {
    constexpr u64 kMoment = 5'000'000;  // programs run by then, and the guest does not wait yet
    const SessionConfig config = small_session();
    Machine plain(config.machine);
    plain.load(config.images);
    RunLimits limits;
    limits.instructions = kMoment;
    plain.run(limits);

    Session watched(config);
    Selection selection;
    selection.floating_point = true;
    watched.command(command::Go{command::Motion::Run});
    while (watched.machine().moment().instructions < kMoment) {
        watched.advance(std::min<u64>(700'001, kMoment - watched.machine().moment().instructions));
        watched.frame(selection);
    }
    CHECK(watched.machine().moment() == plain.moment());
    CHECK(watched.machine().state_hash() == plain.state_hash());
}

TEST_CASE("breakpoints, steps and selections do what the buttons say") {
    play(
        "boot\nbreak vfs_write\ntype echo there\\n\ncontinue\nexpect status vfs_write\nexpect registers "
        "vfs_write\n"
        "step 3\nexpect status Stepped\nselect rsp\nexpect page-walk PML4\ntask 1\nexpect address-space "
        "busybox\n"
        "expect tlb L1 data\nout\n");
}

TEST_CASE("the console is a terminal: vi draws its screen and takes cursor keys") {
    play(
        "boot\ntype vi /etc/passwd\\n\nrun\nexpect screen root:x:0:0\nexpect screen ~\n"
        "type \\e[B\\e[BiXYZ\\e\nrun\nexpect screen XYZ\ntype :q!\\n\nrun\nexpect tasks sh\n");
}

TEST_CASE("a failed expectation and a bad line name the script and the line") {
    CHECK_THROWS_WITH(play("boot\nexpect tasks no-such-program\n"), orrery::testing::has_text(":2: "));
    CHECK_THROWS_WITH(play("boot\nbreak no_such_symbol\n"), orrery::testing::has_text("no_such_symbol"));
    CHECK_THROWS_WITH(play("fly\n"), orrery::testing::has_text("there is no command fly"));
}
