// A guest image that cannot be loaded. what() is one line for the user: it names the file and what is wrong
// with it.
#pragma once

#include <stdexcept>

namespace orrery {

class BootError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace orrery
