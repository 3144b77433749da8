// orrery run: boots a guest without a window.
#pragma once

#include <string>

#include "cli/gdb_options.h"
#include "cli/guest_options.h"
#include "cli/record_options.h"

namespace orrery {

// Exit statuses of Orrery's own.
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDamaged = 3;
inline constexpr int kExitBudget = 124;
inline constexpr int kExitOwnFault = 125;
inline constexpr int kExitGuestDied = 255;

struct RunOptions {
    GuestOptions guest;
    std::string stats;          // --stats: where to, empty: nowhere
    std::string save_snapshot;  // --save-snapshot: where to when the run stops, empty: nowhere
    std::string load_snapshot;  // --load-snapshot: go on from there instead of booting
    RecordOptions record;
    bool headless = false;
    GdbOptions gdb;
};

// Boots and runs until the guest ends; returns the process's exit status. Throws UsageError, BootError.
int run_headless(const RunOptions& options);

// The exit status for the way a run ended, and Orrery's words about it on stderr, if there are any. With a
// command (after --) isa-debug-exit carries the command's status.
int exit_status(Machine& machine, StopReason reason, bool has_command);

}  // namespace orrery
