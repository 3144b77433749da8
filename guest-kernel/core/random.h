// The kernel's random numbers: a ChaCha20 generator (RFC 8439), fast key erasure after each request.
//
// Guarantees: reproducible on a deterministic machine: it is seeded from the clocks and from what
// add_device_randomness gives (virtio-rng), and from nothing else.
#pragma once

#include "core/types.h"

void get_random_bytes(void* buffer, size_t size);
/// Mix `size` bytes into the key.
void add_device_randomness(const void* bytes, size_t size);
