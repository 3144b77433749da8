// Debian's kernel: of it the symbols are known. How it keeps its tasks is not read, so no task is told.
#pragma once

#include "emulator/guestos/linux/names.h"
#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {

class LinuxOs : public UnknownOs {
  public:
    // Whether a kernel with these symbols is one.
    static bool is(const SymbolTable& symbols) { return symbols.find(linux_names::kBanner) != nullptr; }

    // `kernel` must outlive this object.
    explicit LinuxOs(const DebugInfo& kernel)
        : UnknownOs(&kernel, "no debug information of Linux's structures: its tasks cannot be found") {}

    std::optional<u64> switch_function() const override { return address_of(linux_names::kSwitchFunction); }
    std::optional<u64> image_start() const override { return address_of(linux_names::kImageStart); }
};

}  // namespace orrery
