// What the guest kernel's system calls are and what their arguments mean: guest-kernel/syscall/table.def,
// parsed. The notation is documented at the head of that file; it is the one table, and nothing is added to
// it here. Which of them 32-bit programs have, and by which numbers, says table_ia32.def beside it.
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

enum class ArgumentKind : u8 {
    Int,
    Uint,
    Long,
    Ulong,
    Hex,
    Octal,
    Size,
    Offset,
    Pid,
    Fd,
    DirFd,
    Uid,
    Gid,
    Clock,
    Signal,
    Address,
    Path,       // a C string, shown whole
    String,     // a C string, cut at 32 bytes as strace does
    Strings,    // a null-terminated array of strings
    Bytes,      // `extent` bytes, direction by `out`
    Structure,  // `word` names it
    Flags,
    Enumeration,  // `word` names the set
    Unknown,
};

struct SyscallArgument {
    std::string name;
    ArgumentKind kind = ArgumentKind::Unknown;
    std::string word;    // structure or set
    std::string extent;  // "ret", a number, or another argument's name
    bool in = true;      // known at entry
    bool out = false;    // filled by the call
};

enum class ResultKind : u8 { Signed, Address, Hex, Octal };

struct SyscallSpec {
    int number = 0;
    std::string name;
    std::vector<SyscallArgument> arguments;
    ResultKind result = ResultKind::Signed;
    bool complete =
        true;  // false: the row's argument text could not be understood (a test keeps this from happening)
};

// By which instruction a program calls: SYSCALL, or INT 0x80 with i386's numbers and layouts.
enum class CallAbi : u8 { Native, Ia32 };

// The row with this number, nullptr if the kernel has no such call. Of 32-bit calls only what their handlers' rows in
// table.def say of scalars and strings is known; structures are addresses.
const SyscallSpec* syscall_spec(u64 number, CallAbi abi = CallAbi::Native);
const std::vector<SyscallSpec>& syscall_specs(CallAbi abi = CallAbi::Native);

// For tests: one row's text of arguments.
SyscallSpec parse_syscall(int number, const std::string& name, const std::string& arguments);

}  // namespace orrery
