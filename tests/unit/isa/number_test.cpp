// Numbers as people write them: one rule for all options, places and queries.
#include "emulator/isa/number.h"
#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("a number is decimal, or 0x and hexadecimal") {
    CHECK(parse_number("0") == 0u);
    CHECK(parse_number("9007199254740993") == 9007199254740993u);
    CHECK(parse_number("0x1F") == 0x1fu);
    CHECK(parse_number("0X10") == 16u);
    CHECK(parse_number("0x00") == 0u);
    CHECK(parse_number("18446744073709551615") == ~u64{0});
    CHECK(parse_number("0xffffffffffffffff") == ~u64{0});
}

TEST_CASE("what is no number, or may be two, is refused") {
    for (const char* text : {"", "-3", "-0", "+1", " 1", "1 ", "010", "00", "0x", "x1", "1.0", "1e3", "0b1",
                             "1_000", "0x-1", "0x+1", "18446744073709551616", "0x10000000000000000", "one"})
        CHECK_FALSE(parse_number(text));
    CHECK(parse_number("9223372036854775807", kLargestCount) == kLargestCount);
    CHECK_FALSE(parse_number("9223372036854775808", kLargestCount));
    CHECK_FALSE(parse_number("0x8000000000000000", kLargestCount));
}

TEST_CASE("a width and a height") {
    const auto size = parse_width_and_height("1024x768", 2000);
    REQUIRE(size);
    CHECK(size->width == 1024);
    CHECK(size->height == 768);
    CHECK(parse_width_and_height("0x10x0x20", 2000)->height == 32);
    for (const char* text :
         {"", "x", "1024", "1024x", "x768", "1024x768x", "-1x5", "010x10", "2001x5", "5x2001", "4 x4"})
        CHECK_FALSE(parse_width_and_height(text, 2000));
}

TEST_CASE("a fraction") {
    CHECK(parse_fraction("1.5") == 1.5);
    CHECK(parse_fraction("2") == 2.0);
    CHECK(parse_fraction("0.25") == 0.25);
    for (const char* text : {"", ".5", "-1", "+1", "nan", "inf", "1e1", "01.5", "1.5x", "0x1"})
        CHECK_FALSE(parse_fraction(text));
}
