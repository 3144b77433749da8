// The kernel's random numbers: what getrandom(2), /dev/random, /dev/urandom and AT_RANDOM give.
#pragma once

#include "core/types.h"

/// Fills `size` bytes. Never sleeps, never fails.
void get_random_bytes(void* out, size_t size);
/// Stirs bytes from a device or a program in; it never makes the generator worse.
void add_device_randomness(const void* bytes, size_t size);
