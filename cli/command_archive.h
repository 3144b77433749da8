// How a command given after -- reaches the guest: as a shell script in a further cpio archive behind the
// initrd, which every kernel unpacks over the first. The initramfs's /init runs it (images/rootfs/init).
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

// A newc archive (cpio(5)) with the file /orrery/command, padded to a multiple of 512 bytes.
std::vector<u8> command_archive(const std::vector<std::string>& command);

// `word` so that a POSIX shell reads it as one word, unchanged.
std::string shell_quote(const std::string& word);

}  // namespace orrery
