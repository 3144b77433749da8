// A process's areas and the frames behind them.
#include "emulator/inspect/models/address_space.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/guestos/tasks/page_map.h"
#include "emulator/inspect/models/page_walk.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

struct Mapping {
    u64 linear = 0;
    u64 frame = 0;
    u64 size = 0;
    u64 entry = 0;
    bool writable = false;
};

// How many address spaces map each frame.
std::map<u64, unsigned> count_mappers(const ModelContext& context, const std::vector<TaskInfo>& tasks) {
    std::map<u64, unsigned> spaces;  // by CR3: threads share one
    for (const TaskInfo& task : tasks)
        if (task.cr3 != 0) spaces[task.cr3] = 1;
    std::map<u64, unsigned> mappers;
    for (const auto& [cr3, one] : spaces) {
        std::map<u64, bool> seen;  // a space may map a frame twice
        for_each_mapped_page(context.machine, context.cpu, cr3, 0, kUserEnd,
                             [&](u64 linear, const WalkResult& page) {
                                 const u64 size = u64{1} << page.page_shift;
                                 for (u64 at = 0; at < size; at += 4096)
                                     if (!std::exchange(seen[page.physical - linear % size + at], true))
                                         ++mappers[page.physical - linear % size + at];
                             });
    }
    return mappers;
}

void count_pages(const std::vector<Mapping>& mappings, const std::map<u64, unsigned>& mappers,
                 const AreaInfo& area, AddressSpaceRow& row) {
    const auto first =
        std::lower_bound(mappings.begin(), mappings.end(), area.start,
                         [](const Mapping& mapping, u64 start) { return mapping.linear < start; });
    for (auto at = first; at != mappings.end() && at->linear < area.end; ++at) {
        const u64 pages = at->size / 4096;
        row.mapped_pages += pages;
        if (at->writable) row.writable_pages += pages;
        if ((at->entry & pte::kDirty) != 0) row.dirty_pages += pages;
        if ((at->entry & pte::kAccessed) != 0) row.accessed_pages += pages;
        if (area.write && !area.shared && !at->writable) row.cow_pages += pages;
        for (u64 offset = 0; offset < at->size; offset += 4096) {
            const auto found = mappers.find(at->frame + offset);
            if (found != mappers.end() && found->second > 1) ++row.shared_frames;
        }
    }
}

void add_runs(const std::vector<Mapping>& mappings, const std::map<u64, unsigned>& mappers,
              std::vector<MappedRun>& runs) {
    for (const Mapping& mapping : mappings) {
        MappedRun run;
        run.linear = mapping.linear;
        run.physical = mapping.frame;
        run.pages = 1;
        run.page_size = mapping.size;
        run.flags = page_entry_flags(mapping.entry & ~pte::kPageSize, 1);
        const auto found = mappers.find(mapping.frame);
        if (found != mappers.end()) run.mappers = found->second;
        if (!runs.empty()) {
            MappedRun& last = runs.back();
            const u64 length = last.pages * last.page_size;
            if (last.linear + length == run.linear && last.physical + length == run.physical &&
                last.page_size == run.page_size && last.flags == run.flags && last.mappers == run.mappers) {
                ++last.pages;
                continue;
            }
        }
        runs.push_back(std::move(run));
    }
}

}  // namespace

AddressSpaceModel address_space_model(const ModelContext& context, const AddressSpaceParameters& parameters) {
    AddressSpaceModel model;
    model.pid = parameters.pid;
    const MachineMemory memory(context.machine, context.cpu);
    const std::vector<TaskInfo> tasks =
        context.os->tasks(memory, guest_cpus(context.machine), &model.problem);
    const auto task = std::find_if(tasks.begin(), tasks.end(),
                                   [&](const TaskInfo& info) { return info.pid == parameters.pid; });
    if (task == tasks.end()) {
        if (model.problem.empty()) model.problem = fmt::format("no task has pid {}", parameters.pid);
        return model;
    }
    model.comm = task->comm;
    model.cr3 = task->cr3;
    if (task->space == 0) {
        model.problem = fmt::format("{} (pid {}) has no address space of its own: it is {}", task->comm,
                                    task->pid, task->exited ? "a zombie" : "a kernel thread");
        return model;
    }
    std::vector<Mapping> mappings;
    model.page_table_pages =
        1 + for_each_mapped_page(context.machine, context.cpu, task->cr3, 0, kUserEnd,
                                 [&](u64 linear, const WalkResult& page) {
                                     const u64 size = u64{1} << page.page_shift;
                                     mappings.push_back({linear, page.physical & ~(size - 1), size,
                                                         page.last().entry, page.rights.writable});
                                     model.resident_pages += size / 4096;
                                 });
    const std::map<u64, unsigned> mappers = count_mappers(context, tasks);
    for (const AreaInfo& area : context.os->areas(memory, task->space, &model.problem)) {
        AddressSpaceRow row;
        row.start = area.start;
        row.end = area.end;
        row.permissions = fmt::format("{}{}{}{}", area.read ? 'r' : '-', area.write ? 'w' : '-',
                                      area.execute ? 'x' : '-', area.shared ? 's' : 'p');
        row.offset = area.offset;
        row.name = area.name;
        count_pages(mappings, mappers, area, row);
        model.total_bytes += area.end - area.start;
        model.rows.push_back(std::move(row));
    }
    if (parameters.pages) add_runs(mappings, mappers, model.runs);
    return model;
}

std::string to_text(const AddressSpaceModel& model) {
    if (model.rows.empty() && !model.problem.empty()) return model.problem + "\n";
    std::string text =
        fmt::format("address space of {} (pid {})  CR3 {}\n{} in areas, {} resident, {} page-table pages\n\n",
                    model.comm, model.pid, hex(model.cr3), size_text(model.total_bytes),
                    size_text(model.resident_pages * 4096), model.page_table_pages);
    std::vector<std::vector<std::string>> rows;
    for (const AddressSpaceRow& row : model.rows)
        rows.push_back({fmt::format("{:012x}-{:012x}", row.start, row.end), row.permissions,
                        fmt::format("{:#x}", row.offset), fmt::format("{}", (row.end - row.start) / 4096),
                        fmt::format("{}", row.mapped_pages), fmt::format("{}", row.dirty_pages),
                        fmt::format("{}", row.shared_frames), fmt::format("{}", row.cow_pages), row.name});
    text += table_text({"range", "prot", "offset", "pages", "resident", "dirty", "shared", "cow", "name"},
                       rows, {false, false, true, true, true, true, true, true});
    if (!model.runs.empty()) {
        rows.clear();
        for (const MappedRun& run : model.runs)
            rows.push_back({fmt::format("{:012x}", run.linear), fmt::format("{:#x}", run.physical),
                            fmt::format("{} x {}", run.pages, size_text(run.page_size)), run.flags,
                            run.mappers > 1 ? fmt::format("{} spaces", run.mappers) : ""});
        text += "\n" +
                table_text({"linear", "physical", "pages", "flags", "mapped by"}, rows, {false, true, true});
    }
    if (!model.problem.empty()) text += fmt::format("({})\n", model.problem);
    return text;
}

Json to_json(const AddressSpaceModel& model) {
    Json json;
    json["pid"] = model.pid;
    json["comm"] = model.comm;
    json["cr3"] = hex64(model.cr3);
    json["total_bytes"] = model.total_bytes;
    json["resident_pages"] = model.resident_pages;
    json["page_table_pages"] = model.page_table_pages;
    json["areas"] = Json::array();
    for (const AddressSpaceRow& row : model.rows)
        json["areas"].push_back({{"start", hex64(row.start)},
                                 {"end", hex64(row.end)},
                                 {"permissions", row.permissions},
                                 {"offset", row.offset},
                                 {"name", row.name},
                                 {"mapped_pages", row.mapped_pages},
                                 {"writable_pages", row.writable_pages},
                                 {"dirty_pages", row.dirty_pages},
                                 {"accessed_pages", row.accessed_pages},
                                 {"shared_frames", row.shared_frames},
                                 {"cow_pages", row.cow_pages}});
    if (!model.runs.empty()) {
        json["runs"] = Json::array();
        for (const MappedRun& run : model.runs)
            json["runs"].push_back({{"linear", hex64(run.linear)},
                                    {"physical", hex64(run.physical)},
                                    {"pages", run.pages},
                                    {"page_size", run.page_size},
                                    {"flags", run.flags},
                                    {"mappers", run.mappers}});
    }
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
