// The place that the debugger is drawn on: an SDL window with Dear ImGui in it, on a display or (headless) in
// memory.
#pragma once

#include <SDL.h>

#include <functional>
#include <string>

#include "ui/windows.h"

namespace orrery {

class Canvas {
  public:
    // Throws std::runtime_error where there is no display, unless headless.
    Canvas(bool headless, int width, int height, float scale);
    ~Canvas();
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    // Draws the debugger once.
    void draw(Ui& ui);
    // Hands waiting events to Dear ImGui and to the keys; waits for one up to `milliseconds` if there is
    // none. True if there was any but wake()'s.
    bool events(Ui& ui, int milliseconds);
    // What was drawn last, as a PNG file. Throws std::runtime_error naming the file if it cannot be written.
    void save_png(const std::string& path);
    // Whether anybody can see it.
    bool visible() const;
    // Wakes events() up, from any thread.
    void wake();
    // A new scale takes a new font texture.
    void set_scale(float scale);

  private:
    void update_display(Ui& ui);

    SDL_Window* window_ = nullptr;
    SDL_Renderer* renderer_ = nullptr;
    Uint32 wake_event_ = 0;
    SDL_Texture* display_ = nullptr;
    std::shared_ptr<const std::vector<u32>> shown_;  // what is in it
};

}  // namespace orrery
