// The views, one row each: its title, what computes its part of a frame and what draws that. The layout, the
// palette and the scripts know of no others; a frame holds the models of those on the screen.
#pragma once

#include <string>
#include <vector>

#include "ui/frame.h"

namespace orrery {

struct Ui;

struct View {
    const char* name;  // its title, and what the palette and a script's "focus" call it
    // Fills in its part of a frame; nullptr: it shows what every frame has.
    void (*compute)(Frame& frame, const ModelContext& context, const Selection& selection);
    void (*draw)(Ui& ui);
};

// All but the bar on top.
const std::vector<View>& views();
// The bit of the view with this name in a ViewSet; 0 if there is none.
ViewSet view_bit(const std::string& name);

}  // namespace orrery
