#include "emulator/guestos/known_kernels.h"

#include "emulator/guestos/linux/linux_os.h"
#include "emulator/guestos/orrery/orrery_os.h"

namespace orrery {

std::unique_ptr<GuestOs> guest_os(const DebugInfo* kernel) {
    if (kernel != nullptr && LinuxOs::is(kernel->symbols)) return std::make_unique<LinuxOs>(*kernel);
    // One whose structures were renamed is ours still: it says which name is missing.
    if (kernel != nullptr && kernel->has_types()) return std::make_unique<OrreryOs>(*kernel);
    return std::make_unique<UnknownOs>(kernel, unknown_os().problem());
}

}  // namespace orrery
