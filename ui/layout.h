// Where the views lie: a layout divides the screen among some of them; the user may then move and size them.
#pragma once

#include <string>
#include <vector>

#include "ui/windows.h"

namespace orrery {

// Fractions of the area below the bar on top.
struct Tile {
    const char* view;
    float x, y, width, height;
};

struct Layout {
    const char* name;
    float scale;  // that text gets with it; 0: as it is
    std::vector<Tile> tiles;
};

const std::vector<Layout>& layouts();
// False: there is none of this name.
bool choose_layout(Ui& ui, const std::string& name);

// Brings a view to the front; one that is not in the present layout is opened over it, and stays until it is
// closed or another layout is chosen. False: there is none of this name.
bool show_view(Ui& ui, const std::string& name);

// Draws every view of the present layout and those opened over it, and notes which these are: only their models are computed.
void draw_layout(Ui& ui);

}  // namespace orrery
