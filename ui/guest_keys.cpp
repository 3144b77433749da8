#include "ui/guest_keys.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "emulator/isa/types.h"

namespace orrery {

namespace {

// Codes of set 2 (IBM PS/2 Technical Reference, "Scan code set 2"); kExtended: E0 goes before it.
constexpr u16 kExtended = 0x100;

u16 letter_or_digit(SDL_Scancode key) {
    static constexpr u8 kLetters[] = {0x1c, 0x32, 0x21, 0x23, 0x24, 0x2b, 0x34, 0x33, 0x43,
                                      0x3b, 0x42, 0x4b, 0x3a, 0x31, 0x44, 0x4d, 0x15, 0x2d,
                                      0x1b, 0x2c, 0x3c, 0x2a, 0x1d, 0x22, 0x35, 0x1a};
    static constexpr u8 kDigits[] = {0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45};
    static constexpr u8 kFunctions[] = {0x05, 0x06, 0x04, 0x0c, 0x03, 0x0b,
                                        0x83, 0x0a, 0x01, 0x09, 0x78, 0x07};
    static constexpr u8 kKeypad[] = {0x69, 0x72, 0x7a, 0x6b, 0x73, 0x74, 0x6c, 0x75, 0x7d, 0x70, 0x71};
    if (key >= SDL_SCANCODE_A && key <= SDL_SCANCODE_Z) return kLetters[key - SDL_SCANCODE_A];
    if (key >= SDL_SCANCODE_1 && key <= SDL_SCANCODE_0) return kDigits[key - SDL_SCANCODE_1];
    if (key >= SDL_SCANCODE_F1 && key <= SDL_SCANCODE_F12) return kFunctions[key - SDL_SCANCODE_F1];
    if (key >= SDL_SCANCODE_KP_1 && key <= SDL_SCANCODE_KP_PERIOD) return kKeypad[key - SDL_SCANCODE_KP_1];
    return 0;
}

struct KeyCode {
    SDL_Scancode key;
    u16 code;
};

constexpr KeyCode kOthers[] = {
    {SDL_SCANCODE_RETURN, 0x5a},
    {SDL_SCANCODE_ESCAPE, 0x76},
    {SDL_SCANCODE_BACKSPACE, 0x66},
    {SDL_SCANCODE_TAB, 0x0d},
    {SDL_SCANCODE_SPACE, 0x29},
    {SDL_SCANCODE_MINUS, 0x4e},
    {SDL_SCANCODE_EQUALS, 0x55},
    {SDL_SCANCODE_LEFTBRACKET, 0x54},
    {SDL_SCANCODE_RIGHTBRACKET, 0x5b},
    {SDL_SCANCODE_BACKSLASH, 0x5d},
    {SDL_SCANCODE_NONUSHASH, 0x5d},
    {SDL_SCANCODE_SEMICOLON, 0x4c},
    {SDL_SCANCODE_APOSTROPHE, 0x52},
    {SDL_SCANCODE_GRAVE, 0x0e},
    {SDL_SCANCODE_COMMA, 0x41},
    {SDL_SCANCODE_PERIOD, 0x49},
    {SDL_SCANCODE_SLASH, 0x4a},
    {SDL_SCANCODE_CAPSLOCK, 0x58},
    {SDL_SCANCODE_SCROLLLOCK, 0x7e},
    {SDL_SCANCODE_NUMLOCKCLEAR, 0x77},
    {SDL_SCANCODE_NONUSBACKSLASH, 0x61},
    {SDL_SCANCODE_LCTRL, 0x14},
    {SDL_SCANCODE_LSHIFT, 0x12},
    {SDL_SCANCODE_LALT, 0x11},
    {SDL_SCANCODE_RSHIFT, 0x59},
    {SDL_SCANCODE_RCTRL, kExtended | 0x14},
    {SDL_SCANCODE_RALT, kExtended | 0x11},
    {SDL_SCANCODE_LGUI, kExtended | 0x1f},
    {SDL_SCANCODE_RGUI, kExtended | 0x27},
    {SDL_SCANCODE_APPLICATION, kExtended | 0x2f},
    {SDL_SCANCODE_INSERT, kExtended | 0x70},
    {SDL_SCANCODE_HOME, kExtended | 0x6c},
    {SDL_SCANCODE_PAGEUP, kExtended | 0x7d},
    {SDL_SCANCODE_DELETE, kExtended | 0x71},
    {SDL_SCANCODE_END, kExtended | 0x69},
    {SDL_SCANCODE_PAGEDOWN, kExtended | 0x7a},
    {SDL_SCANCODE_RIGHT, kExtended | 0x74},
    {SDL_SCANCODE_LEFT, kExtended | 0x6b},
    {SDL_SCANCODE_DOWN, kExtended | 0x72},
    {SDL_SCANCODE_UP, kExtended | 0x75},
    {SDL_SCANCODE_KP_DIVIDE, kExtended | 0x4a},
    {SDL_SCANCODE_KP_MULTIPLY, 0x7c},
    {SDL_SCANCODE_KP_MINUS, 0x7b},
    {SDL_SCANCODE_KP_PLUS, 0x79},
    {SDL_SCANCODE_KP_ENTER, kExtended | 0x5a},
};

u16 code_of(SDL_Scancode key) {
    if (const u16 code = letter_or_digit(key); code != 0) return code;
    for (const KeyCode& other : kOthers)
        if (other.key == key) return other.code;
    return 0;
}

std::string codes(SDL_Scancode key, bool pressed) {
    if (key == SDL_SCANCODE_PAUSE)
        return pressed ? std::string("\xe1\x14\x77\xe1\xf0\x14\xf0\x77") : std::string();
    const u16 code = code_of(key);
    if (code == 0) return {};
    std::string bytes;
    if ((code & kExtended) != 0) bytes += '\xe0';
    if (!pressed) bytes += '\xf0';
    return bytes + static_cast<char>(code & 0xff);
}

// The key of a character, and whether Shift goes with it.
SDL_Scancode key_of(char character, bool& shift) {
    static constexpr char kPlain[] = "`1234567890-=[]\\;',./";
    static constexpr char kShifted[] = "~!@#$%^&*()_+{}|:\"<>?";
    shift = (character >= 'A' && character <= 'Z');
    if (const char* at = std::strchr(kShifted, character); character != 0 && at != nullptr) {
        shift = true;
        character = kPlain[at - kShifted];
    }
    if (character == '\n') return SDL_SCANCODE_RETURN;
    if (character == '\t') return SDL_SCANCODE_TAB;
    if (character == '\x1b') return SDL_SCANCODE_ESCAPE;
    if (character == '\b' || character == '\x7f') return SDL_SCANCODE_BACKSPACE;
    if (shift && character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
    if (character >= 'a' && character <= 'z')
        return static_cast<SDL_Scancode>(SDL_SCANCODE_A + (character - 'a'));
    if (character >= '1' && character <= '9')
        return static_cast<SDL_Scancode>(SDL_SCANCODE_1 + (character - '1'));
    if (character == '0') return SDL_SCANCODE_0;
    if (character == ' ') return SDL_SCANCODE_SPACE;
    static constexpr struct {
        char character;
        SDL_Scancode key;
    } kSigns[] = {
        {'`', SDL_SCANCODE_GRAVE},       {'-', SDL_SCANCODE_MINUS},        {'=', SDL_SCANCODE_EQUALS},
        {'[', SDL_SCANCODE_LEFTBRACKET}, {']', SDL_SCANCODE_RIGHTBRACKET}, {'\\', SDL_SCANCODE_BACKSLASH},
        {';', SDL_SCANCODE_SEMICOLON},   {'\'', SDL_SCANCODE_APOSTROPHE},  {',', SDL_SCANCODE_COMMA},
        {'.', SDL_SCANCODE_PERIOD},      {'/', SDL_SCANCODE_SLASH}};
    for (const auto& sign : kSigns)
        if (sign.character == character) return sign.key;
    return SDL_SCANCODE_UNKNOWN;
}

SDL_Scancode named_key(const std::string& name) {
    if (name == "Ctrl") return SDL_SCANCODE_LCTRL;
    if (name == "Alt") return SDL_SCANCODE_LALT;
    if (name == "Shift") return SDL_SCANCODE_LSHIFT;
    return SDL_GetScancodeFromName(name.c_str());
}

}  // namespace

std::string key_input(SDL_Scancode key, bool pressed) {
    const std::string bytes = codes(key, pressed);
    return bytes.empty() ? bytes : "k" + bytes;
}

std::string typed_input(const std::string& text) {
    std::string bytes;
    for (const char character : text) {
        bool shift = false;
        const SDL_Scancode key = key_of(character, shift);
        if (key == SDL_SCANCODE_UNKNOWN) continue;
        if (shift) bytes += codes(SDL_SCANCODE_LSHIFT, true);
        bytes += codes(key, true) + codes(key, false);
        if (shift) bytes += codes(SDL_SCANCODE_LSHIFT, false);
    }
    return bytes.empty() ? bytes : "k" + bytes;
}

std::string chord_input(const std::string& names) {
    std::string press, release, name;
    std::istringstream words(names);
    while (std::getline(words, name, '+')) {
        const SDL_Scancode key = named_key(name);
        if (codes(key, true).empty()) return {};
        press += codes(key, true);
        release.insert(0, codes(key, false));  // the last one pressed goes first
    }
    return press.empty() ? press : "k" + press + release;
}

std::string mouse_input(int right, int down, int wheel, unsigned buttons) {
    const auto limited = [](int value, int most) { return std::clamp(value, -most, most); };
    right = limited(right, 32767);
    down = limited(down, 32767);
    std::string bytes = "m";
    for (const int part :
         {static_cast<int>(buttons & 7), right, right >> 8, down, down >> 8, limited(wheel, 127)})
        bytes += static_cast<char>(part & 0xff);
    return bytes;
}

}  // namespace orrery
