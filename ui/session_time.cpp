// The session's commands that go to other moments, or change the machine by hand.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/core/cpu/state/register_file.h"
#include "emulator/inspect/models/place.h"
#include "emulator/machine/input.h"
#include "ui/session.h"

namespace orrery {

namespace {

std::string moment_text(const Moment& moment) {
    return fmt::format("instruction {}", grouped(moment.instructions));
}

// "90 cc" or "90cc" as bytes; empty where it is none of these.
std::vector<u8> parse_bytes(const std::string& text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    std::vector<u8> bytes;
    if (digits.size() % 2 != 0 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return bytes;
    for (size_t i = 0; i < digits.size(); i += 2)
        bytes.push_back(static_cast<u8>(std::stoul(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

void append_little_endian(std::vector<u8>& bytes, u64 value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes.push_back(i < 8 ? static_cast<u8>(value >> (8 * i)) : u8{0});
}

}  // namespace

void Session::seek(Moment moment, const std::string& what) {
    stop("");
    time_->seek(moment);
    status_ = what;
}

// What is known is gone to at once; beyond it the machine has to run.
void Session::perform(const command::SeekInstructions& seek) {
    if (seek.count > time_->end().instructions) {
        if (time_->in_past()) time_->seek(time_->end());
        begin(goal::Instructions{seek.count}, "Running to instruction " + grouped(seek.count));
        return;
    }
    stop("");
    time_->seek_instructions(seek.count);
    status_ = "At " + moment_text(time_->now());
}

void Session::perform(const command::SeekTicks& seek) {
    stop("");
    time_->seek_ticks(std::min(seek.tick, time_->end().ticks));
    status_ = "At " + moment_text(time_->now());
}

void Session::perform(const command::AddBookmark& add) {
    time_->add_bookmark(add.note);
    if (recorder_) recorder_->bookmark(time_->run(), time_->now(), add.note);
}

void Session::perform(const command::RenameBookmark& rename) {
    change_bookmark(rename.index, rename.note);
}

void Session::perform(const command::RemoveBookmark& remove) {
    change_bookmark(remove.index, std::nullopt);
}

void Session::perform(const command::GoToBookmark& go) {
    if (go.index >= time_->bookmarks().size()) return;
    const Bookmark mark = time_->bookmarks()[go.index];
    const BookmarksModel model = bookmarks_model(context());
    if (!model.rows[go.index].on_path) perform(command::EnterRun{mark.run});
    seek(mark.moment, mark.note.empty() ? "At a bookmark" : "At the bookmark \"" + mark.note + "\"");
}

// Another note, or none: then the bookmark goes.
void Session::change_bookmark(size_t index, std::optional<std::string> note) {
    if (index >= time_->bookmarks().size()) return;
    Bookmark& mark = time_->bookmarks()[index];
    if (recorder_) {
        recorder_->remove_bookmark(mark.run, mark.moment, mark.note);
        if (note) recorder_->bookmark(mark.run, mark.moment, *note);
    }
    if (note)
        mark.note = *note;
    else
        time_->remove_bookmark(index);
}

void Session::perform(const command::EnterRun& enter) {
    const unsigned run = enter.run;
    if (run >= time_->runs().size()) {
        status_ = fmt::format("There is no run {}", run);
        return;
    }
    stop("");
    time_->enter_run(run);
    events_->enter(run);
    tracer_->branched();
    if (recorder_) recorder_->enter(run);
    console_.entered_run();
    status_ = fmt::format("In run {}", run);
}

// The bytes may lie on several pages.
void Session::perform(const command::PokeMemory& poke) {
    const std::vector<u8> bytes = parse_bytes(poke.hex_bytes);
    if (bytes.empty()) {
        status_ = poke.hex_bytes + ": not bytes in hexadecimal";
        return;
    }
    stop("");
    const std::optional<u64> cr3 = parse_place(context(), hex(poke.address), poke.task).cr3;
    for (size_t at = 0; at < bytes.size();) {
        const u64 linear = poke.address + at;
        const WalkResult walk = machine_->translate(machine_->cpu().id, linear, cr3);
        if (!walk.ok) {
            status_ = hex(linear) + " is not mapped";
            return;
        }
        const size_t count = std::min<size_t>(bytes.size() - at, 4096 - (linear & 4095));
        std::vector<u8> data;
        append_little_endian(data, walk.physical, 8);
        data.insert(data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(at + count));
        machine_->input(kMemoryInput, std::move(data));
        at += count;
    }
    hash_.reset();
    status_ =
        fmt::format("Wrote {} byte{} at {}", bytes.size(), bytes.size() == 1 ? "" : "s", hex(poke.address));
}

void Session::perform(const command::SetRegister& set) {
    std::string lower = set.name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::optional<RegisterId> id = find_register(lower);
    if (!id || register_size(*id) > 8) {
        status_ = set.name + ": this register cannot be set here";
        return;
    }
    std::vector<u8> value_bytes;
    append_little_endian(value_bytes, set.value, register_size(*id));
    stop("");
    std::vector<u8> data{static_cast<u8>(machine_->cpu().id), static_cast<u8>(*id)};
    data.insert(data.end(), value_bytes.begin(), value_bytes.end());
    machine_->input(kRegisterInput, std::move(data));
    hash_.reset();
    status_ = fmt::format("Set {} to {}", set.name, hex(set.value));
}

}  // namespace orrery
