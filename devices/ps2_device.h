// What a PS/2 keyboard and mouse have in common: bytes on their way to the host, and commands that wait for
// arguments (IBM PS/2 Technical Reference, 1987; the keyboard's and the mouse's chapters).
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

class Ps2Device {
  public:
    static constexpr size_t kQueueLimit = 256;
    static constexpr u8 kAck = 0xfa, kResend = 0xfe, kSelfTestPassed = 0xaa;

    virtual ~Ps2Device() = default;

    // A byte from the host.
    virtual void receive(u8 byte) = 0;

    bool waiting() const { return !queue_.empty(); }
    // The next byte for the host; to be called while waiting().
    u8 take();
    void visit_queue(Archive& archive);

  protected:
    // Whether the bytes found room: a device whose buffer is full loses what happens.
    bool send(std::span<const u8> bytes);
    bool send(std::initializer_list<u8> bytes) {
        return send(std::span<const u8>(bytes.begin(), bytes.size()));
    }
    void clear_queue() { queue_.clear(); }
    // What take() gave last: the host may want it again.
    u8 last() const { return last_; }

  private:
    std::vector<u8> queue_;
    u8 last_ = 0;
};

}  // namespace orrery
