// Names of ioctl requests that a terminal, a pipe or a file answers.
#pragma once

#include <string>

#include "emulator/isa/types.h"

namespace orrery {

std::string ioctl_text(u64 request);
// The structure behind the third argument ("termios", "winsize", "int"), with its direction; empty: none is
// known.
struct IoctlArgument {
    std::string structure;
    bool in = false;
    bool out = false;
};
IoctlArgument ioctl_argument(u64 request);

}  // namespace orrery
