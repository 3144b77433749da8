// What is at the other end of a network card's cable.
//
// Frames go out here at the moment that the guest sends them; a backend keeps them, and never answers from
// within send(). What comes back enters by Machine::input with the card's name, a frame at a time, and is
// logged there with its moment like every input. Frames are Ethernet's, from the destination address to the
// end of the data: no preamble, no check sequence.
#pragma once

#include <array>
#include <span>

#include "emulator/isa/types.h"

namespace orrery {

using MacAddress = std::array<u8, 6>;

class NetBackend {
  public:
    virtual ~NetBackend() = default;
    virtual void send(std::span<const u8> frame) = 0;
};

// A card to be made; without a backend its link is up, and what it sends goes nowhere.
struct NetConfig {
    bool present = true;
    MacAddress mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    NetBackend* backend = nullptr;
};

}  // namespace orrery
