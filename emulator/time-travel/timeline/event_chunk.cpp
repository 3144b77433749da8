// Columns: who (CPU and ring), ticks, RIP by kind, then every field of every kind. A column begins with its length in
// bytes; a value is the difference to the one before in its column, zigzag-coded, as a varint.
#include "emulator/time-travel/timeline/event_chunk.h"

#include <zstd.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace orrery {
namespace {

constexpr int kLevel = 1;  // zstd's: the guest waits for it

void put_varint(std::vector<u8>& out, u64 value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<u8>(value | 0x80));
    out.push_back(static_cast<u8>(value));
}

u64 take_varint(const u8*& at) {
    u64 value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const u8 byte = *at++;
        value |= u64{byte & 0x7fu} << shift;
        if ((byte & 0x80) == 0) return value;
    }
}

class ColumnWriter {
  public:
    void put(u64 value) {
        const u64 step = value - last_;
        put_varint(bytes_, step << 1 ^ (static_cast<i64>(step) < 0 ? ~u64{0} : 0));
        last_ = value;
    }
    const std::vector<u8>& bytes() const { return bytes_; }

  private:
    std::vector<u8> bytes_;
    u64 last_ = 0;
};

class ColumnReader {
  public:
    explicit ColumnReader(const u8* at = nullptr) : at_(at) {}
    u64 take() {
        const u64 coded = take_varint(at_);
        last_ += coded >> 1 ^ ((coded & 1) != 0 ? ~u64{0} : 0);
        return last_;
    }

  private:
    const u8* at_;
    u64 last_ = 0;
};

constexpr size_t kWho = 0, kTicks = 1, kRip = 2, kFields = kRip + kEventKinds;

template <typename Kind>
constexpr size_t field_count() {
    size_t count = 0;
    Kind kind;
    Kind::fields(kind, [&](const char*, auto&) { ++count; });
    return count;
}

// Where each kind's columns begin; one more for the end.
constexpr std::array<size_t, kEventKinds + 1> kFieldsFrom = []<size_t... I>(std::index_sequence<I...>) {
    constexpr size_t counts[] = {field_count<std::variant_alternative_t<I, event::What>>()...};
    std::array<size_t, kEventKinds + 1> from{kFields};
    for (size_t i = 0; i < kEventKinds; ++i) from[i + 1] = from[i] + counts[i];
    return from;
}
(std::make_index_sequence<kEventKinds>{});
constexpr size_t kColumns = kFieldsFrom.back();

// An event of a kind that is known by its number alone.
event::What blank(size_t kind) {
    static const auto all = []<size_t... I>(std::index_sequence<I...>) {
        return std::array<event::What, kEventKinds>{std::variant_alternative_t<I, event::What>{}...};
    }
    (std::make_index_sequence<kEventKinds>{});
    return all[kind];
}

}  // namespace

EventChunk::EventChunk(std::span<const Event> events) : last_(events.back().moment) {
    std::array<ColumnWriter, kColumns> columns;
    kinds_.reserve(events.size());
    std::array<u16, kEventKinds> so_far{};
    u64 instructions = 0;
    for (const Event& event : events) {
        const size_t kind = event.what.index();
        if (kinds_.size() % kGroup == 0)
            groups_.push_back({event.moment.instructions, static_cast<u32>(steps_.size()), so_far});
        else
            put_varint(steps_, event.moment.instructions - instructions);
        instructions = event.moment.instructions;
        kinds_.push_back(static_cast<u8>(kind));
        ++so_far[kind];
        columns[kWho].put(u64{event.cpu} << 2 | event.cpl);
        columns[kTicks].put(event.moment.ticks);
        columns[kRip + kind].put(event.rip);
        std::visit(
            [&](const auto& it) {
                size_t column = kFieldsFrom[kind];
                it.fields(it, [&](const char*, const auto& field) {
                    columns[column++].put(static_cast<u64>(field));
                });
            },
            event.what);
    }
    for (size_t kind = 0; kind < kEventKinds; ++kind) totals_[kind] = so_far[kind];

    std::vector<u8> plain;
    for (const ColumnWriter& column : columns) {
        put_varint(plain, column.bytes().size());
        plain.insert(plain.end(), column.bytes().begin(), column.bytes().end());
    }
    plain_size_ = plain.size();
    packed_.resize(ZSTD_compressBound(plain.size()));
    const size_t size = ZSTD_compress(packed_.data(), packed_.size(), plain.data(), plain.size(), kLevel);
    if (ZSTD_isError(size)) throw std::runtime_error(ZSTD_getErrorName(size));
    packed_.resize(size);
    packed_.shrink_to_fit();
    steps_.shrink_to_fit();
    groups_.shrink_to_fit();
}

size_t EventChunk::count_before(u64 instructions, EventCounts& counts) const {
    // The last group that begins before.
    const auto after = std::partition_point(groups_.begin(), groups_.end(), [&](const Group& group) {
        return group.instructions < instructions;
    });
    if (after == groups_.begin()) return 0;
    const Group& group = *(after - 1);
    for (size_t kind = 0; kind < kEventKinds; ++kind) counts[kind] += group.before[kind];
    size_t index = static_cast<size_t>(after - 1 - groups_.begin()) * kGroup;
    const size_t end = std::min(index + kGroup, size());
    u64 at = group.instructions;
    const u8* step = steps_.data() + group.at;
    while (true) {
        ++counts[kinds_[index]];
        if (++index == end) return index;
        at += take_varint(step);
        if (at >= instructions) return index;
    }
}

size_t EventChunk::next(size_t index, u32 kinds) const {
    while (index < size() && (kinds >> kinds_[index] & 1) == 0) ++index;
    return index;
}

size_t EventChunk::previous(size_t index, u32 kinds) const {
    while (index-- > 0)
        if ((kinds >> kinds_[index] & 1) != 0) return index;
    return size();
}

std::vector<Event> EventChunk::decode() const {
    std::vector<u8> plain(plain_size_);
    const size_t got = ZSTD_decompress(plain.data(), plain.size(), packed_.data(), packed_.size());
    if (ZSTD_isError(got) || got != plain_size_) throw std::runtime_error("the event log is damaged");
    std::array<ColumnReader, kColumns> columns;
    const u8* at = plain.data();
    for (ColumnReader& column : columns) {
        const u64 length = take_varint(at);
        column = ColumnReader(at);
        at += length;
    }
    std::vector<Event> events(size());
    const u8* step = steps_.data();
    u64 instructions = 0;
    for (size_t i = 0; i < events.size(); ++i) {
        Event& event = events[i];
        const size_t kind = kinds_[i];
        instructions = i % kGroup == 0 ? groups_[i / kGroup].instructions : instructions + take_varint(step);
        const u64 who = columns[kWho].take();
        event.cpu = static_cast<u8>(who >> 2);
        event.cpl = who & 3;
        event.moment = {instructions, columns[kTicks].take()};
        event.rip = columns[kRip + kind].take();
        event.what = blank(kind);
        std::visit(
            [&](auto& it) {
                size_t column = kFieldsFrom[kind];
                it.fields(it, [&](const char*, auto& field) {
                    field = static_cast<std::remove_reference_t<decltype(field)>>(columns[column++].take());
                });
            },
            event.what);
    }
    return events;
}

size_t EventChunk::bytes() const {
    return sizeof *this + kinds_.capacity() + steps_.capacity() + groups_.capacity() * sizeof(Group) +
           packed_.capacity();
}

}  // namespace orrery
