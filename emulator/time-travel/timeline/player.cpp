#include "emulator/time-travel/timeline/player.h"

namespace orrery {

Player::Player(Machine& machine, const std::vector<LoggedInput>& inputs)
    : machine_(machine), inputs_(&inputs) {
    machine_.add_companion(this);
}

Player::~Player() {
    machine_.remove_companion(this);
}

void Player::set(const std::vector<LoggedInput>& inputs, size_t index) {
    inputs_ = &inputs;
    played_ = index;
}

// First to the instruction count, then, where the CPUs were halted, on to the time.
Companion::Waypoint Player::next() const {
    if (played_ >= inputs_->size()) return {};
    const Moment& moment = (*inputs_)[played_].moment;
    if (machine_.moment().instructions < moment.instructions) return {moment.instructions, ~u64{0}};
    return {~u64{0}, moment.ticks};
}

void Player::reached() {
    while (played_ < inputs_->size() && (*inputs_)[played_].moment <= machine_.moment())
        machine_.play((*inputs_)[played_++]);
}

}  // namespace orrery
