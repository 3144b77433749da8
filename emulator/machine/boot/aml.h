// A small builder of AML, the byte code of ACPI's definition blocks (ACPI specification 6.4, chapter 20):
// objects nest as values, and package lengths come out right by construction.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery::aml {

using Bytes = std::vector<u8>;

// Concatenation, for the bodies of scopes and packages.
Bytes join(std::initializer_list<Bytes> parts);

// A path of 4-character segments joined by '.', with an optional leading '\': "\\_SB.PCI0". Shorter segments
// are padded with '_'.
Bytes name_string(std::string_view path);

Bytes integer(u64 value);
Bytes string(std::string_view text);
// A compressed EISA id such as "PNP0A03".
Bytes eisa_id(std::string_view id);
Bytes buffer(const Bytes& contents);
// At most 255 elements.
Bytes package(const std::vector<Bytes>& elements);

Bytes named(std::string_view path, const Bytes& value);
Bytes scope(std::string_view path, const Bytes& body);
Bytes device(std::string_view path, const Bytes& body);

// Methods (20.2.5): terms of their bodies, and values in them.
Bytes method(std::string_view path, unsigned arguments, const Bytes& body);
Bytes argument(unsigned index);
Bytes store(const Bytes& value, const Bytes& target);
Bytes if_true(const Bytes& condition, const Bytes& body);
Bytes give_back(const Bytes& value);

// Resource descriptors (6.4), to be joined and given to resources().
Bytes io_ports(u16 first, u8 count);
Bytes irq(unsigned line);  // ISA: edge, active high, exclusive
Bytes fixed_memory(u32 base, u32 length);
Bytes bus_range(u16 first, u16 last);
Bytes io_window(u16 first, u16 last);
Bytes memory_window(u32 first, u32 last);
// A resource template: the descriptors and an end tag, as a buffer.
Bytes resources(const Bytes& descriptors);

}  // namespace orrery::aml
