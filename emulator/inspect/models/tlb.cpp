// The modelled TLB's contents and counters.
#include "emulator/inspect/models/tlb.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "emulator/machine/machine.h"

namespace orrery {
namespace {

double rate(u64 hits, u64 lookups) {
    return lookups == 0 ? 0 : static_cast<double>(std::min(hits, lookups)) / static_cast<double>(lookups);
}

// Does the entry say something else than the tables do now? Only of entries that the present CR3 would use.
bool is_stale(const ModelContext& context, const Cpu& cpu, const TlbEntry& entry) {
    if (!entry.global && entry.pcid != cpu.pcid()) return false;
    if (!cpu.paging().paging()) return false;
    const WalkResult now = context.machine.translate(context.cpu, entry.page << entry.page_shift);
    return !now.ok || now.physical != entry.frame || now.rights.writable != entry.writable ||
           now.rights.user != entry.user || now.rights.executable != entry.executable;
}

TlbCell cell_of(const ModelContext& context, const Cpu& cpu, const TlbEntry& entry) {
    TlbCell cell;
    cell.linear = entry.page << entry.page_shift;
    cell.physical = entry.frame;
    cell.page_size = u64{1} << entry.page_shift;
    cell.pcid = entry.pcid;
    cell.global = entry.global;
    cell.writable = entry.writable;
    cell.user = entry.user;
    cell.executable = entry.executable;
    cell.dirty = entry.dirty;
    cell.recent = entry.recent;
    cell.filled_at = entry.filled_at;
    cell.age = cpu.instructions() - std::min(entry.filled_at, cpu.instructions());
    cell.symbol = symbol_text(context, cell.linear);
    cell.stale = is_stale(context, cpu, entry);
    return cell;
}

std::string flags_text(const TlbCell& cell) {
    std::string text = cell.user ? "user" : "kernel";
    text += cell.writable ? " rw" : " r-";
    text += cell.executable ? "x" : "-";
    if (cell.dirty) text += " dirty";
    if (cell.global) text += " global";
    if (cell.stale) text += " STALE";
    return text;
}

}  // namespace

TlbModel tlb_model(const ModelContext& context, const TlbParameters& parameters) {
    const Cpu& cpu = context.machine.cpu(context.cpu);
    const TlbCounters& counters = cpu.tlb.counters;
    TlbModel model;
    model.data_lookups = cpu.accesses;
    model.instruction_lookups = cpu.instructions() + cpu.code_crossings;
    model.l1d_misses = counters.l1d_misses;
    model.l1i_misses = counters.l1i_misses;
    model.l2_hits = counters.l2_hits;
    model.walks = counters.l2_misses;
    model.walk_steps = counters.walk_steps;
    model.invalidations = counters.invalidations;
    model.l1d_hit_rate =
        rate(model.data_lookups - std::min(model.data_lookups, model.l1d_misses), model.data_lookups);
    model.l2_hit_rate = rate(model.l2_hits, model.l2_hits + model.walks);
    for (unsigned i = 0; i < Tlb::kArrays; ++i) {
        const TlbArray& array = cpu.tlb.array(i);
        TlbArrayModel rows;
        rows.name = Tlb::array_name(i);
        rows.sets = array.sets();
        rows.ways = array.ways();
        for (size_t at = 0; at < array.entries().size(); ++at) {
            const TlbEntry& entry = array.entries()[at];
            if (!entry.valid()) continue;
            ++rows.used;
            if (!parameters.entries) continue;
            TlbCell cell = cell_of(context, cpu, entry);
            cell.set = static_cast<unsigned>(at / array.ways());
            cell.way = static_cast<unsigned>(at % array.ways());
            rows.cells.push_back(std::move(cell));
        }
        model.arrays.push_back(std::move(rows));
    }
    return model;
}

std::string to_text(const TlbModel& model) {
    std::string text = fmt::format(
        "L1 data   {} look-ups, {} misses, {:.3f}% hits\nL1 code   {} look-ups, {} misses, {:.3f}% hits\n"
        "L2        {} hits, {} misses (page walks), {:.3f}% hits\nwalks     {} entries read, {:.2f} per "
        "walk\n"
        "dropped   {} entries by invalidation\n",
        grouped(model.data_lookups), grouped(model.l1d_misses), 100 * model.l1d_hit_rate,
        grouped(model.instruction_lookups), grouped(model.l1i_misses),
        100 * rate(model.instruction_lookups - std::min(model.instruction_lookups, model.l1i_misses),
                   model.instruction_lookups),
        grouped(model.l2_hits), grouped(model.walks), 100 * model.l2_hit_rate, grouped(model.walk_steps),
        model.walks == 0 ? 0.0 : static_cast<double>(model.walk_steps) / static_cast<double>(model.walks),
        grouped(model.invalidations));
    for (const TlbArrayModel& array : model.arrays) {
        text += fmt::format("\n{}: {} sets x {} ways, {} of {} in use\n", array.name, array.sets, array.ways,
                            array.used, array.sets * array.ways);
        if (array.cells.empty()) continue;
        std::vector<std::vector<std::string>> rows;
        for (const TlbCell& cell : array.cells)
            rows.push_back({fmt::format("{}", cell.set), fmt::format("{}", cell.way), hex64(cell.linear),
                            hex(cell.physical), size_text(cell.page_size), fmt::format("{}", cell.pcid),
                            flags_text(cell), cell.recent ? "*" : "", grouped(cell.age), cell.symbol});
        text += table_text(
            {"set", "way", "linear", "physical", "page", "pcid", "rights", "used", "age", "symbol"}, rows,
            {true, true, false, true, true, true, false, false, true});
    }
    return text;
}

Json to_json(const TlbModel& model) {
    Json json;
    json["data_lookups"] = model.data_lookups;
    json["instruction_lookups"] = model.instruction_lookups;
    json["l1d_misses"] = model.l1d_misses;
    json["l1i_misses"] = model.l1i_misses;
    json["l2_hits"] = model.l2_hits;
    json["walks"] = model.walks;
    json["walk_steps"] = model.walk_steps;
    json["invalidations"] = model.invalidations;
    json["l1d_hit_rate"] = model.l1d_hit_rate;
    json["l2_hit_rate"] = model.l2_hit_rate;
    json["arrays"] = Json::array();
    for (const TlbArrayModel& array : model.arrays) {
        Json rows = Json::array();
        for (const TlbCell& cell : array.cells)
            rows.push_back({{"set", cell.set},
                            {"way", cell.way},
                            {"linear", hex64(cell.linear)},
                            {"physical", hex64(cell.physical)},
                            {"page_size", cell.page_size},
                            {"pcid", cell.pcid},
                            {"global", cell.global},
                            {"writable", cell.writable},
                            {"user", cell.user},
                            {"executable", cell.executable},
                            {"dirty", cell.dirty},
                            {"recent", cell.recent},
                            {"filled_at", cell.filled_at},
                            {"stale", cell.stale},
                            {"symbol", cell.symbol}});
        json["arrays"].push_back({{"name", array.name},
                                  {"sets", array.sets},
                                  {"ways", array.ways},
                                  {"used", array.used},
                                  {"entries", std::move(rows)}});
    }
    return json;
}

}  // namespace orrery
