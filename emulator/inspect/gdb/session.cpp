// Packets in and out, and what makes the machine move. What only asks is in answers.cpp.
#include "emulator/inspect/gdb/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/inspect/gdb/access.h"

namespace orrery {

namespace {

constexpr u64 kRipNumber = 16;  // in gdb's order, as the next two
constexpr u64 kFramePointers[] = {6, 7};

}  // namespace

GdbSession::GdbSession(const GdbSubject& subject)
    : subject_(subject), machine_(subject.time.machine()), execution_(subject.time) {
    stop_ = execution_.here(GdbStop::Reason::Step);
    cpu_ = step_cpu_ = stop_.cpu;
    execution_.watch([this](const Progress&) { return goes_on(); });
}

// Asked while gdb waits for something that takes a while.
bool GdbSession::goes_on() {
    if (poll_ && !poll_()) interrupted_ = true;
    return !interrupted_;
}

void GdbSession::send(std::string_view payload) {
    last_frame_ = gdb_frame(payload);
    output_ += last_frame_;
}

void GdbSession::receive(std::span<const u8> bytes) {
    for (const u8 byte : bytes) {
        std::optional<GdbPackets::Item> item = packets_.take(byte);
        if (!item) continue;
        if (busy_ && item->kind == GdbPackets::Kind::Interrupt)
            interrupted_ = true;
        else if (busy_)
            waiting_.push_back(std::move(*item));
        else
            handle(*item);
    }
}

void GdbSession::handle(const GdbPackets::Item& item) {
    if (state_ == State::Detached || state_ == State::Killed) return;
    switch (item.kind) {
        case GdbPackets::Kind::Ack:
            return;
        case GdbPackets::Kind::Nak:
            if (acknowledge_) output_ += last_frame_;
            return;
        case GdbPackets::Kind::Interrupt:
            interrupted_ = state_ == State::Running;
            return;
        case GdbPackets::Kind::Damaged:
            if (acknowledge_)
                output_ += '-';
            else
                send(kInvalid);
            return;
        case GdbPackets::Kind::Packet:
            break;
    }
    if (acknowledge_) output_ += '+';
    if (const std::optional<std::string> reply = answer(item.payload)) send(*reply);
    take_waiting();
}

// What came while a command was carried out.
void GdbSession::take_waiting() {
    while (!busy_ && !waiting_.empty()) {
        const GdbPackets::Item item = std::move(waiting_.front());
        waiting_.pop_front();
        handle(item);
    }
}

std::optional<std::string> GdbSession::answer(const std::string& packet) {
    if (packet.empty()) return "";
    Arguments arguments(packet);
    arguments.take(packet.substr(0, 1));
    if (packet == "k") {
        state_ = State::Killed;
        return std::nullopt;
    }
    if (packet[0] == 'D') {
        execution_.clear();
        state_ = State::Detached;
        return "OK";
    }
    // gdb waits for the machine to stop before it asks for anything.
    if (state_ == State::Running) return kInvalid;
    switch (packet[0]) {
        case '?':
            return stop_reply();
        case 'g':
        case 'G':
        case 'p':
        case 'P':
            return answer_register(packet[0], arguments);
        case 'm':
        case 'M':
        case 'X':
            return answer_memory(packet[0], arguments);
        case 'Z':
        case 'z':
            return answer_point(packet[0] == 'Z', arguments);
        case 'c':
        case 's':
        case 'C':
        case 'S':
            return resume(packet[0], arguments);
        case 'b':
            return back(packet);
        case 'H':
        case 'T':
            return answer_thread(packet[0], arguments);
        case 'q':
            return answer_query(arguments);
        case 'Q':
            return answer_set(arguments);
        case 'v':
            return answer_v(arguments);
        default:
            return "";
    }
}

std::optional<std::string> GdbSession::answer_v(Arguments arguments) {
    if (arguments.take("Cont?")) return "vCont;c;C;s;S";
    if (arguments.take("Cont")) return resume_threads(arguments);
    if (arguments.take("Kill")) {
        state_ = State::Killed;
        return "OK";
    }
    return "";
}

// c [address], C signal[;address]: a guest gets no signals from gdb.
std::optional<std::string> GdbSession::resume(char how, Arguments arguments) {
    u64 signal = 0, address = 0;
    if (how == 'C' || how == 'S') {
        if (!arguments.take_number(signal)) return kInvalid;
        if (!arguments.done() && !arguments.take(";")) return kInvalid;
    }
    if (!arguments.done()) {
        if (!arguments.take_number(address) || !arguments.done()) return kInvalid;
        const auto* bytes = reinterpret_cast<const u8*>(&address);
        if (!gdb_write_register(machine_, step_cpu_, kRipNumber, std::span(bytes, sizeof address)))
            return kInvalid;
    }
    if (how == 's' || how == 'S')
        execution_.begin_step(step_cpu_);
    else
        execution_.begin_run();
    start();
    return std::nullopt;
}

// vCont;action[:thread]…: all CPUs run together, so what counts is whether one of them is to be stepped.
std::optional<std::string> GdbSession::resume_threads(Arguments arguments) {
    bool any = false;
    std::optional<unsigned> stepped;
    while (arguments.take(";")) {
        Arguments action(arguments.rest().substr(0, arguments.rest().find(';')));
        arguments.take(action.rest());
        const char kind = action.done() ? ' ' : action.rest()[0];
        const bool has_signal = kind == 'C' || kind == 'S';
        if (kind != 'c' && kind != 's' && !has_signal) return kInvalid;
        action.take(action.rest().substr(0, 1));
        u64 signal = 0;
        if (has_signal && !action.take_number(signal)) return kInvalid;
        unsigned thread = 0;
        if (action.take(":") && !take_thread(action, thread)) return kInvalid;
        if (!action.done()) return kInvalid;
        any = true;
        if ((kind == 's' || kind == 'S') && !stepped) stepped = thread != 0 ? thread - 1 : stop_.cpu;
    }
    if (!any || !arguments.done()) return kInvalid;
    if (stepped)
        execution_.begin_step(*stepped);
    else
        execution_.begin_run();
    start();
    return std::nullopt;
}

std::optional<std::string> GdbSession::back(const std::string& packet) {
    if (!subject_.time.has_past()) return "";
    if (packet == "bs")
        execution_.begin_step_back(step_cpu_);
    else if (packet == "bc")
        execution_.begin_run_back();
    else
        return "";
    start();
    return std::nullopt;
}

void GdbSession::start() {
    interrupted_ = false;
    state_ = State::Running;
}

StopReason GdbSession::run(const RunLimits& slice, u64 budget, bool& over) {
    over = false;
    busy_ = true;
    GdbStop stop = execution_.go({std::min(slice.instructions, budget), slice.ticks});
    busy_ = false;
    using Reason = GdbStop::Reason;
    if (stop.reason == Reason::None && machine_.spent() >= budget) stop.reason = Reason::HistoryEnd;
    if (stop.reason == Reason::None && interrupted_) stop.reason = Reason::Interrupt;
    const bool reboots = subject_.restarts && stop.machine == StopReason::Reset;
    over = stop.reason == Reason::HistoryEnd && (at_end_ || reboots);
    if (over || stop.reason == Reason::None) return stop.machine;
    stopped(stop);
    return stop.machine;
}

void GdbSession::stopped(const GdbStop& stop) {
    stop_ = stop;
    at_end_ = stop.reason == GdbStop::Reason::HistoryEnd;
    cpu_ = step_cpu_ = stop.cpu;
    state_ = State::Stopped;
    send(stop_reply());
    take_waiting();
}

std::string GdbSession::stop_reply() const {
    using Reason = GdbStop::Reason;
    std::string text = stop_.reason == Reason::Interrupt ? "T02" : "T05";
    text += fmt::format("thread:{:x};", stop_.cpu + 1);
    switch (stop_.reason) {
        case Reason::Breakpoint:
            if (tells_breakpoints_) text += stop_.type == '1' ? "hwbreak:;" : "swbreak:;";
            break;
        case Reason::Watchpoint:
            text += stop_.type == '3' ? "r" : stop_.type == '4' ? "a" : "";
            text += fmt::format("watch:{:x};", stop_.address);
            break;
        case Reason::HistoryBegin:
            text += "replaylog:begin;";
            break;
        case Reason::HistoryEnd:
            text += "replaylog:end;";
            break;
        default:
            break;
    }
    // What gdb asks for after every stop.
    for (const u64 number : {kFramePointers[0], kFramePointers[1], kRipNumber})
        text +=
            fmt::format("{:02x}:{};", number, gdb_read_register(machine_, stop_.cpu, number).value_or(""));
    return text;
}

void GdbSession::exited(int status) {
    if (state_ == State::Running) send(fmt::format("W{:02x}", status & 0xff));
}

}  // namespace orrery
