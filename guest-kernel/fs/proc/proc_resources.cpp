// /proc/iomem and /proc/ioports. Addresses are for the administrator: others see zeroes, as in Linux.
#include "drivers/base/resource.h"
#include "fs/cred.h"
#include "fs/proc/proc_system.h"

namespace {

Result<void> show_resources(KString& out, AddressSpace space, int digits) {
    using ull = unsigned long long;
    const bool may_see = current_cred().has(kCapSysAdmin);
    ResourceRow row;
    for (unsigned i = 0; resource_row(space, i, &row); i++) {
        TRY(out.appendf("%*s%0*llx-%0*llx : %s\n", static_cast<int>(2 * row.depth), "", digits,
                        static_cast<ull>(may_see ? row.start : 0), digits,
                        static_cast<ull>(may_see ? row.end : 0), row.name));
    }
    return {};
}

}  // namespace

Result<void> show_iomem(KString& out) {
    return show_resources(out, AddressSpace::kMemory, 8);
}
Result<void> show_ioports(KString& out) {
    return show_resources(out, AddressSpace::kPorts, 4);
}
