// What `show` and `strace` have in common: the kernel's debug information, and a console that is kept.
#pragma once

#include <memory>
#include <string>

#include "emulator/core/bus/device.h"
#include "emulator/guestos/types/debug_info.h"

namespace orrery {

// Keeps what the guest prints.
class KeepingSink : public OutputSink {
  public:
    void write(std::span<const u8> data) override {
        text_.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

// Of the kernel that is booted: DebugInfo::of_kernel, or that of the same image beside the program; null
// where nothing is known.
std::unique_ptr<DebugInfo> kernel_debug_info(const std::string& kernel_path);

}  // namespace orrery
