// Colours and fonts. Rings and states are told by a letter as well as by a colour, and the colours are from a
// palette that colour-blind people can tell apart (Okabe and Ito).
#pragma once

#include <imgui.h>

namespace orrery {

namespace theme {
inline const ImVec4 kUser{0.34f, 0.71f, 0.91f, 1.0f};       // "U" blue
inline const ImVec4 kKernel{0.90f, 0.62f, 0.00f, 1.0f};     // "K" orange
inline const ImVec4 kInterrupt{0.80f, 0.47f, 0.65f, 1.0f};  // "I" purple
inline const ImVec4 kIdle{0.55f, 0.55f, 0.55f, 1.0f};
inline const ImVec4 kGood{0.00f, 0.62f, 0.45f, 1.0f};
inline const ImVec4 kBad{0.84f, 0.37f, 0.00f, 1.0f};
inline const ImVec4 kDim{0.62f, 0.64f, 0.68f, 1.0f};
inline const ImVec4 kChanged{0.94f, 0.89f, 0.26f, 1.0f};
inline const ImVec4 kLabel{0.75f, 0.85f, 0.95f, 1.0f};
}  // namespace theme

// Style and fonts for a scale of 1 (1920 × 1080) and others. Call before the first frame, and again with
// another scale between frames; the renderer's font texture must then be made anew.
void apply_theme(float scale);

}  // namespace orrery
