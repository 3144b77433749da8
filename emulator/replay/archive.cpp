#include "emulator/replay/archive.h"

#include <xxhash.h>

#include <cstring>

namespace orrery {

namespace {

// Component names are kept as a 32-bit tag, so that a snapshot of another layout is noticed where it first
// differs.
u32 name_tag(std::string_view name) {
    return static_cast<u32>(XXH3_64bits(name.data(), name.size()));
}

constexpr u64 kPage = 4096;
constexpr u64 kEndOfPages = ~u64{0};

bool is_zero_page(const u8* page) {
    static constexpr u8 kZeros[kPage] = {};
    return std::memcmp(page, kZeros, kPage) == 0;
}

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
void SaveArchive::pages(std::string_view name, u8* data, u64 size) {
    for (u64 page = 0; page < size / kPage; ++page) {
        if (is_zero_page(data + page * kPage)) continue;
        bytes(name, &page, sizeof page);
        bytes(name, data + page * kPage, kPage);
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

void LoadArchive::pages(std::string_view name, u8* data, u64 size) {
    u64 cleared = 0;  // pages below this one are as the snapshot has them
    auto clear_up_to = [&](u64 page) {
        for (; cleared < page; ++cleared)
            if (!is_zero_page(data + cleared * kPage)) std::memset(data + cleared * kPage, 0, kPage);
    };
    for (;;) {
        u64 page = 0;
        bytes(name, &page, sizeof page);
        if (page == kEndOfPages) break;
        if (page >= size / kPage || page < cleared)
            throw ArchiveError("snapshot: its memory pages are damaged");
        clear_up_to(page);
        bytes(name, data + page * kPage, kPage);
        cleared = page + 1;
    }
    clear_up_to(size / kPage);
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

void HashArchive::pages(std::string_view name, u8* data, u64 size) {
    for (u64 page = 0; page < size / kPage; ++page) {
        if (is_zero_page(data + page * kPage)) continue;
        bytes(name, &page, sizeof page);
        bytes(name, data + page * kPage, kPage);
    }
}

u64 HashArchive::digest() const {
    return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_));
}

}  // namespace orrery
