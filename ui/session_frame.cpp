// What the window gets to see of a session: the models of the views on the screen, at one moment.
#include "ui/session.h"
#include "ui/views.h"

namespace orrery {

std::shared_ptr<const Frame> Session::frame(const Selection& selection) {
    auto frame = std::make_shared<Frame>();
    const ModelContext context = this->context();
    frame->number = ++frames_;
    frame->state = ended() ? RunState::Ended : running() ? RunState::Running : RunState::Paused;
    frame->status = status_;
    frame->moment = machine_->moment();
    frame->million_instructions_per_second = speed_.mips();
    frame->seed = config_.machine.seed;
    if (hash_ && hash_->moment == frame->moment) frame->state_hash = hash_->text;
    frame->registers = registers_model(context, {selection.floating_point});
    frame->timeline = timeline_model(context);
    frame->bookmarks = bookmarks_model(context);
    if (recorder_) frame->recording = recorder_->error().empty() ? "recording" : "recording stopped";
    frame->breakpoints = breakpoints_.all();
    frame->breakpoint_error = breakpoint_error_;
    frame->views = selection.views;
    for (size_t i = 0; i < views().size(); ++i)
        if ((selection.views >> i & 1) != 0 && views()[i].compute != nullptr)
            views()[i].compute(*frame, context, selection);
    if (frame->framebuffer.visible() && pixels_ && *pixels_ == *frame->framebuffer.pixels)
        frame->framebuffer.pixels = pixels_;
    pixels_ = frame->framebuffer.pixels;
    return frame;
}

}  // namespace orrery
