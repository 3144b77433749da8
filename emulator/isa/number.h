// Numbers as people write them, on the command line, in scripts, in places and queries: one rule for all.
//
// Decimal digits, or 0x and hexadecimal digits. No sign, no blank, and no zero in front of a decimal number:
// whether 010 is ten or eight nobody can know.
#pragma once

#include <optional>
#include <string_view>

#include "emulator/isa/types.h"

namespace orrery {

/// The most that a count of instructions can be: what is added to one still fits.
inline constexpr u64 kLargestCount = ~u64{0} >> 1;

/// `text` as a number up to `largest`, inclusive; nothing where it is none.
std::optional<u64> parse_number(std::string_view text, u64 largest = ~u64{0});

/// "1024x768": two numbers up to `largest` with an x between them. Nothing for anything else.
struct WidthAndHeight {
    u64 width = 0, height = 0;
};
std::optional<WidthAndHeight> parse_width_and_height(std::string_view text, u64 largest);

/// A decimal fraction, "1.5", without sign or exponent. Nothing for anything else.
std::optional<double> parse_fraction(std::string_view text);

}  // namespace orrery
