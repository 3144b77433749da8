// Scripts for the debugger: a line a command, '#' begins a comment. The words are those of the table of
// commands (commands.h); docs/debugger-scripts.md says what each does. Budgets are in guest instructions.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/isa/number.h"
#include "ui/canvas.h"
#include "ui/session.h"

namespace orrery {

// what() names the file and line. `expectation` tells a failed `expect` from a script that is wrong.
class ScriptError : public std::runtime_error {
  public:
    ScriptError(const std::string& what, bool failed) : std::runtime_error(what), expectation(failed) {}
    bool expectation;
};

struct ScriptLine {
    unsigned number = 0;
    std::string verb;
    std::string rest;
};

// Instructions between two looks at the machine.
inline constexpr u64 kScriptSlice = 2'000'000;

// A number of a line, up to `largest`. Throws std::logic_error; ScriptRunner says on which line.
u64 script_number(const std::string& text, u64 largest = kLargestCount);

// Throws ScriptError for a file that cannot be read or a verb that does not exist.
std::vector<ScriptLine> read_script(const std::string& path);

// `\n`, `\t`, `\e`, `\xHH` and `\\` in a script's texts.
std::string unescape(const std::string& text);

// Runs it on the caller's thread: deterministic, whatever the host does.
class ScriptRunner {
  public:
    ScriptRunner(Session& session, Canvas& canvas, Ui& ui, std::string path)
        : session_(session), canvas_(canvas), ui_(ui), path_(std::move(path)) {}
    void run(const std::vector<ScriptLine>& lines);

    // For the words' functions.
    Session& session() { return session_; }
    Canvas& canvas() { return canvas_; }
    Ui& ui() { return ui_; }
    // Throws ScriptError. `expectation`: the script is right, but the guest did something else.
    [[noreturn]] void fail(const ScriptLine& line, const std::string& why, bool expectation = false);
    // Brings the window up to date and draws it.
    void refresh();
    // Has the terminal take what was printed, and answer what the guest asked it (where the cursor is).
    void pump_terminal();
    // Runs until the machine has stopped.
    void finish(const ScriptLine& line);
    // Gives a command, and runs until the machine has stopped.
    void finish(const ScriptLine& line, const Command& command);
    // Runs until the guest waits for input; until the console has shown this since the last text typed.
    void run_until_quiet(const ScriptLine& line);
    void run_until_shown(const ScriptLine& line, const std::string& text);
    // Runs so many instructions, or less where the guest only waits.
    void run_for(const ScriptLine& line, u64 instructions);
    // From here on the console is looked at by `wait`.
    void mark_console() { wait_from_ = session_.console().size(); }
    // Remembers a hash by its name; the one that it had before, if that is another.
    std::string remember(const std::string& name, const std::string& hash);

  private:
    void execute(const ScriptLine& line);
    template <typename Reached>
    void run_until(const ScriptLine& line, const Reached& reached);

    Session& session_;
    Canvas& canvas_;
    Ui& ui_;
    std::string path_;
    size_t wait_from_ = 0;
    std::map<std::string, std::string> hashes_;
};

}  // namespace orrery
