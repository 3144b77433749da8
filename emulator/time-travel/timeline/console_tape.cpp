#include "emulator/time-travel/timeline/console_tape.h"

#include <algorithm>

namespace orrery {

void ConsoleTape::write(std::span<const u8> data) {
    // What was printed before is printed again on the way forwards from the past.
    const size_t known = std::min(data.size(), all_.size() - position_);
    position_ += data.size();
    if (known == data.size()) return;
    const std::span<const u8> fresh = data.subspan(known);
    all_.append(fresh.begin(), fresh.end());
    if (next_ != nullptr) next_->write(fresh);
}

void ConsoleTape::rewind(size_t position) {
    position_ = std::min(position, all_.size());
}

void ConsoleTape::cut() {
    all_.resize(position_);
}

}  // namespace orrery
