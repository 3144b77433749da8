// The checksums of ext4 and its journal: CRC-32C (Castagnoli, reflected) and CRC-16 (ANSI, reflected), as
// Linux's lib/crc32.c and lib/crc16.c give them: the running value goes in and comes out without inversion.
#pragma once

#include "core/types.h"

/// By the processor's CRC32 instruction from now on, if it has that. At boot.
void init_checksums();

u32 crc32c(u32 crc, const void* data, size_t size);
/// The same without the instruction.
u32 crc32c_by_table(u32 crc, const void* data, size_t size);
u16 crc16(u16 crc, const void* data, size_t size);
