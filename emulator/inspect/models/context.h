// What every model of a window is computed from: the machine at one moment, and what the debugger knows
// beside it.
//
// A model is a pure function of a context and its parameters: it changes nothing in the machine (memory is
// peeked), and its result is plain data that owns all it shows. So a model may be computed on the machine's
// thread at a safe point and be drawn on another.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "emulator/isa/types.h"

namespace orrery {

class Machine;
class DebugInfo;
class GuestOs;
const GuestOs& unknown_os();
class SyscallLog;
class TimeMachine;
class EventLog;
class LastCrossing;

// Key order is kept: it is the order of reading.
using Json = nlohmann::ordered_json;

struct ModelContext {
    Machine& machine;
    unsigned cpu = 0;                      // whose registers, tables and TLB are meant
    const GuestOs* os = &unknown_os();     // what runs in the guest; never null
    const SyscallLog* syscalls = nullptr;  // null where calls are not traced
    const std::string* console =
        nullptr;                        // everything the guest's console printed; null where it is not kept
    const TimeMachine* time = nullptr;  // null where the past is not kept
    const EventLog* events = nullptr;   // null where what happens is not kept
    const LastCrossing* crossing = nullptr;  // null where crossings are not followed
    TimeMachine* past = nullptr;             // to look through the past with; null where nobody may
    std::string source_root = {};  // where "guest-kernel/…" of the debug information lies; empty: no source

    // Of the guest's kernel; null where none is known.
    const DebugInfo* kernel() const;
};

// "0x00007fff12345678": the form of every 64-bit quantity in JSON and in the windows.
std::string hex64(u64 value);
// "0x1a2b": no leading zeros.
std::string hex(u64 value);
// "1,234,567".
std::string grouped(u64 value);
// Pads with blanks to `width` display columns (the text must be ASCII); longer text is left as it is.
std::string pad_right(std::string text, size_t width);
std::string pad_left(std::string text, size_t width);

// "do_syscall_64+0x1c" of a kernel address, "" where nothing is known.
std::string symbol_text(const ModelContext& context, u64 address);
// "4 KiB", "2 MiB", "17 B".
std::string size_text(u64 bytes);

// Lays out rows in aligned columns, two blanks apart, with a heading line. `right`: columns aligned to the
// right.
std::string table_text(const std::vector<std::string>& heading,
                       const std::vector<std::vector<std::string>>& rows,
                       const std::vector<bool>& right = {});

}  // namespace orrery
