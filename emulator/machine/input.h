// An input from outside, as it entered the machine: all that a run needs to be computed again, beside its
// images, configuration and seed.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/observe/events.h"

namespace orrery {

struct LoggedInput {
    Moment moment;
    u8 cpu = 0;          // whose turn it was
    std::string device;  // a device's name, or what Machine::input() knows besides: kMemoryInput, kCpuInput,
                         // kRestartInput
    std::vector<u8> data;
};

// A debugger's write to physical memory (RAM): 8 bytes of address, little-endian, then the bytes.
inline constexpr const char* kMemoryInput = "memory";
// A debugger's write to a register: a byte with the CPU, then a RegisterId's byte
// (emulator/core/cpu/state/register_file.h), then the value, little-endian.
inline constexpr const char* kRegisterInput = "register";
// A reset by whoever runs the machine, after the guest has asked for one: boots the images again. No data.
inline constexpr const char* kRestartInput = "restart";

}  // namespace orrery
