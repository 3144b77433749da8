// The window "Source and disassembly": instructions around an address, with symbols and source lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct DisassemblyRow {
    u64 address = 0;
    std::vector<u8> bytes;
    std::string text;  // "mov rax, qword ptr [rdi + 8]"; "(bad)"; "(not mapped)" where no byte can be read
    std::string annotation;   // the symbol of a branch target or of a RIP-relative operand
    std::string label;        // the symbol that begins here, else empty
    std::string source;       // "file:line" where it differs from the row before
    std::string source_text;  // that line of the source file, if the file can be read
    bool current = false;     // RIP of the context's CPU
    u64 target = 0;           // of a direct branch or call; 0 if none
    bool is_call = false;
    bool is_return = false;
};

struct DisassemblyModel {
    u64 address = 0;    // asked for
    std::string where;  // "do_syscall_64+0x10"
    std::vector<DisassemblyRow> rows;
};

struct DisassemblyParameters {
    std::optional<u64> address;  // default: RIP
    std::optional<u64> cr3;      // page tables that it is meant by; none: the CPU's present ones
    unsigned before = 8;  // rows before the address (found by decoding from the symbol's begin, else none)
    unsigned after = 24;  // rows from the address on
    bool att_syntax = false;
};

DisassemblyModel disassembly_model(const ModelContext& context, const DisassemblyParameters& parameters);
std::string to_text(const DisassemblyModel& model);
Json to_json(const DisassemblyModel& model);

}  // namespace orrery
