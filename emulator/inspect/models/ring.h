// The window "Ring": on which side of the border between user and kernel the CPU is, and what crossing it has
// just done (Intel SDM vol. 3A, 5.8.7 and 6.12).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/inspect/models/context.h"

namespace orrery {

// What a crossing changes.
struct RingState {
    unsigned cpl = 0;
    u64 rip = 0, rsp = 0, rcx = 0, r11 = 0, rax = 0, cr3 = 0;
};

// Follows a machine over the border: the CPU just before it crossed last. It only watches.
class LastCrossing {
  public:
    struct Crossing {
        unsigned cpu = 0;
        Moment moment;  // before the instruction, or the delivery, that crosses
        RingState before;
    };
    // The machine must outlive this.
    explicit LastCrossing(Machine& machine);
    ~LastCrossing();
    LastCrossing(const LastCrossing&) = delete;
    LastCrossing& operator=(const LastCrossing&) = delete;

    // The machine was put to another moment: what was before that is not known.
    void moved() { last_.reset(); }
    const std::optional<Crossing>& last() const { return last_; }

  private:
    Machine& machine_;
    std::optional<Crossing> last_;
    Observers::Id subscription_ = 0;
};

struct RingRow {
    std::string name;
    u64 before = 0;
    u64 now = 0;
};

struct RingModel {
    unsigned ring = 0;
    std::string mode;      // "64-bit"
    std::string activity;  // "running", "halted"
    std::string task;
    std::string location;  // "entry_SYSCALL_64"
    std::string source;
    std::string explanation;
    bool crossed = false;       // the CPU has just crossed: `before` is from before it did
    u64 crossed_at = 0;         // instruction count
    std::vector<RingRow> rows;  // where it has not crossed, before == now
};

RingModel ring_model(const ModelContext& context);
std::string to_text(const RingModel& model);
Json to_json(const RingModel& model);

}  // namespace orrery
