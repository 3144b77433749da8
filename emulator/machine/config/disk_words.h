// The words of --disk and --drive.
#pragma once

#include <string>

#include "devices/disk.h"

namespace orrery {

// "FILE[,overlay|,readonly|,rw]"; a comma of the file's name is doubled, as in QEMU. Throws ConfigError.
DiskConfig parse_disk(const std::string& word);
// The words for it, with the mode always said.
std::string disk_text(const DiskConfig& disk);

// QEMU's "file=FILE[,if=virtio][,format=raw][,media=disk][,readonly=on|off][,snapshot=on|off]". Unlike in
// QEMU a file is written only where snapshot=off says so. Throws ConfigError.
DiskConfig parse_drive(const std::string& word);

}  // namespace orrery
