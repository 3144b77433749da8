// When a machine's next frame is due: at once where something has happened that one looks at, seldom where an
// idle guest has only ticked, never where nothing has changed.
#pragma once

#include <algorithm>
#include <chrono>

#include "emulator/isa/types.h"

namespace orrery {

enum class News : u8 {
    None,
    Little,  // a guest that waits for input has counted its timer's ticks
    Much,
};

class FrameTimer {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds kIdlePeriod{1};

    explicit FrameTimer(Time now) : published_(now) {}

    void note(News news) { news_ = std::max(news_, news); }
    bool due(Time now) const {
        return news_ == News::Much || (news_ == News::Little && now >= published_ + kIdlePeriod);
    }
    void published(Time now) {
        published_ = now;
        news_ = News::None;
    }

  private:
    News news_ = News::None;
    Time published_;
};

}  // namespace orrery
