#include "cli/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/guest_options.h"
#include "devices/pc_board.h"
#include "emulator/machine/output_file.h"

namespace orrery {

StatsFile::StatsFile(const std::string& path) : path_(path) {
    check_output("--stats", path);
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && !path.starts_with("/dev/"))
        std::filesystem::remove(path, error);
}

void StatsFile::watch(Machine& machine) {
    machine.observers().subscribe(
        Observers::bit(EventKind::UnknownInsn), [this, &machine](const Event& event) {
            u8 bytes[kMaxInsnLength];
            const size_t count =
                machine.peek(event.cpu, event.get<event::UnknownInsn>()->linear, bytes, sizeof bytes);
            std::string text;
            for (size_t i = 0; i < count; ++i) text += fmt::format("{}{:02x}", i == 0 ? "" : " ", bytes[i]);
            unknown_[text].push_back(event.moment.instructions);
        });
}

void StatsFile::rewind(u64 instructions) {
    for (auto& [bytes, moments] : unknown_)
        moments.erase(std::lower_bound(moments.begin(), moments.end(), instructions), moments.end());
}

namespace {

// What one CPU has counted.
struct CpuCounts {
    u64 instructions = 0, accesses = 0, fetches = 0, exceptions = 0, page_faults = 0, interrupts = 0;
    TlbCounters tlb;

    CpuCounts() = default;
    explicit CpuCounts(const Cpu& cpu)
        : instructions(cpu.own_instructions()),
          accesses(cpu.accesses),
          fetches(cpu.own_instructions() + cpu.code_crossings),
          exceptions(cpu.exceptions_taken),
          page_faults(cpu.page_faults),
          interrupts(cpu.interrupts_taken),
          tlb(cpu.tlb.counters) {}

    void add(const CpuCounts& other) {
        instructions += other.instructions;
        accesses += other.accesses;
        fetches += other.fetches;
        exceptions += other.exceptions;
        page_faults += other.page_faults;
        interrupts += other.interrupts;
        tlb.l1d_misses += other.tlb.l1d_misses;
        tlb.l1i_misses += other.tlb.l1i_misses;
        tlb.l2_hits += other.tlb.l2_hits;
        tlb.l2_misses += other.tlb.l2_misses;
        tlb.walk_steps += other.tlb.walk_steps;
        tlb.invalidations += other.tlb.invalidations;
    }

    void write(nlohmann::ordered_json& json) const {
        const auto level = [](u64 look_ups, u64 misses) {
            return nlohmann::ordered_json{{"hits", look_ups - std::min(look_ups, misses)},
                                          {"misses", misses}};
        };
        json["tlb"]["l1d"] = level(accesses, tlb.l1d_misses);
        json["tlb"]["l1i"] = level(fetches, tlb.l1i_misses);
        json["tlb"]["l2"] = {{"hits", tlb.l2_hits}, {"misses", tlb.l2_misses}};
        json["tlb"]["invalidations"] = tlb.invalidations;
        json["walks"] = {{"count", tlb.l2_misses}, {"steps", tlb.walk_steps}};
        json["exceptions"] = exceptions;
        json["page_faults"] = page_faults;
        json["interrupts"] = interrupts;
    }
};

}  // namespace

namespace {

nlohmann::ordered_json disk_counts(VirtioBlk& disk, const std::string& name) {
    const VirtioBlk::Counters& done = disk.counters();
    return {{"image", name},
            {"reads", {{"count", done.reads}, {"bytes", done.read_bytes}}},
            {"writes", {{"count", done.writes}, {"bytes", done.written_bytes}}},
            {"flushes", done.flushes},
            {"discards", done.discards},
            {"errors", done.errors},
            {"overlay_bytes", disk.disk().overlay_blocks() * ImageFile::kBlock}};
}

nlohmann::ordered_json frame_counts(const VirtioNet& card) {
    const VirtioNet::Counters& done = card.counters();
    return {{"sent", {{"count", done.sent}, {"bytes", done.sent_bytes}}},
            {"received", {{"count", done.received}, {"bytes", done.received_bytes}}},
            {"dropped", done.dropped},
            {"filtered", done.filtered},
            {"malformed", done.malformed}};
}

}  // namespace

void StatsFile::write(Machine& machine, double host_seconds, const std::vector<std::string>& disk_names) {
    CpuCounts all;
    for (unsigned i = 0; i < machine.cpu_count(); ++i) all.add(CpuCounts(machine.cpu(i)));
    nlohmann::ordered_json json;
    json["instructions"] = all.instructions;
    json["cycles"] = machine.moment().ticks;
    all.write(json);
    for (unsigned i = 0; machine.cpu_count() > 1 && i < machine.cpu_count(); ++i) {
        const CpuCounts own(machine.cpu(i));
        nlohmann::ordered_json cpu = {{"instructions", own.instructions}};
        own.write(cpu);
        json["cpus"].push_back(std::move(cpu));
    }
    const auto& disks = machine.board().disks();
    for (size_t i = 0; i < disks.size(); ++i)
        json["disks"].push_back(
            disk_counts(*disks[i], i < disk_names.size() ? disk_names[i] : disks[i]->disk().image().path()));
    if (const VirtioNet* card = machine.board().network()) json["network"] = frame_counts(*card);
    std::map<std::string, u64> unknown;
    for (const auto& [bytes, moments] : unknown_)
        if (!moments.empty()) unknown[bytes] = moments.size();
    json["unknown_instructions"] = unknown;
    json["host_seconds"] = host_seconds;
    json["state_hash"] = fmt::format("{:016x}", machine.state_hash());
    OutputFile file(path_);
    file.write(json.dump(2) + "\n");
    file.commit();
}

}  // namespace orrery
