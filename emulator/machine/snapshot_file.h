// A snapshot as a file: a header, then the visited state of the machine, compressed (zstd).
//
//   8 bytes   "ORRERYS1"
//   8 bytes   length of the state in bytes, little-endian
//   the rest  one zstd frame with a checksum
//
// It fits a machine of the same configuration (memory, CPUs, seed); another one refuses it.
#pragma once

#include <string>

#include "emulator/machine/machine.h"

namespace orrery {

// Both throw ArchiveError with one line that names the file: it cannot be written or read, is no snapshot, is
// damaged, or was made by another machine. After a failed load the machine must not be used.
void save_snapshot_file(Machine& machine, const std::string& path);
void load_snapshot_file(Machine& machine, const std::string& path);

}  // namespace orrery
