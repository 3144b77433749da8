#include "emulator/isa/number.h"

#include <charconv>

namespace orrery {

std::optional<u64> parse_number(std::string_view text, u64 largest) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    if (text.empty() || (!hexadecimal && text.size() > 1 && text[0] == '0')) return std::nullopt;
    u64 value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, hexadecimal ? 16 : 10);
    if (error != std::errc() || rest != end || value > largest) return std::nullopt;
    return value;
}

std::optional<WidthAndHeight> parse_width_and_height(std::string_view text, u64 largest) {
    // Not within the 0x of a hexadecimal number.
    const size_t x = text.find('x', text.starts_with("0x") ? 2 : 0);
    if (x == text.npos) return std::nullopt;
    const std::optional<u64> width = parse_number(text.substr(0, x), largest);
    const std::optional<u64> height = parse_number(text.substr(x + 1), largest);
    if (!width || !height) return std::nullopt;
    return WidthAndHeight{*width, *height};
}

std::optional<double> parse_fraction(std::string_view text) {
    const std::string_view whole = text.substr(0, text.find('.'));
    if (!parse_number(whole) || whole.find_first_of("xX") != whole.npos) return std::nullopt;
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (error != std::errc() || rest != end) return std::nullopt;
    return value;
}

}  // namespace orrery
