// A machine that cannot be.
#pragma once

#include <stdexcept>

namespace orrery {

// what() is one line that says what is wrong with a word, or with a machine as a whole.
class ConfigError : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
};

}  // namespace orrery
