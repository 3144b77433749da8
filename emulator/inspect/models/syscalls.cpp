// The log of system calls as rows.
#include "emulator/inspect/models/syscalls.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "emulator/guestos/syscalls/strace_writer.h"
#include "emulator/guestos/syscalls/syscall_log.h"
#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {
namespace {

SyscallRow row_of(const SyscallRecord& record, bool finished) {
    SyscallRow row;
    row.id = record.id;
    row.pid = record.pid;
    row.comm = record.comm;
    row.begin_instructions = record.begin.instructions;
    row.begin_ticks = record.begin.ticks;
    row.finished = finished;
    row.is_note = record.kind == SyscallRecord::Kind::Note;
    if (row.is_note) {
        row.call = record.note;
        return row;
    }
    row.name = record.call.name;
    row.call = finished ? call_text(record.call) : open_call_text(record.entry);
    if (!finished) return row;
    row.ticks = record.end.ticks - record.begin.ticks;
    row.result = record.result_text;
    row.failed = record.failed;
    row.page_walks = record.page_walks;
    row.page_faults = record.page_faults;
    return row;
}

std::vector<SyscallSummaryRow> summary_of(const SyscallLog& log) {
    std::vector<SyscallSummaryRow> rows;
    u64 all = 0;
    for (const auto& [name, totals] : log.totals()) all += totals.cpu_ticks;
    for (const auto& [name, totals] : log.totals()) {
        SyscallSummaryRow row;
        row.name = name;
        row.calls = totals.calls;
        row.errors = totals.errors;
        row.seconds = static_cast<double>(totals.cpu_ticks) / 1e9;
        row.percent = all == 0 ? 0 : 100.0 * static_cast<double>(totals.cpu_ticks) / static_cast<double>(all);
        row.usecs_per_call = totals.calls == 0 ? 0 : totals.cpu_ticks / totals.calls / 1000;
        rows.push_back(std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
    return rows;
}

}  // namespace

SyscallsModel syscalls_model(const ModelContext& context, const SyscallsParameters& parameters) {
    SyscallsModel model;
    if (context.syscalls == nullptr) {
        model.problem = "system calls were not traced";
        return model;
    }
    model.dropped = context.syscalls->dropped();
    if (parameters.pid && context.kernel() != nullptr && !context.os->tells_who_runs()) {
        model.problem = context.os->problem();
        return model;
    }
    model.summary = summary_of(*context.syscalls);
    const SyscallRange records = context.syscalls->records();
    for (auto at = records.rbegin(); at != records.rend(); ++at) {
        const SyscallRecord& record = *at;
        if (parameters.pid && record.pid != *parameters.pid) continue;
        // With a filter the rest would have to be put into words to be counted.
        if (model.rows.size() >= parameters.limit && !parameters.filter.empty()) break;
        if (model.rows.size() >= parameters.limit) {
            ++model.left_out;
            continue;
        }
        SyscallRow row = row_of(record, context.syscalls->finished(record));
        if (!parameters.filter.empty() && row.call.find(parameters.filter) == std::string::npos) continue;
        model.rows.push_back(std::move(row));
    }
    std::reverse(model.rows.begin(), model.rows.end());
    return model;
}

std::string to_text(const SyscallsModel& model) {
    if (!model.problem.empty()) return model.problem + "\n";
    std::string text;
    if (model.dropped != 0) text += fmt::format("({} older ones are no longer held)\n", model.dropped);
    if (model.left_out != 0) text += fmt::format("({} older ones are not shown)\n", model.left_out);
    for (const SyscallRow& row : model.rows) {
        const std::string line = row.is_note    ? row.call
                                 : row.finished ? with_result(row.call, row.result)
                                                : row.call + " <unfinished ...>";
        text += fmt::format("{:>12}  {:>5} {:<15}  {}\n", grouped(row.begin_instructions),
                            row.pid != 0 ? fmt::format("{}", row.pid) : "-", row.comm, line);
    }
    return text;
}

std::string summary_text(const SyscallsModel& model) {
    std::vector<std::vector<std::string>> rows;
    for (const SyscallSummaryRow& row : model.summary)
        rows.push_back({fmt::format("{:.2f}", row.percent), fmt::format("{:.6f}", row.seconds),
                        fmt::format("{}", row.usecs_per_call), fmt::format("{}", row.calls),
                        row.errors == 0 ? "" : fmt::format("{}", row.errors), row.name});
    return table_text({"% time", "seconds", "usecs/call", "calls", "errors", "syscall"}, rows,
                      {true, true, true, true, true, false});
}

Json to_json(const SyscallsModel& model) {
    Json json;
    json["dropped"] = model.dropped;
    json["calls"] = Json::array();
    for (const SyscallRow& row : model.rows) {
        Json entry = {{"id", row.id},
                      {"pid", row.pid != 0 ? Json(row.pid) : Json()},
                      {"comm", row.comm},
                      {"instructions", row.begin_instructions},
                      {"begin_ticks", row.begin_ticks},
                      {"text", row.call}};
        if (!row.is_note) {
            entry["name"] = row.name;
            entry["finished"] = row.finished;
            entry["end_ticks"] = row.ticks ? Json(row.begin_ticks + *row.ticks) : Json();
            entry["result"] = row.result;
            entry["failed"] = row.failed;
            entry["page_walks"] = row.page_walks;
            entry["page_faults"] = row.page_faults;
        }
        json["calls"].push_back(std::move(entry));
    }
    json["summary"] = Json::array();
    for (const SyscallSummaryRow& row : model.summary)
        json["summary"].push_back({{"name", row.name},
                                   {"calls", row.calls},
                                   {"errors", row.errors},
                                   {"seconds", row.seconds},
                                   {"percent", row.percent}});
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
