// strace's line format and its summary table (strace(1), "-c").
#include "emulator/guestos/syscalls/strace_writer.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace orrery {

std::string with_result(const std::string& text, const std::string& result) {
    return fmt::format("{:<40}= {}", text + " ", result);
}

// A task whose pid is not known has its address space for a name.
std::string StraceWriter::prefix(const SyscallRecord& record) const {
    if (alive_.size() <= 1) return "";
    return record.pid != 0 ? fmt::format("[pid {:5}] ", record.pid) : fmt::format("[cr3 {:x}] ", record.task);
}

void StraceWriter::interrupt() {
    if (open_ == 0) return;
    write_(line_ + " <unfinished ...>\n");
    open_ = 0;
}

void StraceWriter::entered(const SyscallRecord& record) {
    interrupt();
    alive_.insert(record.task);
    line_ = prefix(record) + call_beginning(record.entry);
    open_ = record.id;
}

void StraceWriter::finished(const SyscallRecord& record) {
    if (open_ == record.id) {
        line_ += call_rest(record.entry, record.call);
    } else {
        interrupt();
        line_ = fmt::format("{}<... {} resumed>{}", prefix(record), record.call.name,
                            call_rest(record.entry, record.call));
    }
    open_ = 0;
    write_(with_result(line_, record.result_text) + "\n");
    // A new task is one of those shown from here on, though it may not have run yet.
    const std::string& name = record.call.name;
    if (record.pid != 0 && record.result > 0 &&
        (name == "clone" || name == "clone3" || name == "fork" || name == "vfork"))
        alive_.insert(static_cast<u64>(record.result));
}

void StraceWriter::noted(const SyscallRecord& record) {
    interrupt();
    write_(prefix(record) + record.note + "\n");
    if (record.note.rfind("+++", 0) == 0) alive_.erase(record.task);
}

void StraceWriter::finish() {
    interrupt();
}

std::string strace_summary(const std::map<std::string, SyscallTotals>& totals) {
    std::vector<std::pair<std::string, SyscallTotals>> rows(totals.begin(), totals.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.second.cpu_ticks > b.second.cpu_ticks; });
    SyscallTotals sum;
    for (const auto& [name, row] : rows) {
        sum.calls += row.calls;
        sum.errors += row.errors;
        sum.cpu_ticks += row.cpu_ticks;
    }
    std::string text =
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n";
    const auto line = [](double percent, const SyscallTotals& row, const std::string& name) {
        return fmt::format("{:6.2f} {:11.6f} {:11} {:9} {:>9} {}\n", percent,
                           static_cast<double>(row.cpu_ticks) / 1e9,
                           row.calls == 0 ? 0 : row.cpu_ticks / row.calls / 1000, row.calls,
                           row.errors == 0 ? "" : fmt::format("{}", row.errors), name);
    };
    for (const auto& [name, row] : rows)
        text += line(sum.cpu_ticks == 0
                         ? 0.0
                         : 100.0 * static_cast<double>(row.cpu_ticks) / static_cast<double>(sum.cpu_ticks),
                     row, name);
    text += "------ ----------- ----------- --------- --------- ----------------\n";
    return text + line(100.0, sum, "total");
}

}  // namespace orrery
