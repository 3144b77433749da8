// The registers as gdb numbers them, and the target description that tells it so: one for every mode of the
// CPU (GDB manual, appendix G, "Target Descriptions", "i386 Features").
#pragma once

#include <span>
#include <string>

#include "emulator/core/cpu/state/register_file.h"

namespace orrery {

// In the order of gdb's numbers: the features i386.core, .sse and .segments, one of our own with control and
// debug registers, and i386.avx where the CPU has AVX.
std::span<const RegisterId> gdb_registers(const CpuFeatures& features);

// target.xml.
const std::string& gdb_target_description(const CpuFeatures& features);

}  // namespace orrery
