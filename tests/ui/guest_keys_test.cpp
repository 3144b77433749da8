// Keys and mouse movements as the guest's keyboard and mouse send them.
#include "ui/guest_keys.h"

#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("keys: a PC's codes by place, pressed and released") {
    CHECK(key_input(SDL_SCANCODE_A, true) == "k\x1c");
    CHECK(key_input(SDL_SCANCODE_A, false) == "k\xf0\x1c");
    CHECK(key_input(SDL_SCANCODE_UP, true) == "k\xe0\x75");
    CHECK(key_input(SDL_SCANCODE_UP, false) == "k\xe0\xf0\x75");
    CHECK(key_input(SDL_SCANCODE_F7, true) == "k\x83");
    CHECK(key_input(SDL_SCANCODE_0, true) == "k\x45");
    CHECK(key_input(SDL_SCANCODE_KP_0, true) == "k\x70");
    CHECK(key_input(SDL_SCANCODE_KP_PERIOD, true) == "k\x71");
    CHECK(key_input(SDL_SCANCODE_PAUSE, true) == "k\xe1\x14\x77\xe1\xf0\x14\xf0\x77");
    CHECK(key_input(SDL_SCANCODE_PAUSE, false).empty());
    CHECK(key_input(SDL_SCANCODE_AUDIOPLAY, true).empty());
}

TEST_CASE("keys: a text is typed on a US keyboard") {
    CHECK(typed_input("a1") == "k\x1c\xf0\x1c\x16\xf0\x16");
    CHECK(typed_input("A") == "k\x12\x1c\xf0\x1c\xf0\x12");
    CHECK(typed_input("?\n") == "k\x12\x4a\xf0\x4a\xf0\x12\x5a\xf0\x5a");
    CHECK(typed_input("\xc3\xa4").empty());
    // Every character that can be printed has a key.
    for (char character = ' '; character < 127; ++character) {
        INFO(character);
        CHECK_FALSE(typed_input(std::string(1, character)).empty());
    }
}

TEST_CASE("keys: chords are pressed in order and released in reverse") {
    CHECK(chord_input("Ctrl+C") == "k\x14\x21\xf0\x21\xf0\x14");
    CHECK(chord_input("Ctrl+Alt+F2") == "k\x14\x11\x06\xf0\x06\xf0\x11\xf0\x14");
    CHECK(chord_input("Up") == "k\xe0\x75\xe0\xf0\x75");
    CHECK(chord_input("Hyperspace").empty());
    CHECK(chord_input("").empty());
}

TEST_CASE("keys: the mouse's bytes") {
    CHECK(mouse_input(1, -1, 0, 4) == std::string("m\x04\x01\x00\xff\xff\x00", 7));
    CHECK(mouse_input(100000, 300, -1, 0) == std::string("m\x00\xff\x7f\x2c\x01\xff", 7));
}
