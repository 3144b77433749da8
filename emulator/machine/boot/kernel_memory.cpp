#include "emulator/machine/boot/kernel_memory.h"

#include <algorithm>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/memory_map.h"

namespace orrery {

namespace {

// Of [begin, end) below 1 MiB.
bool is_for_kernels(u64 begin, u64 end) {
    return end <= kEbdaAddress || begin >= kAcpiTablesEnd;
}

}  // namespace

void KernelMemory::load(u64 physical, u64 offset, u64 file_size, u64 memory_size) {
    const auto fail = [this](const std::string& why) { throw BootError(image_.name + ": " + why); };
    if (file_size > memory_size) fail("has a part with more bytes than memory");
    if (!image_.has(offset, file_size)) fail("is truncated: a part of it lies beyond its end");
    const u64 end = physical + memory_size;
    if (end < physical || end > kPciHoleStart) fail("wants physical addresses that are not memory");
    if (end > bus_.ram_size())
        fail("needs " + mebibytes(end) + " of memory, the machine has " + mebibytes(bus_.ram_size()));
    if (!is_for_kernels(physical, end)) fail("wants memory below 1 MiB that is not free");
    taken_.push_back({physical, end});
    bus_.dma_write(physical, image_.bytes.data() + offset, file_size);
    // Fresh RAM is zero, but the machine may have run before, and two parts of a file may overlap.
    const std::vector<u8> zeros(std::min<u64>(memory_size - file_size, 1 << 20));
    for (u64 at = physical + file_size; at < end;) {
        const u64 count = std::min<u64>(zeros.size(), end - at);
        bus_.dma_write(at, zeros.data(), count);
        at += count;
    }
}

bool KernelMemory::is_free(u64 begin, u64 end) const {
    return end <= kEbdaAddress && std::none_of(taken_.begin(), taken_.end(), [&](const Range& range) {
               return begin < range.end && range.begin < end;
           });
}

u64 KernelMemory::place(u64 wanted, u64 size) {
    u64 at = wanted;
    if (!is_free(at, at + size)) {
        for (at = kPageSize; at < kEbdaAddress && !is_free(at, at + size);) at += kPageSize;
        if (at >= kEbdaAddress)
            throw BootError(image_.name + ": leaves no room below 1 MiB for what a boot loader hands over");
    }
    taken_.push_back({at, at + size});
    return at;
}

bool KernelMemory::holds(u64 physical) const {
    return std::any_of(taken_.begin(), taken_.end(),
                       [&](const Range& range) { return physical >= range.begin && physical < range.end; });
}

u64 KernelMemory::end() const {
    u64 last = kHighMemory;
    for (const Range& range : taken_) last = std::max(last, range.end);
    return last;
}

}  // namespace orrery
