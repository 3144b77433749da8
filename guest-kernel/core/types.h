// Fixed-width integers and the ABI's scalar types, under the names the rest of the kernel uses.
//
// Guarantees: identical to the C library's types on x86-64 Linux, so portable files also build on the host.
#pragma once

#include <stddef.h>
#include <stdint.h>

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

#if __STDC_HOSTED__
#include <sys/types.h>
#else
using ssize_t = long;
using pid_t = int;
using uid_t = u32;
using gid_t = u32;
using loff_t = i64;
using dev_t = u64;
using ino_t = u64;
using mode_t = u32;
using time_t = i64;
using clockid_t = int;
#endif
using umode_t = u32;

constexpr u64 kNsPerSec = 1'000'000'000;

constexpr u64 align_up(u64 value, u64 alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}
constexpr u64 align_down(u64 value, u64 alignment) {
    return value & ~(alignment - 1);
}

template <class T>
constexpr T min(T a, T b) {
    return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
    return a < b ? b : a;
}
