// The words of --disk and --drive.
#pragma once

#include <string>

#include "devices/disk.h"

namespace orrery {

// "FILE[,overlay|,readonly|,rw]"; a comma of the file's name is doubled, as in QEMU. Throws UsageError.
DiskConfig parse_disk(const std::string& text);

// QEMU's "file=FILE[,if=virtio][,format=raw][,media=disk][,readonly=on|off][,snapshot=on|off]". Unlike in
// QEMU a file is written only where snapshot=off says so. Throws UsageError.
DiskConfig parse_drive(const std::string& text);

}  // namespace orrery
