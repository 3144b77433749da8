// Keys: those of the debugger, and those that the console passes on to the guest.
#pragma once

#include <SDL.h>

#include "ui/windows.h"

namespace orrery {

// Takes one SDL event; what it means is added to ui.commands.
void handle_key_event(Ui& ui, const SDL_Event& event);
// Lets go of the guest's keys and buttons once the display has lost the focus.
void release_display_keys(Ui& ui);

// The help shown by F1: keys and what they do.
void draw_help(Ui& ui);
// Ctrl+P: every command and window by name.
void draw_palette(Ui& ui);

}  // namespace orrery
