// Which operating system a guest's kernel is, by its debug information.
#pragma once

#include <memory>

#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {

// Never null. `kernel`: of the guest's kernel, null where nothing is known of it; must outlive the result.
std::unique_ptr<GuestOs> guest_os(const DebugInfo* kernel);

}  // namespace orrery
