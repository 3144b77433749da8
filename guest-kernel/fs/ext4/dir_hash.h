// The hashes by which an indexed directory finds a name (Linux, fs/ext4/hash.c).
#pragma once

#include "core/types.h"
#include "fs/name.h"

namespace ext4 {

enum class HashVersion : u8 {
    kLegacy = 0,
    kHalfMd4 = 1,
    kTea = 2,
    kLegacyUnsigned = 3,
    kHalfMd4Unsigned = 4,
    kTeaUnsigned = 5,
};
constexpr u8 kMaxHashVersion = 5;

/// The major hash of `name`: even, and never 0xfffffffe, which stands for the end. `seed` may be all zero
/// (then the algorithm's own start values count). `minor`: tells names of one major hash apart, mostly.
u32 dir_hash(const char* name, u32 length, HashVersion version, const u32 seed[4], u32* minor = nullptr);

}  // namespace ext4
