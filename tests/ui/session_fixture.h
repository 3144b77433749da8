// What the tests of the window share: our kernel in a small machine, and scripts that play the debugger.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "emulator/time-travel/timeline/quiet_guest.h"
#include "ui/app.h"
#include "ui/script.h"

namespace orrery::test {

inline std::string scratch(const std::string& name) {
    return (std::filesystem::temp_directory_path() / ("orrery-ui-" + std::to_string(getpid()) + "-" + name))
        .string();
}

inline SessionConfig small_session() {
    SessionConfig config;
    config.machine.ram_size = u64{64} << 20;
    config.images.kernel = GUEST_KERNEL;
    config.images.initrd = GUEST_INITRAMFS;
    config.images.command_line = "console=ttyS0";
    config.kernel_path = GUEST_KERNEL;
    config.source_root = SOURCE_ROOT;
    return config;
}

inline void play(const std::string& script, const SessionConfig& config = small_session()) {
    const std::string path = scratch("script");
    std::ofstream(path) << script;
    AppOptions options;
    options.session = config;
    options.headless = true;
    options.script = path;
    run_window(options);
    std::filesystem::remove(path);
}

// Runs until the guest waits for its first input.
inline void boot(Session& session) {
    QuietGuest guest;
    session.command(command::Go{command::Motion::Run});
    while (!guest.waits() || session.console().empty()) {
        const u64 before = session.machine().moment().instructions;
        session.advance(2'000'000);
        guest.ran(session.machine().moment().instructions - before, true);
    }
    session.command(command::Pause{});
}

}  // namespace orrery::test
