// The host's keys and mouse as a PS/2 keyboard and mouse send them: what goes into the i8042's input
// (devices/i8042.h).
#pragma once

#include <SDL.h>

#include <string>

namespace orrery {

// The bytes for a key pressed or released, by its place on the keyboard (scan code set 2, "k" before them);
// empty for keys that a PC's keyboard does not have.
std::string key_input(SDL_Scancode key, bool pressed);

// A text as it is typed on a US keyboard, every key pressed and released; what is not on it is left out.
std::string typed_input(const std::string& text);

// "Ctrl+Alt+F2", "Up", "A": these keys pressed in order and released. Empty where a name is not known (names
// are SDL's; Ctrl, Alt, Shift are the left ones).
std::string chord_input(const std::string& names);

// The mouse moved and turned, `buttons` held (bit 0 left, 1 right, 2 middle).
std::string mouse_input(int right, int down, int wheel, unsigned buttons);

}  // namespace orrery
