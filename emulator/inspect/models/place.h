// An address together with the page tables by which it is meant: a task's address means nothing in another's.
#pragma once

#include <optional>
#include <string>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct Place {
    u64 address = 0;
    std::optional<u64> cr3;  // none: the CPU's present tables
    std::string task;        // whose these are: "init (pid 1)"; empty: the CPU's
};

// `text` as parse_address() takes it; `pid`: the task whose address it is, none: whatever the CPU runs. What
// the CPU's registers hold is the CPU's in any case, and a kernel thread has no tables of its own. Throws
// ShowError as parse_address() does, and "no task has pid 77".
Place parse_place(const ModelContext& context, const std::string& text, std::optional<int> pid);

}  // namespace orrery
