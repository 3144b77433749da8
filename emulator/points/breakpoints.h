// Breakpoints: places in the guest's code, by linear address, with the text by which they were asked for.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

class DebugInfo;

// what() is one line to be shown beside the field.
class BreakpointError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Breakpoint {
    unsigned id = 0;
    u64 address = 0;
    std::string text;  // "vfs_write", "fs/open.cpp:42", "0xffffffff81001234"
    bool enabled = true;
    u64 hits = 0;
};

class BreakpointSet {
  public:
    // `text`: an address, a symbol of `kernel` with an optional "+N", or FILE:LINE. The new breakpoint's id.
    // Throws BreakpointError: no such symbol or line, not an address, or there is one already.
    unsigned add(const std::string& text, const DebugInfo* kernel);
    unsigned add(u64 address, std::string text);
    // Moves those that were given by name to where the names lie now (the kernel's symbols have moved).
    void resolve_again(const DebugInfo* kernel);
    // False if there is none with this id.
    bool remove(unsigned id);
    bool enable(unsigned id, bool enabled);

    // The enabled breakpoint at an address, nullptr if none.
    Breakpoint* at(u64 address);
    bool any_enabled() const;
    const std::vector<Breakpoint>& all() const { return breakpoints_; }  // by id

  private:
    std::vector<Breakpoint> breakpoints_;
    std::vector<u64> addresses_;  // of the enabled ones, sorted
    unsigned next_ = 1;
    void index();
};

// The address that such a text stands for. Throws BreakpointError.
u64 resolve_place(const std::string& text, const DebugInfo* kernel);

}  // namespace orrery
