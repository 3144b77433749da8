#include "emulator/machine/boot/aml.h"

#include <stdexcept>
#include <string>

namespace orrery::aml {

namespace {

constexpr u8 kZero = 0x00, kOne = 0x01, kName = 0x08, kMethod = 0x14, kArgument0 = 0x68, kStore = 0x70,
             kIf = 0xa0, kReturn = 0xa4, kByte = 0x0a, kWord = 0x0b, kDword = 0x0c, kStringPrefix = 0x0d,
             kQword = 0x0e, kScope = 0x10, kBuffer = 0x11, kPackage = 0x12, kDualName = 0x2e,
             kMultiName = 0x2f, kExtended = 0x5b, kDevice = 0x82;

void append(Bytes& to, const Bytes& from) {
    to.insert(to.end(), from.begin(), from.end());
}

void put(Bytes& to, u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) to.push_back(static_cast<u8>(value >> (8 * i)));
}

// A package length counts itself (20.2.4).
Bytes with_length(const Bytes& body) {
    Bytes out;
    const size_t size = body.size();
    if (size + 1 < 0x40) {
        out.push_back(static_cast<u8>(size + 1));
    } else {
        unsigned more = 1;  // bytes behind the first
        while (size + 1 + more >= size_t{1} << (4 + 8 * more)) ++more;
        if (more > 3) throw std::logic_error("aml: a package is too long");
        const size_t total = size + 1 + more;
        out.push_back(static_cast<u8>(more << 6 | (total & 15)));
        put(out, total >> 4, more);
    }
    append(out, body);
    return out;
}

}  // namespace

Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) append(out, part);
    return out;
}

Bytes name_string(std::string_view path) {
    Bytes out;
    if (!path.empty() && path[0] == '\\') {
        out.push_back('\\');
        path.remove_prefix(1);
    }
    std::vector<std::string> segments;
    while (!path.empty()) {
        const size_t dot = path.find('.');
        std::string segment(path.substr(0, dot));
        segment.resize(4, '_');
        segments.push_back(segment);
        path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    }
    if (segments.empty()) out.push_back(kZero);
    if (segments.size() == 2) out.push_back(kDualName);
    if (segments.size() > 2) {
        out.push_back(kMultiName);
        out.push_back(static_cast<u8>(segments.size()));
    }
    for (const std::string& segment : segments) out.insert(out.end(), segment.begin(), segment.end());
    return out;
}

Bytes integer(u64 value) {
    if (value == 0) return {kZero};
    if (value == 1) return {kOne};
    Bytes out;
    if (value <= 0xff) {
        out = {kByte, static_cast<u8>(value)};
    } else if (value <= 0xffff) {
        out = {kWord};
        put(out, value, 2);
    } else if (value <= 0xffff'ffff) {
        out = {kDword};
        put(out, value, 4);
    } else {
        out = {kQword};
        put(out, value, 8);
    }
    return out;
}

Bytes string(std::string_view text) {
    Bytes out = {kStringPrefix};
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
    return out;
}

// Three letters of 5 bits and four hexadecimal digits, the bytes in big-endian order (19.3.4, EISAID).
Bytes eisa_id(std::string_view id) {
    u32 value = 0;
    for (size_t i = 0; i < 3; ++i) value = value << 5 | (static_cast<u32>(id[i]) - 0x40);
    value = value << 16 | static_cast<u32>(std::stoul(std::string(id.substr(3)), nullptr, 16));
    return integer(__builtin_bswap32(value));
}

Bytes buffer(const Bytes& contents) {
    return join({{kBuffer}, with_length(join({integer(contents.size()), contents}))});
}

Bytes package(const std::vector<Bytes>& elements) {
    Bytes body = {static_cast<u8>(elements.size())};
    for (const Bytes& element : elements) append(body, element);
    return join({{kPackage}, with_length(body)});
}

Bytes named(std::string_view path, const Bytes& value) {
    return join({{kName}, name_string(path), value});
}

Bytes scope(std::string_view path, const Bytes& body) {
    return join({{kScope}, with_length(join({name_string(path), body}))});
}

Bytes device(std::string_view path, const Bytes& body) {
    return join({{kExtended, kDevice}, with_length(join({name_string(path), body}))});
}

Bytes method(std::string_view path, unsigned arguments, const Bytes& body) {
    return join({{kMethod}, with_length(join({name_string(path), {static_cast<u8>(arguments)}, body}))});
}

Bytes argument(unsigned index) {
    return {static_cast<u8>(kArgument0 + index)};
}

Bytes store(const Bytes& value, const Bytes& target) {
    return join({{kStore}, value, target});
}

Bytes if_true(const Bytes& condition, const Bytes& body) {
    return join({{kIf}, with_length(join({condition, body}))});
}

Bytes give_back(const Bytes& value) {
    return join({{kReturn}, value});
}

Bytes io_ports(u16 first, u8 count) {
    Bytes out = {0x47, 1};  // 16-bit decode
    put(out, first, 2);
    put(out, first, 2);
    out.push_back(1);
    out.push_back(count);
    return out;
}

Bytes irq(unsigned line) {
    Bytes out = {0x22};
    put(out, u64{1} << line, 2);
    return out;
}

Bytes fixed_memory(u32 base, u32 length) {
    Bytes out = {0x86, 9, 0, 1};  // read-write
    put(out, base, 4);
    put(out, length, 4);
    return out;
}

namespace {

// Address space descriptors (6.4.3.5): minimum and maximum fixed, decoded by the bridge.
Bytes window(u8 tag, u8 resource_type, u8 type_flags, u64 first, u64 last, unsigned size) {
    Bytes out = {tag};
    put(out, 3 + 5 * size, 2);
    out.push_back(resource_type);
    out.push_back(0x0c);
    out.push_back(type_flags);
    put(out, 0, size);  // granularity
    put(out, first, size);
    put(out, last, size);
    put(out, 0, size);  // no translation
    put(out, last - first + 1, size);
    return out;
}

}  // namespace

Bytes bus_range(u16 first, u16 last) {
    return window(0x88, 2, 0, first, last, 2);
}

Bytes io_window(u16 first, u16 last) {
    return window(0x88, 1, 3, first, last, 2);
}

Bytes memory_window(u32 first, u32 last) {
    return window(0x87, 0, 1, first, last, 4);
}

Bytes resources(const Bytes& descriptors) {
    return buffer(join({descriptors, {0x79, 0}}));
}

}  // namespace orrery::aml
