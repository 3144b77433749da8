#include "emulator/inspect/gdb/packets.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr u8 kInterrupt = 0x03;
constexpr char kEscape = '}', kEscapeBit = 0x20;
constexpr const char* kDigits = "0123456789abcdef";

// -1: no hexadecimal digit.
int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

u8 checksum(std::string_view payload) {
    u8 sum = 0;
    for (const char c : payload) sum = static_cast<u8>(sum + static_cast<u8>(c));
    return sum;
}

}  // namespace

std::optional<GdbPackets::Item> GdbPackets::take(u8 byte) {
    const char c = static_cast<char>(byte);
    switch (place_) {
        case Place::Between:
            if (c == '+') return Item{Kind::Ack, {}};
            if (c == '-') return Item{Kind::Nak, {}};
            if (byte == kInterrupt) return Item{Kind::Interrupt, {}};
            if (c == '$') place_ = Place::Payload;
            return std::nullopt;
        case Place::Payload:
            if (c == '#') {
                place_ = Place::Checksum1;
            } else if (c == '$') {  // the end of the one before was lost
                payload_.clear();
                too_long_ = false;
                sum_ = 0;
            } else {
                too_long_ = too_long_ || payload_.size() == kGdbPacketSize;
                if (!too_long_) payload_.push_back(c);
                sum_ = static_cast<u8>(sum_ + byte);
            }
            return std::nullopt;
        case Place::Checksum1:
            digit_ = digit_value(c);
            place_ = Place::Checksum2;
            return std::nullopt;
        case Place::Checksum2:
            break;
    }
    const int digit = digit_value(c);
    const bool good = !too_long_ && digit_ >= 0 && digit >= 0 && (digit_ << 4 | digit) == sum_;
    Item item{good ? Kind::Packet : Kind::Damaged, std::move(payload_)};
    place_ = Place::Between;
    payload_.clear();
    too_long_ = false;
    sum_ = 0;
    return item;
}

std::string gdb_frame(std::string_view payload) {
    const u8 sum = checksum(payload);
    std::string frame = "$";
    frame += payload;
    frame += '#';
    frame += kDigits[sum >> 4];
    frame += kDigits[sum & 0xf];
    return frame;
}

std::string gdb_escape(std::string_view data) {
    std::string text;
    for (const char c : data) {
        const bool special = c == '#' || c == '$' || c == kEscape || c == '*';
        if (special) text += kEscape;
        text += special ? static_cast<char>(c ^ kEscapeBit) : c;
    }
    return text;
}

std::optional<std::string> gdb_unescape(std::string_view text) {
    std::string data;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != kEscape) {
            data += text[i];
        } else {
            if (++i == text.size()) return std::nullopt;
            data += static_cast<char>(text[i] ^ kEscapeBit);
        }
    }
    return data;
}

std::string gdb_hex(std::span<const u8> bytes) {
    std::string digits;
    digits.reserve(2 * bytes.size());
    for (const u8 byte : bytes) {
        digits += kDigits[byte >> 4];
        digits += kDigits[byte & 0xf];
    }
    return digits;
}

std::string gdb_hex(std::string_view text) {
    return gdb_hex(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

std::optional<std::vector<u8>> gdb_from_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return std::nullopt;
    std::vector<u8> bytes;
    bytes.reserve(digits.size() / 2);
    for (size_t i = 0; i < digits.size(); i += 2) {
        const int high = digit_value(digits[i]), low = digit_value(digits[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<u8>(high << 4 | low));
    }
    return bytes;
}

bool GdbArguments::take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
}

bool GdbArguments::take_number(u64& value) {
    size_t count = 0;
    u64 read = 0;
    while (count < rest_.size() && digit_value(rest_[count]) >= 0)
        read = read << 4 | static_cast<u64>(digit_value(rest_[count++]));
    if (count == 0 || count > 16) return false;
    rest_.remove_prefix(count);
    value = read;
    return true;
}

std::string_view GdbArguments::take_until(char end) {
    const std::string_view taken = rest_.substr(0, rest_.find(end));
    rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
    return taken;
}

}  // namespace orrery
