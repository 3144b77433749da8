// Where a kernel that places itself at random (KASLR) lies, found from the running machine; the symbols of
// its debug information are moved there.
//
// Linux on x86-64 links its image at 0xffffffff81000000 and moves it up by a multiple of 2 MiB below 1 GiB
// (arch/x86/boot/compressed/kaslr.c). That slide shows in MSR LSTAR, the address of entry_SYSCALL_64, and
// before that is written, from the first instruction at the kernel's own addresses on, in where
// linux_banner's text lies. Nothing in the machine is changed.
#pragma once

#include <optional>

#include "emulator/machine/machine.h"

namespace orrery {

class DebugInfo;

class KernelSlide {
  public:
    // `kernel`: null where nothing is known of it. Both must outlive this object.
    KernelSlide(Machine& machine, DebugInfo* kernel) : machine_(machine), kernel_(kernel) {}

    // Looks at the machine as it stands and moves the symbols to where they are now: to be called before
    // names are resolved or shown, also after the machine has gone back in time. True if they have moved.
    bool follow();
    // Whether the symbols' addresses are the machine's, by the last follow(). A kernel that does not move is
    // always known.
    bool known() const { return known_; }

    // Runs until the place is known: at once if it is, else at the latest until the kernel's first
    // instruction at its own addresses. Budget (known() tells) or why the machine stopped before.
    StopReason reach(const RunLimits& limits);

  private:
    std::optional<u64> find() const;
    bool has_text(u64 linear, const char* text) const;

    Machine& machine_;
    DebugInfo* kernel_;
    bool known_ = false;
};

}  // namespace orrery
