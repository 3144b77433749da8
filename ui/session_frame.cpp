// What the window gets to see of a session: every model at one moment.
#include <fmt/format.h>

#include "emulator/inspect/models/windows.h"
#include "ui/session.h"

namespace orrery {

// The models that depend on what the user has typed into their fields.
void Session::fill_addressed(Frame& frame, const ModelContext& context, const Selection& selection) {
    DisassemblyParameters code;
    try {
        if (!selection.code_address.empty()) code.address = parse_address(context, selection.code_address);
    } catch (const ShowError& error) {
        frame.code_error = error.what();
    }
    frame.disassembly = disassembly_model(context, code);

    try {
        PageWalkParameters walk;
        walk.address = parse_address(context, selection.walk_address);
        frame.page_walk = page_walk_model(context, walk);
    } catch (const ShowError& error) {
        frame.walk_error = error.what();
    }
    try {
        MemoryParameters memory;
        memory.address = parse_address(context, selection.memory_address);
        frame.memory = memory_model(context, memory);
    } catch (const ShowError& error) {
        frame.memory_error = error.what();
    }
}

std::shared_ptr<const Frame> Session::frame(const Selection& selection) {
    auto frame = std::make_shared<Frame>();
    const ModelContext context = this->context();
    frame->number = ++frames_;
    frame->state = ended() ? RunState::Ended : running() ? RunState::Running : RunState::Paused;
    frame->status = status_;
    frame->moment = machine_->moment();
    frame->million_instructions_per_second = mips_;
    frame->seed = config_.machine.seed;
    if (hash_moment_ == frame->moment) frame->state_hash = hash_;
    frame->registers = registers_model(context, {selection.floating_point});
    frame->timeline = timeline_model(context);
    frame->bookmarks = bookmarks_model(context);
    if (recorder_) frame->recording = recorder_->error().empty() ? "recording" : "recording stopped";
    fill_addressed(*frame, context, selection);
    AddressSpaceParameters space;
    space.pid = selection.pid;
    frame->address_space = address_space_model(context, space);
    frame->devices = devices_model(context);
    frame->framebuffer = framebuffer_model(context);
    if (frame->framebuffer.visible() && pixels_ && *pixels_ == *frame->framebuffer.pixels)
        frame->framebuffer.pixels = pixels_;
    pixels_ = frame->framebuffer.pixels;
    frame->tlb = tlb_model(context, {});
    frame->tasks = tasks_model(context);
    SyscallsParameters calls;
    calls.filter = selection.syscall_filter;
    frame->syscalls = syscalls_model(context, calls);
    frame->breakpoints = debugger_->breakpoints().all();
    frame->breakpoint_error = breakpoint_error_;
    return frame;
}

}  // namespace orrery
