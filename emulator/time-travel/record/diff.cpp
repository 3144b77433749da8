#include "emulator/time-travel/record/diff.h"

#include <algorithm>
#include <cstring>

#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/state/register_file.h"
#include "emulator/isa/disassembler.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

namespace {

constexpr u64 kStretch = u64{1} << 22;  // instructions compared at once, at first
constexpr u64 kParts = 16;              // into so many a stretch that differs is cut
constexpr u64 kShort = 256;             // instructions: from here on one by one
constexpr u64 kHistory = u64{256} << 20;

bool same_input(const LoggedInput& a, const LoggedInput& b) {
    return a.moment == b.moment && a.device == b.device && a.data == b.data;
}

// One of the two runs.
class Side {
  public:
    explicit Side(ReplayMachine& replay)
        : machine_(replay.machine()), time_(machine_, {}, kHistory), run_(replay.recording().present) {
        end_ = end_of(replay.recording(), run_);
        time_.preload(replay.recording().inputs_of(run_), end_);
        time_.stop_at_end(true);
        machine_.observers().subscribe(kLoggedKinds, [this](const Event& event) { events.push_back(event); });
    }

    Machine& machine() { return machine_; }
    Moment end() const { return end_; }
    const std::vector<LoggedInput>& inputs() const { return time_.runs()[time_.run()].inputs; }

    // On to an instruction count, or to the end of the run.
    void advance(u64 instructions) {
        events.clear();
        if (instructions < end_.instructions) {
            RunLimits limits;
            limits.instructions = instructions;
            machine_.run(limits);
        } else {
            run_to_moment(machine_, end_);
        }
    }

    void back(u64 instructions) {
        time_.seek_instructions(instructions);
        events.clear();
    }

    // The parts that count.
    std::vector<ComponentHash> state() {
        std::vector<ComponentHash> parts;
        for (ComponentHash& part : machine_.component_hashes())
            if (part.name.starts_with("cpu") || part.name == "ram" ||
                part.name.find("video") != std::string::npos)
                parts.push_back(std::move(part));
        return parts;
    }

    // One instruction.
    DiffStep step() {
        DiffStep step;
        const Observers::Id id =
            machine_.observers().subscribe(Observers::bit(EventKind::Instruction), [&](const Event& event) {
                if (!step.instruction.empty()) return;
                step.cpu = event.cpu;
                step.rip = event.rip;
                step.cpl = event.cpl;
                step.instruction = disassemble(event);
            });
        advance(machine_.moment().instructions + 1);
        machine_.observers().unsubscribe(id);
        step.after = machine_.moment();
        return step;
    }

    std::vector<Event> events;

  private:
    std::string disassemble(const Event& event) {
        const Cpu& cpu = machine_.cpu(event.cpu);
        const CpuMode mode = mode_of(cpu.key);
        const u64 linear = mode == CpuMode::Bits64 ? event.rip : cpu.seg[1].base + event.rip;
        u8 bytes[kMaxInsnLength];
        const size_t count = machine_.peek(event.cpu, linear, bytes, sizeof bytes);
        return Disassembler(mode).one({bytes, count}, event.rip).text();
    }

    Machine& machine_;
    TimeMachine time_;
    unsigned run_;
    Moment end_;
};

class DiffSearch {
  public:
    DiffSearch(ReplayMachine& a, ReplayMachine& b) : a_(a), b_(b) {}

    RunsDifference run() {
        found_.end_a = a_.end();
        found_.end_b = b_.end();
        begin_ = a_.machine().moment().instructions;
        if (!same_state()) {
            found_.from_the_start = true;
            differing_components();
            find_event(begin_);
            return found_;
        }
        const u64 last = std::max(a_.end().instructions, b_.end().instructions);
        for (u64 at = begin_; at < last || at == begin_;) {
            const u64 to = std::min(at + kStretch, std::max(last, at + 1));
            if (!same_stretch(to)) {
                locate(at, to);
                return found_;
            }
            at = to;
        }
        found_.same = a_.end() == b_.end() && !next_input_differs();
        return found_;
    }

  private:
    bool same_state() { return a_.machine().moment() == b_.machine().moment() && a_.state() == b_.state(); }

    bool same_events() const {
        return std::equal(a_.events.begin(), a_.events.end(), b_.events.begin(), b_.events.end());
    }

    bool same_stretch(u64 to) {
        a_.advance(to);
        b_.advance(to);
        const bool same = same_events() && same_state();
        if (same && counting_) found_.events += a_.events.size();
        return same;
    }

    // The first event that differs among those collected.
    bool note_event() {
        if (same_events()) return false;
        const auto [a, b] =
            std::mismatch(a_.events.begin(), a_.events.end(), b_.events.begin(), b_.events.end());
        found_.events_differ = true;
        if (a != a_.events.end()) found_.event_a = *a;
        if (b != b_.events.end()) found_.event_b = *b;
        found_.events += static_cast<u64>(a - a_.events.begin());
        return true;
    }

    // Runs on until an event differs.
    void find_event(u64 at) {
        const u64 last = std::max(a_.end().instructions, b_.end().instructions);
        while (!note_event() && at < last) {
            found_.events += a_.events.size();
            at += kStretch;
            a_.advance(at);
            b_.advance(at);
        }
        next_input_differs();
    }

    // Inputs differ on their own: the event that follows from them comes later.
    bool next_input_differs() {
        const auto &a = a_.inputs(), &b = b_.inputs();
        const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end(), same_input);
        if (in_a != a.end()) found_.input_a = *in_a;
        if (in_b != b.end()) found_.input_b = *in_b;
        return found_.input_a || found_.input_b;
    }

    void both_back(u64 instructions) {
        a_.back(instructions);
        b_.back(instructions);
    }

    // The stretch from `from` to `to` is not the same; what is before is.
    void locate(u64 from, u64 to) {
        find_event(to);
        counting_ = false;
        while (to - from > kShort) {
            both_back(from);
            const u64 part = std::max<u64>((to - from) / kParts, 1);
            u64 at = from;
            while (at < to && same_stretch(std::min(at + part, to))) at = std::min(at + part, to);
            // Equal after all where they were not: nothing that could be named.
            if (at >= to) return;
            from = at;
            to = std::min(at + part, to);
        }
        both_back(from);
        for (u64 at = from; at < to; ++at) {
            const DiffStep step_a = a_.step(), step_b = b_.step();
            if (step_a.cpu == step_b.cpu && step_a.rip == step_b.rip && step_a.after == step_b.after &&
                step_a.instruction == step_b.instruction && same_events() && same_state())
                continue;
            found_.instructions = at;
            found_.step_a = step_a;
            found_.step_b = step_b;
            differing_registers();
            differing_components();
            return;
        }
    }

    void differing_registers() {
        const unsigned cpus = std::min(a_.machine().cpu_count(), b_.machine().cpu_count());
        for (unsigned i = 0; i < cpus; ++i) {
            for (u8 id = 0; id < static_cast<u8>(RegisterId::Count); ++id) {
                u8 a[kLargestRegister] = {}, b[kLargestRegister] = {};
                const auto which = static_cast<RegisterId>(id);
                read_register(a_.machine().cpu(i), which, a);
                read_register(b_.machine().cpu(i), which, b);
                if (std::memcmp(a, b, sizeof a) == 0) continue;
                RegisterDifference difference;
                difference.name = "cpu" + std::to_string(i) + "." + std::string(register_name(which));
                std::memcpy(&difference.a, a, sizeof difference.a);
                std::memcpy(&difference.b, b, sizeof difference.b);
                found_.registers.push_back(std::move(difference));
            }
        }
    }

    void differing_components() {
        const std::vector<ComponentHash> a = a_.state(), b = b_.state();
        for (const ComponentHash& part : a)
            if (std::find(b.begin(), b.end(), part) == b.end()) found_.components.push_back(part.name);
        for (const ComponentHash& part : b)
            if (std::none_of(a.begin(), a.end(),
                             [&](const ComponentHash& other) { return other.name == part.name; }))
                found_.components.push_back(part.name);
    }

    Side a_, b_;
    RunsDifference found_;
    u64 begin_ = 0;
    bool counting_ = true;
};

}  // namespace

RunsDifference find_difference(ReplayMachine& a, ReplayMachine& b) {
    return DiffSearch(a, b).run();
}

}  // namespace orrery
