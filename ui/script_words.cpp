// Scripts' words for the machine.
#include "ui/script_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "emulator/inspect/models/windows.h"
#include "ui/keys.h"

namespace orrery::play {

namespace {

using command::Go;
using command::Motion;

void repeat(ScriptRunner& runner, const ScriptLine& line, const Command& command) {
    const u64 count = line.rest.empty() ? 1 : script_number(line.rest);
    for (u64 i = 0; i < count; ++i) runner.finish(line, command);
}

// Two words: the second one may hold blanks.
std::pair<std::string, std::string> two_words(ScriptRunner& runner, const ScriptLine& line,
                                              const char* usage) {
    std::istringstream words(line.rest);
    std::string first, second;
    if (!(words >> first) || !std::getline(words >> std::ws, second)) runner.fail(line, usage);
    return {first, second};
}

// A place that does not exist makes no stop.
void require_place(ScriptRunner& runner, const ScriptLine& line) {
    const std::string error = runner.session().frame(runner.ui().selection)->breakpoint_error;
    if (!error.empty()) runner.fail(line, error);
}

}  // namespace

void boot(ScriptRunner& runner, const ScriptLine& line) {
    runner.run_until_quiet(line);
}

void run(ScriptRunner& runner, const ScriptLine& line) {
    if (line.rest.empty()) {
        runner.run_until_quiet(line);
        return;
    }
    Session& session = runner.session();
    const Machine& machine = session.machine();
    const u64 count = script_number(line.rest), until = machine.moment().instructions + count;
    const u64 bound = machine.spent() + count + RunLimits::kBarrenSlack;  // of a guest caught in faults
    session.command(Go{Motion::Run});
    while (session.running() && machine.moment().instructions < until && machine.spent() < bound)
        session.advance(std::min(kScriptSlice, until - machine.moment().instructions));
    session.command(command::Pause{});
}

void wait(ScriptRunner& runner, const ScriptLine& line) {
    runner.run_until_shown(line, unescape(line.rest));
}

void step(ScriptRunner& runner, const ScriptLine& line) {
    repeat(runner, line, Go{Motion::Step});
}

void back(ScriptRunner& runner, const ScriptLine& line) {
    repeat(runner, line, Go{Motion::Step, true});
}

void go_to(ScriptRunner& runner, const ScriptLine& line) {
    const std::optional<Command> command = moment_command(line.rest);
    if (!command) runner.fail(line, "goto N, or goto cycle N");
    runner.finish(line, *command);
}

void bookmark(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::AddBookmark{line.rest});
}

void go_bookmark(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::GoToBookmark{script_number(line.rest) - 1});
}

void enter_run(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::EnterRun{static_cast<unsigned>(script_number(line.rest, ~0u))});
}

void add_breakpoint(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::AddBreakpoint{line.rest});
    require_place(runner, line);
}

void run_to(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::RunTo{line.rest});
    require_place(runner, line);
    runner.finish(line);
}

void back_to(ScriptRunner& runner, const ScriptLine& line) {
    runner.session().command(command::RunTo{line.rest, true});
    require_place(runner, line);
    runner.finish(line);
}

void next(ScriptRunner& runner, const ScriptLine& line) {
    runner.finish(line, command::Find{line.rest});
}

void previous(ScriptRunner& runner, const ScriptLine& line) {
    runner.finish(line, command::Find{line.rest, true});
}

void cpu(ScriptRunner& runner, const ScriptLine& line) {
    command::ChooseCpu choose;
    if (!line.rest.empty()) choose.cpu = static_cast<unsigned>(script_number(line.rest, ~0u));
    runner.session().command(choose);
}

void syscall(ScriptRunner& runner, const ScriptLine& line) {
    runner.finish(line, command::RunToSyscall{line.rest});
}

void hash(ScriptRunner& runner, const ScriptLine& line) {
    const std::string hash = fmt::format("{:016x}", runner.session().machine().state_hash());
    const std::string before = runner.remember(line.rest, hash);
    if (!before.empty())
        runner.fail(line, fmt::format("{} is {}, but was {}", line.rest, hash, before), true);
}

void poke(ScriptRunner& runner, const ScriptLine& line) {
    const auto [address, bytes] = two_words(runner, line, "poke ADDRESS BYTES");
    runner.session().command(
        command::PokeMemory{parse_address(runner.session().context(), address), bytes, std::nullopt});
}

void set(ScriptRunner& runner, const ScriptLine& line) {
    const auto [name, value] = two_words(runner, line, "set REGISTER VALUE");
    runner.session().command(command::SetRegister{name, parse_address(runner.session().context(), value)});
}

}  // namespace orrery::play
