// Packets of gdb's remote serial protocol: framing, checksums, and the hexadecimal and binary forms of data
// (GDB manual, appendix E, "Overview" and "Interrupts").
//
// Knows nothing of what packets mean. Whatever bytes come in, memory stays bounded.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

// The longest payload that is taken.
inline constexpr size_t kGdbPacketSize = 0x4000;

// Takes a stream of bytes apart.
class GdbPackets {
  public:
    enum class Kind : u8 {
        Packet,
        Damaged,    // a wrong checksum, or a payload that is too long
        Ack,        // '+'
        Nak,        // '-': the last packet is to be sent again
        Interrupt,  // Ctrl-C
    };
    struct Item {
        Kind kind = Kind::Packet;
        std::string payload;  // of a Packet: between '$' and '#', still escaped
    };

    // What one more byte completes, if anything. Bytes between packets that mean nothing are passed over.
    std::optional<Item> take(u8 byte);

  private:
    enum class Place : u8 { Between, Payload, Checksum1, Checksum2 };
    Place place_ = Place::Between;
    std::string payload_;
    bool too_long_ = false;
    u8 sum_ = 0;
    int digit_ = 0;
};

// "$payload#checksum". `payload` holds '$', '#', '}' and '*' in escaped form only.
std::string gdb_frame(std::string_view payload);

// Binary data as it stands in a packet, and back; nullopt where it ends in the middle of an escape.
std::string gdb_escape(std::string_view data);
std::optional<std::string> gdb_unescape(std::string_view text);

// Two digits a byte, lower case; back in either case. nullopt: an odd number of digits, or something else.
std::string gdb_hex(std::span<const u8> bytes);
std::string gdb_hex(std::string_view text);
std::optional<std::vector<u8>> gdb_from_hex(std::string_view digits);

// The arguments of a packet, read from the left. A take that fails takes nothing.
class GdbArguments {
  public:
    explicit GdbArguments(std::string_view text) : rest_(text) {}
    bool done() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }
    // This text and no other comes next.
    bool take(std::string_view text);
    // One to sixteen hexadecimal digits.
    bool take_number(u64& value);
    // All up to `end`, which is taken too, or to the end of the packet.
    std::string_view take_until(char end);

  private:
    std::string_view rest_;
};

}  // namespace orrery
