// Bytes for the gdb stub, on a machine in 64-bit mode that loops. Each packet that it takes is answered,
// memory stays bounded, and a run stays within its budget.
//
// The first byte says how packets are made: plain bytes, or payloads that are framed here so that they arrive
// whole.
#include "emulator/inspect/gdb/session.h"
#include "tests/fuzz/target.h"
#include "tests/unit/models/small_machine.h"

namespace orrery::fuzz {

namespace {

constexpr u64 kBudget = 2000;       // instructions
constexpr unsigned kMostRuns = 40;  // going back costs time

class Player {
  public:
    Player() : time_(small_.machine), session_({time_, [this] { return small_.context(); }, false}) {}

    void give(std::span<const u8> bytes) {
        session_.receive(bytes);
        while (session_.state() == GdbSession::State::Running && runs_ < kMostRuns) {
            bool over = false;
            session_.run({small_.machine.moment().instructions + 200, kNever}, kBudget, over);
            ++runs_;
            if (over) break;
        }
        require(small_.machine.moment().instructions <= time_.end().instructions, "the present is known");
        check_output();
    }
    bool over() const {
        return session_.state() != GdbSession::State::Stopped ||
               small_.machine.moment().instructions > 100'000;
    }

  private:
    // What is sent are acknowledgements and whole packets.
    void check_output() {
        GdbPackets packets;
        bool between = true;
        for (const char c : session_.output()) {
            if (c == '$') between = false;
            if (auto item = packets.take(static_cast<u8>(c))) {
                require(item->kind != GdbPackets::Kind::Interrupt, "no interrupt is sent");
                require(item->kind != GdbPackets::Kind::Damaged, "packets are whole and short enough");
                between = true;
            }
        }
        require(between, "the last packet is whole");
        session_.output().clear();
    }

    test::SmallMachine small_;
    TimeMachine time_;
    GdbSession session_;
    unsigned runs_ = 0;
};

void run(std::span<const u8> data) {
    Player player;
    Input input(data);
    const bool framed = (input.take<u8>() & 1) != 0;
    if (!framed) return player.give(input.rest());
    while (!input.done() && !player.over()) {
        const size_t size = input.take<u8>();
        const std::span<const u8> payload = input.take_bytes(size);
        const std::string frame = gdb_frame({reinterpret_cast<const char*>(payload.data()), payload.size()});
        player.give({reinterpret_cast<const u8*>(frame.data()), frame.size()});
    }
}

const Target target("gdb", run);

}  // namespace

}  // namespace orrery::fuzz
