#include "emulator/cli/stats.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devices/pc_board.h"
#include "emulator/cli/guest_options.h"

namespace orrery {

StatsFile::StatsFile(const std::string& path) : path_(path), file_(path) {
    if (!file_) throw UsageError("--stats " + path + ": cannot be written");
}

void StatsFile::watch(Machine& machine) {
    machine.observers().subscribe(
        Observers::bit(EventKind::UnknownInsn), [this, &machine](const Event& event) {
            u8 bytes[kMaxInsnLength];
            const size_t count = machine.peek(event.cpu, event.address, bytes, sizeof bytes);
            std::string text;
            for (size_t i = 0; i < count; ++i) text += fmt::format("{}{:02x}", i == 0 ? "" : " ", bytes[i]);
            ++unknown_[text];
        });
}

namespace {

nlohmann::ordered_json disk_counts(VirtioBlk& disk) {
    const VirtioBlk::Counters& done = disk.counters();
    return {{"image", disk.disk().image().path()},
            {"reads", {{"count", done.reads}, {"bytes", done.read_bytes}}},
            {"writes", {{"count", done.writes}, {"bytes", done.written_bytes}}},
            {"flushes", done.flushes},
            {"discards", done.discards},
            {"errors", done.errors},
            {"overlay_bytes", disk.disk().overlay_blocks() * ImageFile::kBlock}};
}

}  // namespace

void StatsFile::write(Machine& machine, double host_seconds) {
    const Cpu& cpu = machine.cpu();
    const TlbCounters& tlb = cpu.tlb.counters;
    const u64 fetches = cpu.instructions() + cpu.code_crossings;
    nlohmann::ordered_json json;
    json["instructions"] = cpu.instructions();
    json["cycles"] = cpu.ticks();
    json["tlb"]["l1d"] = {{"hits", cpu.accesses - std::min(cpu.accesses, tlb.l1d_misses)},
                          {"misses", tlb.l1d_misses}};
    json["tlb"]["l1i"] = {{"hits", fetches - std::min(fetches, tlb.l1i_misses)}, {"misses", tlb.l1i_misses}};
    json["tlb"]["l2"] = {{"hits", tlb.l2_hits}, {"misses", tlb.l2_misses}};
    json["tlb"]["invalidations"] = tlb.invalidations;
    json["walks"] = {{"count", tlb.l2_misses}, {"steps", tlb.walk_steps}};
    json["exceptions"] = cpu.exceptions_taken;
    json["page_faults"] = cpu.page_faults;
    json["interrupts"] = cpu.interrupts_taken;
    for (const auto& disk : machine.board().disks()) json["disks"].push_back(disk_counts(*disk));
    json["unknown_instructions"] = unknown_;
    json["host_seconds"] = host_seconds;
    json["state_hash"] = fmt::format("{:016x}", machine.state_hash());
    file_ << json.dump(2) << '\n';
    file_.close();
    if (!file_) throw UsageError("--stats " + path_ + ": could not be written to the end");
}

}  // namespace orrery
