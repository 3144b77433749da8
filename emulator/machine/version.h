// Which Orrery this is.
#pragma once

#include <string>

namespace orrery {

// "0.1.0 (build 1a2b3c4)": the version, and the commit that was configured (git describe; "unknown" outside a
// checkout).
std::string program_version();

}  // namespace orrery
