// Name: one component of a path, as the directory cache and the file systems look it up.
//
// Guarantees: a view, not an owner; not terminated; the hash depends on the bytes only (FNV-1a), so that runs
// repeat exactly.
#pragma once

#include "core/string.h"
#include "core/types.h"

struct Name {
    const char* text = "";
    u32 length = 0;
    u32 hash = 0;

    Name() = default;
    Name(const char* bytes, size_t size)
        : text(bytes), length(static_cast<u32>(size)), hash(hash_of(bytes, size)) {}
    explicit Name(const char* terminated) : Name(terminated, strlen(terminated)) {}

    bool operator==(const Name& other) const {
        return hash == other.hash && length == other.length && memcmp(text, other.text, length) == 0;
    }
    bool operator==(const char* other) const {
        return strlen(other) == length && memcmp(text, other, length) == 0;
    }
    bool is_dot() const { return length == 1 && text[0] == '.'; }
    bool is_dotdot() const { return length == 2 && text[0] == '.' && text[1] == '.'; }

    static u32 hash_of(const char* bytes, size_t size) {
        u32 h = 2166136261u;
        for (size_t i = 0; i < size; i++) h = (h ^ static_cast<u8>(bytes[i])) * 16777619u;
        return h;
    }
};
