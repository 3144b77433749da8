// The options that say which machine to make and what to boot on it: the same for run, show, strace and ui.
#pragma once

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
    std::string memory = "512M";
    std::string cpu_profile = "v2";
    unsigned cpus = 1;
    u64 seed = 0;
    std::string clock = "cycles";
    std::vector<std::string> devices;  // --device
    std::vector<std::string> fw_cfg;   // --fw_cfg
    u64 max_instructions = ~u64{0};
    std::vector<std::string> disks;   // --disk
    std::vector<std::string> drives;  // --drive
    std::string nic = "model=virtio";
    std::string vga = "auto";
    std::string display_size = "1024x768";
    bool display_shown = false;        // whether somebody looks: what "auto" gives to a Linux kernel
    std::vector<std::string> command;  // after --

    // Declares --linux, --kernel, --initrd, --append, --disk, -m, --cpu, --smp, --seed, --clock, --max-insns
    // and the words after --.
    void declare(CLI::App& app);

    // Throws UsageError.
    MachineConfig machine_config() const;
    BootImages boot_images() const;
    bool has_command() const { return !command.empty(); }

  private:
    void choose_kernel(BootImages& images) const;
    DisplayConfig display_config() const;
};

// "512M", "1G", "65536K", or a plain number of MiB; bytes. Throws UsageError.
u64 parse_memory_size(const std::string& text);

}  // namespace orrery
