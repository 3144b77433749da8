#include "emulator/machine/version.h"

namespace orrery {

std::string program_version() {
    return ORRERY_VERSION " (build " ORRERY_BUILD ")";
}

}  // namespace orrery
