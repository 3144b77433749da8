#include "emulator/time-travel/record/recording.h"

#include <xxhash.h>

namespace orrery {

namespace {

constexpr u64 kFirstInterval = u64{1} << 25;
constexpr u64 kLinksAnInterval = 64;

}  // namespace

u64 next_link(u64 start, u64 instructions) {
    if (instructions < start) return start;
    u64 interval = kFirstInterval;
    u64 begin = 0;  // of the stretch with this interval
    const u64 ran = instructions - start;
    while (ran >= begin + kLinksAnInterval * interval && interval < u64{1} << 48) {
        begin += kLinksAnInterval * interval;
        interval *= 2;
    }
    return start + begin + ((ran - begin) / interval + 1) * interval;
}

u64 chain_digest(u64 previous, Moment moment, const std::vector<u64>& components) {
    std::vector<u64> words = {previous, moment.instructions, moment.ticks};
    words.insert(words.end(), components.begin(), components.end());
    return XXH3_64bits(words.data(), words.size() * sizeof(u64));
}

std::vector<LoggedInput> Recording::inputs_of(unsigned run) const {
    const RecordedRun& own = runs.at(run);
    std::vector<LoggedInput> inputs;
    if (run != 0) {
        inputs = inputs_of(own.parent);
        inputs.resize(std::min<size_t>(inputs.size(), own.inherited));
    }
    inputs.insert(inputs.end(), own.inputs.begin(), own.inputs.end());
    return inputs;
}

std::vector<ChainLink> Recording::links_of(unsigned run) const {
    const RecordedRun& own = runs.at(run);
    std::vector<ChainLink> links;
    if (run != 0)
        for (ChainLink& link : links_of(own.parent))
            if (link.moment <= own.fork) links.push_back(std::move(link));
    links.insert(links.end(), own.links.begin(), own.links.end());
    return links;
}

}  // namespace orrery
