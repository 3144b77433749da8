// What a guest has printed, as it depends on the moment: going back rewinds the tape, and what is printed
// again on the way forwards is not handed on a second time.
#pragma once

#include <string>
#include <string_view>

#include "emulator/core/bus/device.h"

namespace orrery {

class ConsoleTape : public OutputSink {
  public:
    // `next` gets what is printed for the first time; null: nobody.
    explicit ConsoleTape(OutputSink* next = nullptr) : next_(next) {}

    void write(std::span<const u8> data) override;

    // What was printed up to the present moment, and that in bytes.
    std::string_view text() const { return std::string_view(all_).substr(0, position_); }
    size_t position() const { return position_; }
    // Back (or on) to a position reached before.
    void rewind(size_t position);
    // What lies behind the position belongs to another line of time: forgets it.
    void cut();

  private:
    OutputSink* next_;
    std::string all_;
    size_t position_ = 0;
};

}  // namespace orrery
