// Stopping the kernel when it can no longer be trusted: panic() and BUG_ON().
//
// Guarantees: panic never returns. It prints the reason and a back trace on the console even under `quiet`,
// then halts; with `orrery.exit_on_panic` on the command line it leaves through isa-debug-exit (port 0xf4).
#pragma once

/// Print "Kernel panic - not syncing: ..." and stop.
[[noreturn]] void panic(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// Called by BUG_ON: names the broken condition, then panics.
[[noreturn]] void bug(const char* condition, const char* file, int line);

#define BUG_ON(condition)                        \
    do {                                         \
        if (condition) [[unlikely]]              \
            bug(#condition, __FILE__, __LINE__); \
    } while (0)
