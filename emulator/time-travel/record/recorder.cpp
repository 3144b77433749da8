#include "emulator/time-travel/record/recorder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

Recorder::Recorder(Machine& machine, const RecordingRequest& request)
    : machine_(machine), start_(machine.moment()) {
    const RecordedMachine what = describe_machine(machine, request);
    writer_ = std::make_unique<RecordingWriter>(request.path, what.to_json());
    embed(what, request);
    writer_->begin();
    tell_of_error();
    std::vector<std::string> names;
    for (const ComponentHash& component : machine_.component_hashes()) names.push_back(component.name);
    writer_->components(names);
    runs_.push_back({0, start_, start_, next_link(start_.instructions, start_.instructions), {}});
    make_link();
    hook_ = machine_.on_input([this](const LoggedInput& entered) { input(entered); });
    machine_.add_companion(this);
}

Recorder::~Recorder() {
    machine_.remove_companion(this);
    machine_.remove_input_hook(hook_);
}

void Recorder::embed(const RecordedMachine& what, const RecordingRequest& request) {
    size_t file = 0;
    for (u32 i = 0; i < what.images.size(); ++i) {
        const RecordedImage& image = what.images[i];
        if (image.role == "file") {
            // Its bytes are the configuration's; the files are in its order, behind all other images.
            const std::span<const u8> bytes = machine_.config().test_devices.fw_cfg_files[file++].bytes;
            for (size_t at = 0; at < bytes.size(); at += RecordingWriter::kPiece)
                writer_->image(i, at,
                               bytes.subspan(at, std::min(RecordingWriter::kPiece, bytes.size() - at)));
        } else if (request.embed) {
            embed_file(i, image.path, image.size);
        }
    }
}

// Straight from the file: pieces of zeros stay out.
void Recorder::embed_file(u32 index, const std::string& path, u64 size) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::vector<u8> piece(RecordingWriter::kPiece);
    for (u64 at = 0; at < size && file >= 0 && writer_->error().empty();) {
        const ssize_t count = pread(file, piece.data(), piece.size(), static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;  // a disk is zeros behind its file's end
        const std::span<const u8> bytes(piece.data(), static_cast<size_t>(count));
        if (std::any_of(bytes.begin(), bytes.end(), [](u8 byte) { return byte != 0; }))
            writer_->image(index, at, bytes);
        at += bytes.size();
    }
    const std::string why = std::strerror(errno);
    if (file < 0) throw RecordingError(path + ": " + why);
    close(file);
}

Companion::Waypoint Recorder::next() const {
    Waypoint next;
    if (writer_->error().empty()) next.instructions = runs_[run_].next;
    return next;
}

void Recorder::reached() {
    Run& run = runs_[run_];
    if (machine_.moment().instructions < run.next) return;
    run.next = next_link(start_.instructions, machine_.moment().instructions);
    make_link();
}

u64 Recorder::last_digest(unsigned run, Moment at) const {
    const auto& links = runs_[run].links;
    for (auto link = links.rbegin(); link != links.rend(); ++link)
        if (link->first <= at) return link->second;
    return run == 0 ? 0 : last_digest(runs_[run].parent, std::min(at, runs_[run].fork));
}

void Recorder::make_link() {
    Run& run = runs_[run_];
    ChainLink link;
    link.moment = machine_.moment();
    std::vector<u64> digests;
    for (const ComponentHash& component : machine_.component_hashes()) {
        digests.push_back(component.digest);
        link.components.push_back(static_cast<u32>(component.digest));
    }
    link.digest = chain_digest(last_digest(run_, link.moment), link.moment, digests);
    run.links.emplace_back(link.moment, link.digest);
    run.last = std::max(run.last, link.moment);
    writer_->link(run_, link);
    tell_of_error();
}

void Recorder::input(const LoggedInput& input) {
    runs_[run_].last = std::max(runs_[run_].last, input.moment);
    writer_->input(run_, input);
    tell_of_error();
}

void Recorder::fork(unsigned parent, Moment moment, u64 inherited) {
    writer_->branch(static_cast<unsigned>(runs_.size()), parent, moment, inherited);
    runs_.push_back({parent, moment, moment, next_link(start_.instructions, moment.instructions), {}});
    run_ = static_cast<unsigned>(runs_.size() - 1);
    tell_of_error();
}

void Recorder::follow(TimeMachine& time) {
    time.on_branch([this, &time] {
        const TimelineRun& branch = time.runs()[time.run()];
        fork(branch.parent, branch.fork, branch.inherited);
    });
}

void Recorder::enter(unsigned run) {
    if (run == run_) return;
    run_ = run;
    writer_->present(run);
    tell_of_error();
}

void Recorder::bookmark(unsigned run, Moment moment, const std::string& note) {
    writer_->bookmark({run, moment, note});
    tell_of_error();
}

void Recorder::remove_bookmark(unsigned run, Moment moment, const std::string& note) {
    writer_->bookmark({run, moment, note}, false);
    tell_of_error();
}

void Recorder::finish(StopReason reason, int status, std::optional<Moment> end) {
    const Moment here = machine_.moment();
    Run& run = runs_[run_];
    if (here >= std::max(run.last, end.value_or(here)) && writer_->error().empty()) make_link();
    RecordedEnd last;
    last.moment = std::max({here, run.last, end.value_or(here)});
    last.reason = static_cast<u8>(reason);
    last.exit_code = machine_.exit_code();
    last.status = static_cast<u8>(status);
    writer_->end(run_, last);
    run.last = last.moment;
    tell_of_error();
}

void Recorder::tell_of_error() {
    if (told_ || writer_->error().empty()) return;
    told_ = true;
    fmt::print(stderr, "orrery: {}\n", writer_->error());
}

}  // namespace orrery
