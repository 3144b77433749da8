// Where the windows lie: a preset divides the screen among them; the user may then move and size them.
#pragma once

#include "ui/windows.h"

namespace orrery {

// Draws every window of the current preset.
void draw_layout(Ui& ui);

}  // namespace orrery
