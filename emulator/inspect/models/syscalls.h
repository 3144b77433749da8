// The window "System calls": strace's text for every task, with moments; and its summary.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct SyscallRow {
    u64 id = 0;   // counts up from 1 over the run
    int pid = 0;  // 0: not known
    std::string comm;
    u64 begin_instructions = 0;
    u64 begin_ticks = 0;
    std::optional<u64> ticks;  // from entry to return; nothing takes time in a note or an unfinished call
    bool finished = false;
    std::string name;  // "write"
    std::string
        call;  // "write(1, \"hi\\n\", 3)"; "read(0, ...)" of an unfinished call, as far as it is known
    std::string result;  // "3", "-1 ENOENT (No such file or directory)", "?"; empty while unfinished
    bool failed = false;
    bool is_note = false;  // "--- SIGCHLD {…} ---", "+++ exited with 0 +++": the text is in `call`
    u64 page_walks = 0;
    u64 page_faults = 0;
};

struct SyscallSummaryRow {
    std::string name;
    u64 calls = 0;
    u64 errors = 0;
    double seconds = 0;  // virtual
    double percent = 0;  // of all seconds
    u64 usecs_per_call = 0;
};

struct SyscallsModel {
    std::vector<SyscallRow> rows;            // oldest first
    u64 dropped = 0;                         // older rows that the log no longer holds
    u64 left_out = 0;                        // older rows that are held, beyond the limit
    std::vector<SyscallSummaryRow> summary;  // by time, most first
    std::string problem;
};

struct SyscallsParameters {
    std::optional<int> pid;  // only this task
    std::string filter;      // only calls whose text contains it
    size_t limit = 500;      // the newest so many
};

SyscallsModel syscalls_model(const ModelContext& context, const SyscallsParameters& parameters = {});
std::string to_text(const SyscallsModel& model);
Json to_json(const SyscallsModel& model);
// The table that strace -c prints.
std::string summary_text(const SyscallsModel& model);

}  // namespace orrery
