// Kernel heap: small objects from slabs, large ones from whole pages.
//
// Guarantees: 16-byte aligned (a power-of-two size up to 4096 is aligned to itself); never sleeps; returns
// nullptr when memory is short. kfree(nullptr) does nothing. operator new is nothrow: always check.
#pragma once

#include "core/types.h"

/// Uninitialised memory of at least `size` bytes (0 < size <= 4 MiB), or nullptr.
void* kmalloc(size_t size);
/// As kmalloc, zeroed.
void* kzalloc(size_t size);
/// Give back what kmalloc, kzalloc or operator new returned.
void kfree(const void* memory);
/// Bytes really usable at `memory`.
size_t ksize(const void* memory);
