// The floating-point part of the window "Registers": x87 (Intel SDM vol. 1, chapter 8) and SSE (chapter 10).
#pragma once

#include "emulator/core/cpu/state/cpu.h"
#include "emulator/inspect/models/registers.h"

namespace orrery {

void add_float_registers(const Cpu& cpu, RegistersModel& model);

}  // namespace orrery
