// What a fuzz target is: a name, and a function of bytes that must come back whatever they are. A target that
// finds something wrong aborts (require). Each is linked once with libFuzzer (ORRERY_FUZZ), and all together
// into fuzz-replay, which runs the corpora of tests/fuzz/corpus.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery::fuzz {

struct Target {
    using Function = void (*)(std::span<const u8> data);
    Target(const char* target_name, Function function) : name(target_name), run(function) {
        all().push_back(this);
    }
    static std::vector<Target*>& all() {
        static std::vector<Target*> targets;
        return targets;
    }
    const char* name;
    Function run;
};

// The input as a stream of numbers; zeros behind its end.
class Input {
  public:
    explicit Input(std::span<const u8> data) : data_(data) {}
    bool done() const { return at_ >= data_.size(); }
    template <typename T>
    T take() {
        T value{};
        const size_t count = std::min(sizeof value, data_.size() - at_);
        std::memcpy(&value, data_.data() + at_, count);
        at_ += count;
        return value;
    }
    std::span<const u8> take_bytes(size_t wanted) {
        const size_t count = std::min(wanted, data_.size() - at_);
        at_ += count;
        return data_.subspan(at_ - count, count);
    }
    std::span<const u8> rest() { return take_bytes(data_.size()); }

  private:
    std::span<const u8> data_;
    size_t at_ = 0;
};

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz target: %s does not hold\n", what);
    std::abort();
}

}  // namespace orrery::fuzz
