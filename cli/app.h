// The orrery command: its subcommands, and what becomes of errors.
#pragma once

namespace orrery {

// Runs the command line and returns the exit status. Bad input gives one line on stderr and status 2; a fault
// of Orrery's own, status 125.
int run_app(int argc, char** argv);

}  // namespace orrery
