// Catch2 version 2 or 3, whichever the distribution has.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace orrery::testing {
/// A matcher of texts that have `text` in them.
inline auto has_text(const std::string& text) {
    return Catch::Matchers::ContainsSubstring(text);
}
}  // namespace orrery::testing
#else
#include <catch2/catch.hpp>
namespace orrery::testing {
/// A matcher of texts that have `text` in them.
inline auto has_text(const std::string& text) {
    return Catch::Matchers::Contains(text);
}
}  // namespace orrery::testing
#endif
