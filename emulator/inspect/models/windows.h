// The windows that have a text twin, by name: what `orrery show`, scripted tests and the palette know of
// them.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

// A bad argument: what() is one line for the user, as in "show page-walk: 0xzz is not an address".
class ShowError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct RenderedWindow {
    std::string text;
    std::string json;  // indented by two
};

struct ShowWindow {
    std::string name;       // "page-walk"
    std::string arguments;  // "ADDR"; optional ones in brackets
    std::string summary;    // one line
    // Checks what can be checked without a machine (number and form of the arguments); throws ShowError.
    std::function<void(const std::vector<std::string>& arguments)> check;
    // Throws ShowError for a bad argument (an unknown symbol, say). Checks too.
    std::function<RenderedWindow(const ModelContext& context, const std::vector<std::string>& arguments)>
        render;
};

// In the order in which they are to be listed.
const std::vector<ShowWindow>& show_windows();

// Throws ShowError: "show: no window is called foo; there are: registers, …".
const ShowWindow& find_window(const std::string& name);

// An address as people write it: "0xffffffff81000000", "4096", a symbol ("do_syscall_64"), a register ("rip",
// "rsp"), each with an optional "+N" or "-N". Throws ShowError("0xzz is not an address") or ("no symbol is
// called foo").
u64 parse_address(const ModelContext& context, const std::string& text);
// Whether such a text names a register.
bool is_register_address(const std::string& text);
// Throws where `text` cannot be an address, whatever the symbols are.
void check_address(const std::string& text);

}  // namespace orrery
