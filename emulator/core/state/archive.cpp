#include "emulator/core/state/archive.h"

#include <xxhash.h>

#include <cstring>

namespace orrery {

namespace {

// Component names are kept as a 32-bit tag, so that a snapshot of another layout is noticed where it first
// differs.
u32 name_tag(std::string_view name) {
    return static_cast<u32>(XXH3_64bits(name.data(), name.size()));
}

constexpr u64 kPage = PagedMemory::kPage;
constexpr u64 kEndOfPages = ~u64{0};

}  // namespace

void SaveArchive::begin(std::string_view name) {
    u32 tag = name_tag(name);
    bytes(name, &tag, sizeof tag);
}

void SaveArchive::bytes(std::string_view, void* data, size_t size) {
    if (size == 0) return;
    const u8* from = static_cast<const u8*>(data);
    out_.insert(out_.end(), from, from + size);
}

void SaveArchive::scalar(std::string_view name, void* data, size_t size, Kind) {
    bytes(name, data, size);
}

// Format: the number of each page that is not all zeros, then its bytes; kEndOfPages after the last.
void SaveArchive::pages(std::string_view name, PagedMemory& memory) {
    for (u64 page = 0; page < memory.pages(); ++page) {
        u8* const at = memory.data() + page * kPage;
        if (!memory.may_hold_data(page) || is_zero_page(at)) continue;
        bytes(name, &page, sizeof page);
        bytes(name, at, kPage);
    }
    u64 end = kEndOfPages;
    bytes(name, &end, sizeof end);
}

void LoadArchive::begin(std::string_view name) {
    u32 tag = 0;
    bytes(name, &tag, sizeof tag);
    if (tag != name_tag(name))
        throw ArchiveError("snapshot: no " + std::string(name) + " where one is expected (another version?)");
}

void LoadArchive::bytes(std::string_view name, void* data, size_t size) {
    if (size == 0) return;
    if (data_.size() - position_ < size) throw ArchiveError("snapshot: ends within " + std::string(name));
    std::memcpy(data, data_.data() + position_, size);
    position_ += size;
}

void LoadArchive::scalar(std::string_view name, void* data, size_t size, Kind kind) {
    bytes(name, data, size);
    // Any other value in a bool is undefined behaviour.
    if (kind == Kind::Bool) *static_cast<u8*>(data) = *static_cast<u8*>(data) != 0;
}

void LoadArchive::pages(std::string_view name, PagedMemory& memory) {
    memory.clear();
    for (u64 after = 0;;) {
        u64 page = 0;
        bytes(name, &page, sizeof page);
        if (page == kEndOfPages) return;
        if (page >= memory.pages() || page < after)
            throw ArchiveError("snapshot: its memory pages are damaged");
        memory.touch(page);
        bytes(name, memory.data() + page * kPage, kPage);
        after = page + 1;
    }
}

HashArchive::HashArchive() : state_(XXH3_createState()) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}

HashArchive::~HashArchive() {
    XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

void HashArchive::bytes(std::string_view, void* data, size_t size) {
    XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), data, size);
}

void HashArchive::scalar(std::string_view name, void* data, size_t size, Kind) {
    bytes(name, data, size);
}

void HashArchive::pages(std::string_view name, PagedMemory& memory) {
    u64 sum = memory.hash();
    bytes(name, &sum, sizeof sum);
}

u64 HashArchive::digest() const {
    return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_));
}

}  // namespace orrery
