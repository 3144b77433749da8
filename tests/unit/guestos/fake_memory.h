// Guest memory made by a test: pages that were poked exist, others are not mapped.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "emulator/guestos/types/guest_memory.h"

namespace orrery {

class FakeMemory : public GuestMemory {
  public:
    size_t read(u64 linear, void* to, size_t size) const override {
        size_t done = 0;
        while (done < size) {
            const auto page = pages_.find((linear + done) / 4096);
            if (page == pages_.end()) break;
            const size_t offset = (linear + done) % 4096;
            const size_t count = std::min<size_t>(size - done, 4096 - offset);
            std::memcpy(static_cast<u8*>(to) + done, page->second.data() + offset, count);
            done += count;
        }
        return done;
    }
    std::optional<u64> physical(u64 linear) const override {
        if (pages_.count(linear / 4096) == 0) return std::nullopt;
        return linear & 0xff'ffff;
    }
    void poke(u64 linear, const void* from, size_t size) {
        for (size_t i = 0; i < size; ++i)
            pages_[(linear + i) / 4096][(linear + i) % 4096] = static_cast<const u8*>(from)[i];
    }
    template <typename T>
    void put(u64 linear, const T& value) {
        poke(linear, &value, sizeof value);
    }
    void text(u64 linear, std::string_view value) {
        poke(linear, value.data(), value.size());
        put<u8>(linear + value.size(), 0);
    }

  private:
    std::map<u64, std::array<u8, 4096>> pages_;
};

}  // namespace orrery
