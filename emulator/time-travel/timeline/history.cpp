#include "emulator/time-travel/timeline/history.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace orrery {

namespace {

// All but guest memory, which it only lists.
class SaveSmallState : public SaveArchive {
  public:
    void pages(std::string_view, PagedMemory& memory) override { memories.push_back(&memory); }
    std::vector<PagedMemory*> memories;
};

class LoadSmallState : public LoadArchive {
  public:
    explicit LoadSmallState(std::vector<u8> state) : LoadArchive(std::move(state)) {}
    void pages(std::string_view, PagedMemory&) override {}
};

}  // namespace

History::History(Machine& machine, u64 budget) : machine_(machine), budget_(budget) {
    SaveSmallState archive;
    machine.visit(archive);
    memories_ = archive.memories;
    for (PagedMemory* memory : memories_) {
        maps_.emplace_back(store_, memory->pages());
        // What was written before this looked on is all that is not zero.
        memory->take_written(PagedMemory::kSnapshot, [](u64) {});
        for (u64 page = 0; page < memory->pages(); ++page)
            if (memory->may_hold_data(page)) memory->touch(page);
    }
}

u64 History::Snapshot::bytes() const {
    return sizeof *this + state.capacity() + written.capacity() * sizeof(WrittenPage) + 256 * maps.size();
}

u64 History::bytes() const {
    return store_.bytes() + small_bytes_;
}

void History::take(Mark mark) {
    Snapshot snapshot;
    snapshot.id = next_id_++;
    snapshot.before = last_;
    snapshot.mark = std::move(mark);
    SaveSmallState archive;
    machine_.visit(archive);
    snapshot.state = archive.take();
    snapshot.state.shrink_to_fit();
    for (u32 i = 0; i < memories_.size(); ++i) {
        const u8* data = memories_[i]->data();
        PageMap& map = maps_[i];
        memories_[i]->take_written(PagedMemory::kSnapshot, [&](u64 page) {
            snapshot.written.push_back({i, page});
            const u8* from = data + page * PageStore::kPage;
            const PageStore::Id held = map.at(page);
            if (is_zero_page(from)) {
                if (held != PageStore::kZeroPage) map.set(page, PageStore::kZeroPage);
            } else if (held == PageStore::kZeroPage ||
                       std::memcmp(store_.at(held), from, PageStore::kPage) != 0) {
                map.set(page, store_.add(from));
            }
        });
    }
    snapshot.written.shrink_to_fit();
    snapshot.maps = maps_;
    last_ = snapshot.id;
    small_bytes_ += snapshot.bytes();
    snapshots_.push_back(std::move(snapshot));
    thin();
}

void History::restore(size_t index) {
    const Snapshot& snapshot = snapshots_[index];
    const u64 video_base = machine_.bus().video_base();
    LoadSmallState archive(snapshot.state);
    machine_.visit(archive);
    std::vector<u64> ram_changed;
    for (size_t i = 0; i < memories_.size(); ++i) {
        PagedMemory& memory = *memories_[i];
        const bool is_ram = &memory == &machine_.bus().ram_memory();
        const auto put = [&](u64 page) {
            memory.touch(page);
            u8* to = memory.data() + page * PageStore::kPage;
            const PageStore::Id id = snapshot.maps[i].at(page);
            if (id == PageStore::kZeroPage)
                std::memset(to, 0, PageStore::kPage);
            else
                std::memcpy(to, store_.at(id), PageStore::kPage);
            if (is_ram) ram_changed.push_back(page);
        };
        std::vector<u64> written;
        memory.take_written(PagedMemory::kSnapshot, [&](u64 page) { written.push_back(page); });
        maps_[i].differences(snapshot.maps[i], put);
        // Those are marked again by put(); what is left of the written ones is the same in both maps.
        for (const u64 page : written)
            if (maps_[i].at(page) == snapshot.maps[i].at(page)) put(page);
        memory.take_written(PagedMemory::kSnapshot, [](u64) {});
    }
    maps_ = snapshot.maps;
    last_ = snapshot.id;
    machine_.loaded(video_base == machine_.bus().video_base() ? &ram_changed : nullptr);
}

bool History::wrote(size_t index, u64 physical) const {
    u8* host = machine_.bus().ram_at(physical);
    if (host == nullptr) return true;
    for (u32 i = 0; i < memories_.size(); ++i) {
        const u64 offset = static_cast<u64>(host - memories_[i]->data());
        if (offset >= memories_[i]->size()) continue;
        const auto& written = snapshots_[index].written;
        return std::binary_search(written.begin(), written.end(), WrittenPage{i, offset / PageStore::kPage});
    }
    return true;
}

void History::remove(size_t index) {
    const Snapshot gone = std::move(snapshots_[index]);
    snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(index));
    small_bytes_ -= gone.bytes();
    for (Snapshot& snapshot : snapshots_) {
        if (snapshot.before != gone.id) continue;
        snapshot.before = gone.before;
        small_bytes_ -= snapshot.bytes();
        std::vector<WrittenPage> both;
        std::set_union(snapshot.written.begin(), snapshot.written.end(), gone.written.begin(),
                       gone.written.end(), std::back_inserter(both));
        both.shrink_to_fit();
        snapshot.written = std::move(both);
        small_bytes_ += snapshot.bytes();
    }
}

// The one goes whose neighbours are closest together, for its age: what a seek to between them costs more by
// that is the least, compared to how often one goes so far back.
void History::thin() {
    while (bytes() > budget_ && snapshots_.size() > 2) {
        const u64 now = snapshots_.back().mark.host_nanoseconds;
        std::vector<size_t> order(snapshots_.size());
        std::iota(order.begin(), order.end(), size_t{0});
        const auto place = [this](size_t i) {
            return std::pair(snapshots_[i].mark.run, snapshots_[i].mark.host_nanoseconds);
        };
        std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
        size_t worst = 0;
        double least = 0;
        for (size_t at = 0; at < order.size(); ++at) {
            const auto [run, here] = place(order[at]);
            // Neither the first nor the one just taken.
            if (order[at] == 0 || order[at] + 1 == snapshots_.size()) continue;
            const bool has_before = at > 0 && place(order[at - 1]).first == run;
            const bool has_after = at + 1 < order.size() && place(order[at + 1]).first == run;
            const u64 before = has_before ? place(order[at - 1]).second : 0;
            const u64 after = has_after ? place(order[at + 1]).second : std::max(now, here);
            const double age = static_cast<double>(now - std::min(now, here)) + 1e9;
            const double gap = static_cast<double>(after - before) / age;
            if (worst != 0 && gap >= least) continue;
            worst = order[at];
            least = gap;
        }
        remove(worst);
    }
}

}  // namespace orrery
