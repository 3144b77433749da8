// Scripts for the debugger: a line a command, '#' begins a comment. Budgets are in guest instructions.
//
//   boot                  run until the guest waits for its first input
//   run [N]               run N instructions (default: until it waits)
//   type TEXT             type; \n, \t, \e, \xHH and \\ are understood
//   wait TEXT             run until the console shows TEXT
//   syscall [NAME]        run to the next system call (of this name)
//   crossing              run to the next ring crossing
//   step [N]  over  out   as the buttons
//   break PLACE           a breakpoint; continue runs to it
//   run-to PLACE
//   continue
//   back [N]  back-over  back-out  run-back  previous-crossing
//                         the same backwards
//   goto N                to instruction N; goto cycle N
//   bookmark NOTE         at this moment; go-bookmark N goes to the N-th, from 1
//   enter-run N           another run becomes the present one
//   poke ADDRESS BYTES    in hexadecimal; set REGISTER VALUE
//   hash NAME             remembers the state's hash by this name; fails if it is remembered and another
//   watch                 the button "Watch a system call"
//   select ADDRESS        page walk and memory; task PID: address space; code PLACE: disassembly
//   layout PRESET         First system call, Memory, Scheduler, Devices, Projector
//   focus WINDOW
//   click X Y             the left mouse button there; drag X Y X Y
//   chord KEYS            keys for the debugger itself, as in press: chord Alt+F11
//   expect WINDOW TEXT    fails unless the window's text twin holds TEXT
//   screenshot FILE
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

// A number of a line, up to `largest`. Throws std::logic_error; ScriptRunner says on which line.
u64 script_number(const std::string& text, u64 largest = kLargestCount);

// Throws ScriptError for a file that cannot be read or a verb that does not exist.
std::vector<ScriptLine> read_script(const std::string& path);

// Runs it on the caller's thread: deterministic, whatever the host does.
class ScriptRunner {
  public:
    ScriptRunner(Session& session, Canvas& canvas, Ui& ui, std::string path)
        : session_(session), canvas_(canvas), ui_(ui), path_(std::move(path)) {}
    void run(const std::vector<ScriptLine>& lines);
    // Brings the window up to date and draws it.
    void refresh();

  private:
    void execute(const ScriptLine& line);
    void run_until(const ScriptLine& line, bool (ScriptRunner::*reached)(const std::string&),
                   const std::string& text);
    bool shows(const std::string& text);
    bool waits(const std::string&);
    void pump_terminal();
    void finish_activity(const ScriptLine& line);
    [[noreturn]] void fail(const ScriptLine& line, const std::string& why, bool expectation = false);
    void run_for(const ScriptLine& line, u64 instructions);
    void type_keys(const ScriptLine& line, const std::string& bytes);
    void expect(const ScriptLine& line);
    bool execute_time(const ScriptLine& line);
    void execute_mouse(const ScriptLine& line);
    void execute_chord(const ScriptLine& line);
    void mouse_button(int x, int y, bool down);
    void compare_hash(const ScriptLine& line);

    Session& session_;
    Canvas& canvas_;
    Ui& ui_;
    std::string path_;
    unsigned quiet_ = 0;
    size_t wait_from_ = 0;
    std::map<std::string, std::string> hashes_;
};

}  // namespace orrery
