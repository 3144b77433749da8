// Unpacking the initial file tree: cpio archives in "newc" format (cpio(5); Linux,
// Documentation/driver-api/early-userspace/buffer-format.rst), one or several behind each other.
#pragma once

#include "core/result.h"

/// Unpacks `size` bytes at `archive` into the root. Several archives may follow each other, with zero bytes
/// between. EINVAL for what is no newc archive or is cut short; errors of making files go up (ENOSPC,
/// ENOMEM). Files that came before the error stay.
Result<void> unpack_initramfs(const void* archive, size_t size);
