// The blocks of a recording (recording.h): sealing and opening them, and what the body of each kind holds.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "emulator/time-travel/record/recording.h"

namespace orrery {

enum class BlockKind : u8 {
    Header = 1,  // JSON
    Image,       // index (4), offset (8), then bytes
    Begin,       // no body: the images are complete
    Components,  // names
    Input,       // run, moment, CPU, device, data
    Link,        // run, moment, digest, components
    Branch,      // run, parent, moment, inputs inherited
    Present,     // run
    Bookmark,    // run, moment, note
    Unmark,      // the same, taken away
    End,         // run, moment, reason, exit code, status
};

inline constexpr size_t kBlockHead = 32;
// Of a body, in bytes: a damaged size asks for no more memory than that.
inline constexpr u32 kLargestBody = u32{16} << 20;

struct BlockHead {
    BlockKind kind;
    bool compressed;
    u32 number;
    u32 stored;
    u32 size;
    u64 checksum;
};

// A whole block: head and body, compressed if that makes it smaller. The body has at most kLargestBody bytes.
std::vector<u8> seal_block(BlockKind kind, u32 number, std::span<const u8> body);

// Nothing for bytes that are no head. `bytes` are kBlockHead.
std::optional<BlockHead> open_head(std::span<const u8> bytes);
// Nothing for bytes (`head.stored` of them) that are not what was sealed.
std::optional<std::vector<u8>> open_body(const BlockHead& head, std::span<const u8> bytes);
// Whether the bytes are what was sealed, without unpacking them.
bool intact(const BlockHead& head, std::span<const u8> bytes);

// Bodies: little-endian numbers; texts and byte strings with their length (4) before them.
class BodyWriter {
  public:
    template <typename T>
    BodyWriter& number(T value) {
        const auto* bytes = reinterpret_cast<const u8*>(&value);
        out_.insert(out_.end(), bytes, bytes + sizeof value);
        return *this;
    }
    BodyWriter& moment(Moment moment) { return number(moment.instructions).number(moment.ticks); }
    BodyWriter& raw(std::span<const u8> bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    BodyWriter& bytes(std::span<const u8> bytes) { return number(static_cast<u32>(bytes.size())).raw(bytes); }
    BodyWriter& text(std::string_view text) {
        return bytes({reinterpret_cast<const u8*>(text.data()), text.size()});
    }
    std::vector<u8> take() { return std::move(out_); }

  private:
    std::vector<u8> out_;
};

// Reads past the end give zeros and make good() false.
class BodyReader {
  public:
    explicit BodyReader(std::span<const u8> body) : rest_(body) {}
    template <typename T>
    T number() {
        T value{};
        const std::span<const u8> bytes = take(sizeof value);
        if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    Moment moment() {
        Moment moment;
        moment.instructions = number<u64>();
        moment.ticks = number<u64>();
        return moment;
    }
    std::span<const u8> bytes() { return take(number<u32>()); }
    std::string text() {
        const std::span<const u8> data = bytes();
        return {data.begin(), data.end()};
    }
    bool good() const { return good_; }
    bool done() const { return good_ && rest_.empty(); }

  private:
    std::span<const u8> take(size_t count) {
        if (count > rest_.size()) {
            good_ = false;
            rest_ = {};
        }
        const std::span<const u8> taken = rest_.first(good_ ? count : 0);
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    std::span<const u8> rest_;
    bool good_ = true;
};

}  // namespace orrery
