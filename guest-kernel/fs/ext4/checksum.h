// The checksums of ext4 and its journal: CRC-32C (Castagnoli, reflected) and CRC-16 (ANSI, reflected), as
// Linux's lib/crc32.c and lib/crc16.c give them: the running value goes in and comes out without inversion.
#pragma once

#include "core/types.h"

u32 crc32c(u32 crc, const void* data, size_t size);
u16 crc16(u16 crc, const void* data, size_t size);
