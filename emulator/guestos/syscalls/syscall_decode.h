// One system call in strace's words: its arguments, as they become known, and its result.
//
// What goes in is read at the entry, before the call can change it; what comes out, at the return. An
// argument in memory that is not mapped yet at the entry is tried again at the return; if it still cannot be
// read, its address is shown.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/guestos/types/guest_memory.h"

namespace orrery {

struct DecodedCall {
    u64 number = 0;
    CallAbi abi = CallAbi::Native;
    std::array<u64, 6> arguments{};
    std::string name;
    const SyscallSpec* spec = nullptr;              // null: the kernel has no such call
    std::vector<std::optional<std::string>> texts;  // of the arguments that are shown; empty: not known yet
};

// At the entry. `arguments`: RDI RSI RDX R10 R8 R9, or of a 32-bit call EBX ECX EDX ESI EDI EBP.
DecodedCall decode_entry(const GuestMemory& memory, u64 number, const std::array<u64, 6>& arguments,
                         CallAbi abi = CallAbi::Native);

// At the return: fills in what was open. `result` is RAX.
void decode_return(const GuestMemory& memory, DecodedCall& call, i64 result);

// "read(0, ": the name and the arguments up to the first that is not known.
std::string call_beginning(const DecodedCall& call);
// "read(0, \"x\", 1)"; arguments still not known are left out from the first on, with "...".
std::string call_text(const DecodedCall& call);
// "read(0, ...)": the same of a call that has not returned.
std::string open_call_text(const DecodedCall& call);
// What follows call_beginning(call at its entry) in call_text(call at its return).
std::string call_rest(const DecodedCall& at_entry, const DecodedCall& at_return);

// "3", "-1 ENOENT (No such file or directory)", "0x7f…", "1 ([{fd=0, revents=POLLIN}])".
std::string result_text(const GuestMemory& memory, const DecodedCall& call, i64 result);
// Results from -4095 to -1 are error numbers, negated.
inline bool is_error(i64 result) {
    return result < 0 && result >= -4095;
}

// The name of a call by number, also of those that the kernel does not have.
std::string syscall_name(u64 number, CallAbi abi = CallAbi::Native);
// The inverse; nothing if no call is called so.
std::optional<u64> syscall_number(const std::string& name);

}  // namespace orrery
