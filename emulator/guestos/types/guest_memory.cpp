// Strings from guest memory, page by page; the machine's memory by Machine::peek.
#include "emulator/guestos/types/guest_memory.h"

#include <algorithm>

#include "emulator/machine/machine.h"

namespace orrery {

GuestMemory::CString GuestMemory::string(u64 linear, size_t limit) const {
    CString result;
    while (result.text.size() < limit) {
        // Never across a page in one read: the next page may not be there, and need not be.
        const u64 to_page_end = 4096 - (linear & 4095);
        char chunk[256];
        const size_t want =
            std::min({sizeof chunk, static_cast<size_t>(to_page_end), limit - result.text.size()});
        const size_t got = read(linear, chunk, want);
        if (got > 0) result.readable = true;
        if (const char* end = static_cast<const char*>(std::memchr(chunk, 0, got))) {
            result.text.append(chunk, static_cast<size_t>(end - chunk));
            result.complete = true;
            return result;
        }
        result.text.append(chunk, got);
        if (got < want) return result;
        linear += got;
    }
    return result;
}

size_t MachineMemory::read(u64 linear, void* to, size_t size) const {
    return machine_.peek(cpu_, linear, to, size, cr3_);
}

std::optional<u64> MachineMemory::physical(u64 linear) const {
    const WalkResult result = machine_.translate(cpu_, linear, cr3_);
    if (!result.ok) return std::nullopt;
    return result.physical;
}

}  // namespace orrery
