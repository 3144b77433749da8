#include "cli/number_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace orrery {

namespace {

u64 read(const std::string& name, const std::string& text, u64 largest) {
    if (const std::optional<u64> value = parse_number(text, largest)) return *value;
    throw CLI::ValidationError(name, fmt::format("{} is not a number from 0 to {}", text, largest));
}

}  // namespace

void add_number(CLI::App& app, const std::string& name, u64& value, const std::string& help, u64 largest) {
    app.add_option_function<std::string>(
           name, [name, &value, largest](const std::string& text) { value = read(name, text, largest); },
           help)
        ->type_name("N");
}

void add_number(CLI::App& app, const std::string& name, std::optional<unsigned>& value,
                const std::string& help) {
    app.add_option_function<std::string>(
           name,
           [name, &value](const std::string& text) {
               value = static_cast<unsigned>(read(name, text, ~u32{0}));
           },
           help)
        ->type_name("N");
}

void add_fraction(CLI::App& app, const std::string& name, double& value, const std::string& help,
                  double least, double most) {
    app.add_option_function<std::string>(
           name,
           [name, &value, least, most](const std::string& text) {
               const std::optional<double> number = parse_fraction(text);
               if (!number || *number < least || *number > most)
                   throw CLI::ValidationError(
                       name, fmt::format("{} is not a number from {} to {}", text, least, most));
               value = *number;
           },
           help)
        ->type_name("N")
        ->default_str(fmt::format("{}", value));
}

}  // namespace orrery
