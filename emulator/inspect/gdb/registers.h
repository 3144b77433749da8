// The registers as gdb numbers them, and the target description that tells it so: one for every mode of the
// CPU (GDB manual, appendix G, "Target Descriptions", "i386 Features").
//
// gdb takes a description only where its architecture is that of the program it has been given. A guest whose kernel is
// a 32-bit ELF is debugged with that file, or, if it is the wrapping of a 64-bit kernel, with the inner one; so its
// description names no architecture, and has both the 64-bit registers and, as registers of their own, their lower
// halves.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/cpu/state/register_file.h"

namespace orrery {

struct GdbRegister {
    RegisterId id;
    size_t size;  // bytes that gdb sees: the register's own, or its lowest 4
    std::string name;
};

struct GdbLayout {
    // In the order of gdb's numbers: the features i386.core, .sse and .segments, one of our own with control and debug
    // registers, i386.avx where the CPU has AVX, and the lower halves where there are any.
    std::vector<GdbRegister> registers;
    std::string description;  // target.xml
};

const GdbLayout& gdb_layout(const CpuFeatures& features, bool kernel_is_32_bit);

}  // namespace orrery
