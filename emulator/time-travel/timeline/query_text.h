// A query as somebody types it: a kind of happening, then which of them.
//
//   crossing                                 between user and kernel
//   syscall [name=write] [pid=7]             the entry of a system call; number=1 is the same
//   return [name=…] [result=-2] [pid=…]      of one to its program
//   page-fault [address=0x…] [pid=…]
//   interrupt [vector=0x20]
//   switch [pid=…]                           to another task
//   device [name=uart16550.0] [address=0x3f8]
//   write|read|access PLACE [size=8] [physical=1]
//   code PLACE
//
// PLACE is an address or a symbol, as for a breakpoint. Each also takes [cpu=1]: on this CPU alone.
#pragma once

#include <string>
#include <vector>

#include "emulator/time-travel/timeline/probe.h"

namespace orrery {

class DebugInfo;

// `words`: split at blanks. Throws QueryError: no such kind, key, name or place.
Query parse_query(const std::vector<std::string>& words, const DebugInfo* kernel);

// Whether a query begins with this word.
bool is_query_word(const std::string& word);

// "CPU 0 at 0xffffffff81001234, instruction 12345": where a match was.
std::string match_text(const Event& match);

}  // namespace orrery
