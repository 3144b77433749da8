// The words that scripts have beside the commands of the window: what the table of commands (commands.cpp)
// calls for them. A line that is not as it should be, or comes to nothing, throws ScriptError, ShowError or
// std::logic_error (a number that is none).
#pragma once

#include "ui/script.h"

namespace orrery::play {

// script_words.cpp: the machine.
void boot(ScriptRunner& runner, const ScriptLine& line);
void run(ScriptRunner& runner, const ScriptLine& line);
void wait(ScriptRunner& runner, const ScriptLine& line);
void step(ScriptRunner& runner, const ScriptLine& line);
void back(ScriptRunner& runner, const ScriptLine& line);
void go_to(ScriptRunner& runner, const ScriptLine& line);
void bookmark(ScriptRunner& runner, const ScriptLine& line);
void go_bookmark(ScriptRunner& runner, const ScriptLine& line);
void enter_run(ScriptRunner& runner, const ScriptLine& line);
void add_breakpoint(ScriptRunner& runner, const ScriptLine& line);
void run_to(ScriptRunner& runner, const ScriptLine& line);
void back_to(ScriptRunner& runner, const ScriptLine& line);
void next(ScriptRunner& runner, const ScriptLine& line);
void previous(ScriptRunner& runner, const ScriptLine& line);
void cpu(ScriptRunner& runner, const ScriptLine& line);
void syscall(ScriptRunner& runner, const ScriptLine& line);
void hash(ScriptRunner& runner, const ScriptLine& line);
void poke(ScriptRunner& runner, const ScriptLine& line);
void set(ScriptRunner& runner, const ScriptLine& line);

// script_input.cpp: what a person types, points at and looks at.
void type(ScriptRunner& runner, const ScriptLine& line);
void keys(ScriptRunner& runner, const ScriptLine& line);
void press(ScriptRunner& runner, const ScriptLine& line);
void mouse(ScriptRunner& runner, const ScriptLine& line);
void click(ScriptRunner& runner, const ScriptLine& line);
void drag(ScriptRunner& runner, const ScriptLine& line);
void chord(ScriptRunner& runner, const ScriptLine& line);
void select(ScriptRunner& runner, const ScriptLine& line);
void task(ScriptRunner& runner, const ScriptLine& line);
void code(ScriptRunner& runner, const ScriptLine& line);
void layout(ScriptRunner& runner, const ScriptLine& line);
void focus(ScriptRunner& runner, const ScriptLine& line);
void expect(ScriptRunner& runner, const ScriptLine& line);
void screenshot(ScriptRunner& runner, const ScriptLine& line);

}  // namespace orrery::play
