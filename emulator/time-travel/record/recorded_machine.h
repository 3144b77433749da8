// What a recording's header says: the machine, what it booted, and the images that it needs for that.
//
// An image is known by its hash: XXH3-64 of a file's bytes, for a disk its identity (devices/image_file.h). A
// disk that the machine writes in place is no longer what it was when the run began, so that such a run can
// be recorded only with its images embedded.
#pragma once

#include <string>
#include <vector>

#include "emulator/machine/machine.h"
#include "emulator/time-travel/record/recording.h"

namespace orrery {

struct RecordedImage {
    std::string role;  // "kernel", "initrd", "module", "disk", "file" (of fw_cfg), "snapshot"
    std::string name;  // as it was given; of a file of fw_cfg, the guest's name for it
    std::string path;  // absolute; empty: it was never a file
    std::string text;  // a module's
    u64 size = 0;      // bytes
    u64 hash = 0;
    bool embedded = false;

    bool is_disk() const { return role == "disk"; }
};

struct RecordedMachine {
    std::string version;   // of the program that recorded
    MachineConfig config;  // disks in the order of their images, with empty paths; no files of fw_cfg
    std::string command_line;
    std::string arguments;             // a multiboot kernel's
    std::vector<u8> extra_initrd;      // behind the initrd
    std::vector<std::string> command;  // after --
    std::vector<RecordedImage> images;

    // Of the first image with this role; images.size() if there is none.
    size_t find(const std::string& role) const;
    std::string to_json() const;
};

// What a machine is made from, on its way into a recording.
struct RecordingRequest {
    std::string path;  // of the recording
    bool embed = false;
    BootImages images;
    std::vector<std::string> command;  // after --; empty: none
    std::string snapshot;              // the machine went on from this file; empty: it booted
};

// `machine` is as it was made from the request. Throws BootError, DiskError, and RecordingError for a disk
// that is written in place and not embedded.
RecordedMachine describe_machine(Machine& machine, const RecordingRequest& request);

// Reads back what to_json() wrote. Throws RecordingError (damaged), which names the recording.
RecordedMachine recorded_machine(const Recording& recording);

// XXH3-64 of a file's bytes.
u64 hash_of_bytes(std::span<const u8> bytes);

}  // namespace orrery
