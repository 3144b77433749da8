// Keys: those of the debugger, and those that the console passes on to the guest.
#pragma once

#include <SDL.h>

#include <optional>
#include <string>

#include "ui/windows.h"

namespace orrery {

// Takes one SDL event; what it means is added to ui.commands.
void handle_key_event(Ui& ui, const SDL_Event& event);
// A key as the table of commands and scripts write it: "Alt+F11", "Ctrl+P", "."; nothing where there is none.
std::optional<SDL_Keysym> parse_chord(const std::string& text);
// Lets go of the guest's keys and buttons once the display has lost the focus.
void release_display_keys(Ui& ui);

// The help shown by F1: keys and what they do (help_window.cpp).
void draw_help(Ui& ui);
// Ctrl+G: asks for a moment or an address (go_to.cpp).
void draw_go_to(Ui& ui);
// What such a text asks for: "1,234,567" is an instruction count, "cycle 99" a cycle, and both are commands;
// an address ("0x401000", "vfs_write") is none.
std::optional<Command> moment_command(const std::string& text);
// Ctrl+P: every command and window by name (palette.cpp).
void draw_palette(Ui& ui);

}  // namespace orrery
