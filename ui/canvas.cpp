#include "ui/canvas.h"

#include <sstream>
#include <stdexcept>
#include <vector>

#include "emulator/machine/output_file.h"
#include "ui/imgui_backend.h"
#include "ui/keys.h"
#include "ui/layout.h"
#include "ui/png_file.h"
#include "ui/theme.h"

namespace orrery {

Canvas::Canvas(bool headless, int width, int height, float scale) {
    if (headless) {
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "dummy");
        SDL_SetHint(SDL_HINT_RENDER_DRIVER, "software");
    }
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    if (SDL_Init(SDL_INIT_VIDEO) != 0) throw std::runtime_error(std::string("no display: ") + SDL_GetError());
    window_ = SDL_CreateWindow("Orrery", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height,
                               SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (window_ == nullptr) throw std::runtime_error(std::string("no window: ") + SDL_GetError());
    renderer_ = SDL_CreateRenderer(window_, -1, headless ? SDL_RENDERER_SOFTWARE : SDL_RENDERER_PRESENTVSYNC);
    if (renderer_ == nullptr) renderer_ = SDL_CreateRenderer(window_, -1, SDL_RENDERER_SOFTWARE);
    if (renderer_ == nullptr) throw std::runtime_error(std::string("no renderer: ") + SDL_GetError());
    wake_event_ = SDL_RegisterEvents(1);

    ImGui::CreateContext();
    ImGui::GetIO().IniFilename = nullptr;
    apply_theme(scale);
    init_sdl_for_renderer(window_, renderer_);
    ImGui_ImplSDLRenderer2_Init(renderer_);
}

Canvas::~Canvas() {
    ImGui_ImplSDLRenderer2_Shutdown();
    ImGui_ImplSDL2_Shutdown();
    ImGui::DestroyContext();
    if (display_ != nullptr) SDL_DestroyTexture(display_);
    SDL_DestroyRenderer(renderer_);
    SDL_DestroyWindow(window_);
    SDL_Quit();
}

// The guest's screen as a texture, made anew when its size changes and filled when its pixels do.
void Canvas::update_display(Ui& ui) {
    const FramebufferModel& model = ui.frame->framebuffer;
    ui.display_texture = nullptr;
    if (!model.visible()) return;
    const int width = static_cast<int>(model.width), height = static_cast<int>(model.height);
    int old_width = 0, old_height = 0;
    if (display_ != nullptr) SDL_QueryTexture(display_, nullptr, nullptr, &old_width, &old_height);
    if (old_width != width || old_height != height) {
        if (display_ != nullptr) SDL_DestroyTexture(display_);
        display_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STREAMING, width,
                                     height);
        if (display_ == nullptr) return;
        SDL_SetTextureScaleMode(display_, SDL_ScaleModeLinear);
        shown_.reset();
    }
    if (shown_ != model.pixels) SDL_UpdateTexture(display_, nullptr, model.pixels->data(), 4 * width);
    shown_ = model.pixels;
    ui.display_texture = display_;
}

void Canvas::draw(Ui& ui) {
    update_display(ui);
    ImGui_ImplSDLRenderer2_NewFrame();
    ImGui_ImplSDL2_NewFrame();
    if (ui.scripted_mouse) {
        ImGui::GetIO().MousePos = {ui.scripted_mouse->x, ui.scripted_mouse->y};
        ImGui::GetIO().MouseDown[0] = ui.scripted_mouse->held;
    }
    ImGui::NewFrame();
    draw_transport_bar(ui);
    draw_layout(ui);
    draw_help(ui);
    draw_palette(ui);
    draw_go_to(ui);
    release_display_keys(ui);
    ImGui::Render();
    SDL_SetRenderDrawColor(renderer_, 16, 18, 22, 255);
    SDL_RenderClear(renderer_);
    ImGui_ImplSDLRenderer2_RenderDrawData(ImGui::GetDrawData());
    SDL_RenderPresent(renderer_);
}

bool Canvas::events(Ui& ui, int milliseconds) {
    SDL_Event event;
    bool got =
        milliseconds > 0 ? SDL_WaitEventTimeout(&event, milliseconds) != 0 : SDL_PollEvent(&event) != 0;
    bool any = false;
    for (; got; got = SDL_PollEvent(&event) != 0) {
        if (event.type == wake_event_) continue;
        any = true;
        ImGui_ImplSDL2_ProcessEvent(&event);
        if (event.type == SDL_QUIT) ui.quit = true;
        if (event.type == SDL_WINDOWEVENT && event.window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
            ui.relayout = true;
        handle_key_event(ui, event);
    }
    return any;
}

bool Canvas::visible() const {
    return (SDL_GetWindowFlags(window_) & (SDL_WINDOW_HIDDEN | SDL_WINDOW_MINIMIZED)) == 0;
}

void Canvas::wake() {
    SDL_Event event{};
    event.type = wake_event_;
    SDL_PushEvent(&event);
}

void Canvas::set_scale(float scale) {
    ImGui_ImplSDLRenderer2_DestroyFontsTexture();
    apply_theme(scale);
    ImGui_ImplSDLRenderer2_CreateFontsTexture();
}

void Canvas::save_png(const std::string& path) {
    int width = 0, height = 0;
    SDL_GetRendererOutputSize(renderer_, &width, &height);
    std::vector<unsigned char> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    if (SDL_RenderReadPixels(renderer_, nullptr, SDL_PIXELFORMAT_RGB24, pixels.data(), width * 3) != 0)
        throw std::runtime_error(std::string("screenshot: ") + SDL_GetError());
    std::ostringstream picture;
    write_png(picture, width, height, pixels);
    OutputFile file(path);
    file.write(picture.view());
    file.commit();
}

}  // namespace orrery
