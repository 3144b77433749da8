// The window "TLB": every array, set by set, with its counters.
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct TlbCell {
    unsigned set = 0;
    unsigned way = 0;
    u64 linear = 0;
    u64 physical = 0;
    u64 page_size = 0;
    u16 pcid = 0;
    bool global = false;
    bool writable = false;
    bool user = false;
    bool executable = false;
    bool dirty = false;
    bool recent = false;
    u64 filled_at = 0;  // instruction count
    u64 age = 0;        // instructions since
    std::string symbol;
    bool stale =
        false;  // the page tables say something else now (peeked at the CPU's present CR3, same PCID)
};

struct TlbArrayModel {
    std::string name;
    unsigned sets = 0;
    unsigned ways = 0;
    unsigned used = 0;
    std::vector<TlbCell> cells;  // the valid ones, by set and way
};

struct TlbModel {
    u64 data_lookups = 0;
    u64 instruction_lookups = 0;  // 0 where the machine does not count them
    u64 l1d_misses = 0;
    u64 l1i_misses = 0;
    u64 l2_hits = 0;
    u64 walks = 0;
    u64 walk_steps = 0;
    u64 invalidations = 0;
    double l1d_hit_rate = 0;  // 0 to 1; 0 where nothing was looked up
    double l2_hit_rate = 0;
    std::vector<TlbArrayModel> arrays;
};

struct TlbParameters {
    bool entries = true;
};

TlbModel tlb_model(const ModelContext& context, const TlbParameters& parameters);
std::string to_text(const TlbModel& model);
Json to_json(const TlbModel& model);

}  // namespace orrery
