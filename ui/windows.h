// The debugger's windows: each draws rows of a frame's model, and says what the user did there. One file
// each; the table of them is views.h.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ui/command.h"
#include "ui/console_feed.h"
#include "ui/frame.h"
#include "ui/terminal.h"

namespace orrery {

// What all windows share while a frame is drawn: the state shown, the selection they change, the commands
// they give.
struct Ui {
    std::shared_ptr<const Frame> frame;
    std::shared_ptr<const Frame> previous;  // of the last stop before: what has changed since
    Selection selection;
    bool selection_changed = false;
    std::vector<Command> commands;
    Terminal terminal{36, 110};
    bool console_focused = false;
    void* display_texture = nullptr;  // the guest's screen; nullptr: there is none to show
    bool display_focused = false;     // keys and mouse are the guest's
    bool display_hovered = false;
    float display_scale = 1.0f;  // window pixels to one of the guest's
    std::set<int> display_keys;  // held, by SDL's scan codes
    unsigned mouse_buttons = 0;
    float mouse_right = 0, mouse_down = 0;  // moved by less than a pixel of the guest's
    std::string focus_request;              // a window to be brought to the front
    std::string layout = "First system call";
    std::vector<std::string> opened;  // views over it, which it has not
    bool relayout = true;
    bool show_help = false;
    bool show_palette = false;
    bool show_go_to = false;
    bool seeking = false;  // the time bar is being dragged
    u64 seek_target = 0;   // instructions: where it was dragged to last
    // The mouse of a script, which is not the host's.
    struct Mouse {
        float x, y;
        bool held;
    };
    std::optional<Mouse> scripted_mouse;
    float scale = 1.0f;
    float new_scale = 0;  // to be applied between frames
    bool quit = false;

    void send(Command command) { commands.push_back(std::move(command)); }
    // `task`: whose address it is; none: that of whatever the CPU runs.
    void select_address(const std::string& address, std::optional<int> task = std::nullopt) {
        selection.walk_address = address;
        selection.memory_address = address;
        selection.task = task;
        selection_changed = true;
    }
    void select_pid(int pid) {
        selection.pid = pid;
        selection.task = pid;
        selection_changed = true;
    }
};

void draw_transport_bar(Ui& ui);
void draw_time_bar(Ui& ui);  // within it
void draw_tasks(Ui& ui);
void draw_disassembly(Ui& ui);
void draw_console(Ui& ui);
void draw_registers(Ui& ui);
void draw_page_walk(Ui& ui);
void draw_address_space(Ui& ui);
void draw_tlb(Ui& ui);
void draw_syscalls(Ui& ui);
void draw_breakpoints(Ui& ui);
void draw_bookmarks(Ui& ui);
void draw_memory(Ui& ui);
void draw_ring(Ui& ui);
void draw_devices(Ui& ui);
void draw_framebuffer(Ui& ui);

float time_bar_height();
float transport_height();

// Hands what the console printed to the terminal, and what that answers to the guest.
void feed_terminal(Ui& ui, const std::vector<ConsoleChunk>& chunks);

// An address as a link: a click selects it everywhere, as one of the task's or (none) the CPU's.
void address_link(Ui& ui, u64 address, std::optional<int> task = std::nullopt);
// Behind a field for an address: whose page tables it is meant by, and a button back to the CPU's.
void task_mark(Ui& ui, const std::string& task);
// Small parts that several windows use.
void text_dim(const std::string& text);
void text_colored(unsigned ring, const std::string& text);
// A small window that asks for a value: opened by a double click on the last item. True once Enter was
// pressed.
bool value_popup(const char* id, const std::string& title, std::string& value);
// An input field that applies on Enter, with its error beside it. True when applied.
bool text_field(const char* label, std::string& value, const std::string& error, float width);

}  // namespace orrery
