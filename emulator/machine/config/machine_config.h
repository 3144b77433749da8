// What a machine is made of, each field described once.
//
// The options of the command line, a recording's header, a snapshot's check and diff's words are all made from
// MachineConfig::visit(): a field has a name, an option, and words that say its value, there and back. One that
// is not visited does not compile.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "devices/disk.h"
#include "devices/net_backend.h"
#include "devices/test_devices.h"
#include "devices/vga_std.h"
#include "emulator/core/bus/device.h"
#include "emulator/isa/features.h"
#include "emulator/machine/config/config_error.h"

namespace orrery {

enum class ClockMode : u8 { Cycles, InstructionCount };

// What there is to know of a field beside its value.
struct ConfigField {
    const char* name;      // in a recording's header, and for people: "memory"
    const char* option;    // on the command line: "-m"
    const char* help;      // one line
    bool several = false;  // a list: the option may be given again, a word each time
};

// A field's value as words: one, or for a list any number.
struct ConfigWords {
    std::function<std::vector<std::string>()> get;
    // Takes one word; a list's is added. Throws ConfigError.
    std::function<void(const std::string& word)> set;
};

struct MachineConfig {
    u64 ram_size = u64{512} << 20;  // bytes, a multiple of 4 KiB
    unsigned cpus = 1;
    u64 seed = 0;
    ClockMode clock = ClockMode::Cycles;
    i64 rtc_base = 1704067200;  // seconds since 1970 at power-on: 2024-01-01T00:00:00Z
    CpuFeatures features;
    std::vector<DiskConfig> disks;  // virtio_blk.0 and up, at most 8
    NetConfig network;
    TestDevices test_devices;
    DisplayConfig display;
    // Where it is plugged in on the host: no part of the machine.
    OutputSink* serial_output = nullptr;   // COM1
    OutputSink* console_output = nullptr;  // virtio-console

    using Visitor = std::function<void(const ConfigField& field, const ConfigWords& words)>;
    // In the order in which they are to be listed.
    void visit(const Visitor& visitor);

    // The same machine without what is known of its files by other means than their names: disks have no
    // paths, files of fw_cfg no bytes.
    MachineConfig without_files() const;
};

// A field, and what it is in one configuration.
struct DescribedField {
    ConfigField field;
    std::vector<std::string> words;
    // The words with blanks between them, or "none".
    std::string text() const;
};
// All of them, without files.
std::vector<DescribedField> described(const MachineConfig& config);

// Throws ConfigError where there can be no such machine.
void check(const MachineConfig& config);

// "512M", "1G", "65536K", or a plain number of MiB; bytes, a multiple of 4 KiB. Throws ConfigError.
u64 parse_memory_size(const std::string& text);

}  // namespace orrery
