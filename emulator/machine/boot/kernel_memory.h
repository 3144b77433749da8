// Where a kernel's bytes go in physical memory, and where the loader's own structures go beside them.
//
// A kernel may have any memory that the map gives as free (memory_map.h), also below 1 MiB, and the part of the
// firmware's area behind the ACPI tables: a linker that puts the code at 1 MiB puts the page of the file's headers
// in front of it.
#pragma once

#include <vector>

#include "emulator/core/bus/bus.h"
#include "emulator/machine/boot/boot_image.h"

namespace orrery {

class KernelMemory {
  public:
    // Messages name `image`, whose bytes are loaded; both must outlive this.
    KernelMemory(Bus& bus, const BootImage& image) : bus_(bus), image_(image) {}

    // Copies `file_size` bytes at `offset` of the file to `physical`, and zeros up to `memory_size`. Throws BootError
    // where the file has not got them, or the memory is not the kernel's to have.
    void load(u64 physical, u64 offset, u64 file_size, u64 memory_size);

    // Conventional memory for `size` bytes of the loader's: at `wanted` if that is free, else at the lowest page from
    // 4 KiB on that is. What this gives is taken from then on. Throws BootError where there is none.
    u64 place(u64 wanted, u64 size);

    // Whether `physical` was loaded.
    bool holds(u64 physical) const;
    // The first address at or above 1 MiB behind all that was loaded.
    u64 end() const;
    bool empty() const { return taken_.empty(); }

  private:
    struct Range {
        u64 begin, end;
    };
    bool is_free(u64 begin, u64 end) const;

    Bus& bus_;
    const BootImage& image_;
    std::vector<Range> taken_;
};

}  // namespace orrery
