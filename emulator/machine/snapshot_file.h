// A snapshot as a file: a header, then the visited state of the machine, compressed (zstd).
//
//   8 bytes   "ORRERYS1"
//   8 bytes   length of the state in bytes, little-endian
//   the rest  one zstd frame with a checksum
//
// It fits a machine of the same configuration (MachineConfig::visit); another one refuses it.
#pragma once

#include <string>

#include "emulator/machine/machine.h"

namespace orrery {

// The file has its name once it is whole. Throws OutputError.
void save_snapshot_file(Machine& machine, const std::string& path);
// Throws ArchiveError with one line that names the file: it cannot be read, is no snapshot, is damaged, or was
// made by another machine. Then the machine must not be used.
void load_snapshot_file(Machine& machine, const std::string& path);

}  // namespace orrery
