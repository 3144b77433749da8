// The views and their models.
#include "ui/views.h"

#include "emulator/inspect/models/place.h"
#include "emulator/inspect/models/windows.h"
#include "ui/windows.h"

namespace orrery {

namespace {

// The place that a field's text means, or why it means none.
Place place_of(const ModelContext& context, const std::string& text, std::optional<int> task,
               std::string& whose, std::string& error) {
    try {
        Place place = parse_place(context, text, task);
        whose = place.task;
        return place;
    } catch (const ShowError& problem) {
        error = problem.what();
        return {};
    }
}

void compute_tasks(Frame& frame, const ModelContext& context, const Selection&) {
    frame.tasks = tasks_model(context);
}

void compute_disassembly(Frame& frame, const ModelContext& context, const Selection& selection) {
    DisassemblyParameters code;
    if (!selection.code_address.empty()) {
        const Place place =
            place_of(context, selection.code_address, selection.task, frame.code_task, frame.code_error);
        if (frame.code_error.empty()) code.address = place.address;
        code.cr3 = place.cr3;
    }
    frame.disassembly = disassembly_model(context, code);
}

void compute_ring(Frame& frame, const ModelContext& context, const Selection&) {
    frame.ring = ring_model(context);
}

void compute_page_walk(Frame& frame, const ModelContext& context, const Selection& selection) {
    const Place place =
        place_of(context, selection.walk_address, selection.task, frame.walk_task, frame.walk_error);
    if (frame.walk_error.empty())
        frame.page_walk = page_walk_model(context, {.address = place.address, .cr3 = place.cr3});
}

void compute_address_space(Frame& frame, const ModelContext& context, const Selection& selection) {
    frame.address_space = address_space_model(context, {.pid = selection.pid, .pages = false});
}

void compute_tlb(Frame& frame, const ModelContext& context, const Selection&) {
    frame.tlb = tlb_model(context, {});
}

void compute_syscalls(Frame& frame, const ModelContext& context, const Selection& selection) {
    SyscallsParameters parameters;
    parameters.filter = selection.syscall_filter;
    frame.syscalls = syscalls_model(context, parameters);
}

void compute_memory(Frame& frame, const ModelContext& context, const Selection& selection) {
    const Place place =
        place_of(context, selection.memory_address, selection.task, frame.memory_task, frame.memory_error);
    if (!frame.memory_error.empty()) return;
    MemoryParameters memory;
    memory.address = place.address;
    memory.cr3 = place.cr3;
    frame.memory = memory_model(context, memory);
}

void compute_devices(Frame& frame, const ModelContext& context, const Selection&) {
    frame.devices = devices_model(context);
}

void compute_display(Frame& frame, const ModelContext& context, const Selection&) {
    frame.framebuffer = framebuffer_model(context);
}

}  // namespace

const std::vector<View>& views() {
    static const std::vector<View> kViews = {
        {"Tasks", compute_tasks, draw_tasks},
        {"Breakpoints", nullptr, draw_breakpoints},
        {"Bookmarks", nullptr, draw_bookmarks},
        {"Source and disassembly", compute_disassembly, draw_disassembly},
        {"Console", nullptr, draw_console},
        {"Ring", compute_ring, draw_ring},
        {"Registers", nullptr, draw_registers},
        {"Page walk", compute_page_walk, draw_page_walk},
        {"Address space", compute_address_space, draw_address_space},
        {"TLB", compute_tlb, draw_tlb},
        {"System calls", compute_syscalls, draw_syscalls},
        {"Memory", compute_memory, draw_memory},
        {"Devices", compute_devices, draw_devices},
        {"Display", compute_display, draw_framebuffer},
    };
    return kViews;
}

ViewSet view_bit(const std::string& name) {
    for (size_t i = 0; i < views().size(); ++i)
        if (name == views()[i].name) return ViewSet{1} << i;
    return 0;
}

}  // namespace orrery
