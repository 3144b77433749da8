// Options whose value is a number, read as emulator/isa/number.h says: anything else is a usage error.
#pragma once

#include <optional>
#include <string>

#include "emulator/isa/number.h"

namespace CLI {
class App;
}

namespace orrery {

// As CLI::App::add_option; a number above `largest` is refused.
void add_number(CLI::App& app, const std::string& name, u64& value, const std::string& help,
                u64 largest = kLargestCount);
void add_number(CLI::App& app, const std::string& name, std::optional<unsigned>& value,
                const std::string& help);
// "1.5", from `least` to `most`.
void add_fraction(CLI::App& app, const std::string& name, double& value, const std::string& help,
                  double least, double most);

}  // namespace orrery
