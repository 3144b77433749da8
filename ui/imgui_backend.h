// Dear ImGui's SDL2 backends by the names that they have since version 1.89; Debian 12's 1.86 has older ones.
#pragma once

#include <imgui.h>

#if __has_include(<imgui_impl_sdlrenderer2.h>)
#include <imgui_impl_sdl2.h>
#include <imgui_impl_sdlrenderer2.h>

namespace orrery {
inline void init_sdl_for_renderer(SDL_Window* window, SDL_Renderer* renderer) {
    ImGui_ImplSDL2_InitForSDLRenderer(window, renderer);
}
}  // namespace orrery
#else
#include <imgui_impl_sdl.h>
#include <imgui_impl_sdlrenderer.h>

#define ImGui_ImplSDLRenderer2_Init ImGui_ImplSDLRenderer_Init
#define ImGui_ImplSDLRenderer2_Shutdown ImGui_ImplSDLRenderer_Shutdown
#define ImGui_ImplSDLRenderer2_NewFrame ImGui_ImplSDLRenderer_NewFrame
#define ImGui_ImplSDLRenderer2_RenderDrawData ImGui_ImplSDLRenderer_RenderDrawData
#define ImGui_ImplSDLRenderer2_CreateFontsTexture ImGui_ImplSDLRenderer_CreateFontsTexture
#define ImGui_ImplSDLRenderer2_DestroyFontsTexture ImGui_ImplSDLRenderer_DestroyFontsTexture

namespace orrery {
inline void init_sdl_for_renderer(SDL_Window* window, SDL_Renderer*) {
    ImGui_ImplSDL2_InitForSDLRenderer(window);
}
}  // namespace orrery
#endif
