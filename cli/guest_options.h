// The options that say which machine to make and what to boot on it: the same for run, show, strace and ui.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"

namespace CLI {
class App;
}

namespace orrery {

// What the user asked for cannot be done; what() is one line. Exit status 2.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct GuestOptions {
    bool on_linux = false;  // --linux: Debian's kernel instead of ours
    std::string kernel;     // empty: that, or ours (own_files.h)
    std::string initrd;     // empty: what belongs to the kernel, if that is Debian's or ours
    std::string append;
    u64 max_instructions = ~u64{0};
    std::map<std::string, std::vector<std::string>> machine;  // the words of its options, by option
    std::vector<std::string> drives;                          // --drive
    bool display_shown = false;        // whether somebody looks: what "auto" gives to a Linux kernel
    std::vector<std::string> command;  // after --

    // Declares --linux, --kernel, --initrd, --append, --max-insns, --drive and an option for each field of the
    // machine's configuration.
    void declare(CLI::App& app);

    // Throws UsageError, BootError for a file that cannot be read.
    MachineConfig machine_config() const;
    BootImages boot_images() const;
    bool has_command() const { return !command.empty(); }

  private:
    void choose_kernel(BootImages& images) const;
    bool has_display() const;
    void apply(MachineConfig& config, const char* only = nullptr) const;
};

// Throws UsageError where the file that `option` names cannot be written.
void check_output(const char* option, const std::string& path);

// --history: bytes, in the words of -m. Throws UsageError.
u64 parse_history(const std::string& text);

}  // namespace orrery
