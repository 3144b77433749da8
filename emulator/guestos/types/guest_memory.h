// Guest memory as the debugger reads it: bytes at linear addresses, without any effect on the machine. Tests
// put synthetic memory behind it.
#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "emulator/isa/types.h"

namespace orrery {

class GuestMemory {
  public:
    virtual ~GuestMemory() = default;

    // Copies `size` bytes at `linear` to `to`. How many could be read from the beginning on: fewer where a
    // page is not mapped, or is no RAM.
    virtual size_t read(u64 linear, void* to, size_t size) const = 0;

    // The physical address of `linear`, nothing where it is not mapped.
    virtual std::optional<u64> physical(u64 linear) const = 0;

    bool read_all(u64 linear, void* to, size_t size) const { return read(linear, to, size) == size; }

    template <typename T>
    std::optional<T> value(u64 linear) const {
        T result;
        if (!read_all(linear, &result, sizeof result)) return std::nullopt;
        return result;
    }

    struct CString {
        std::string text;
        bool complete = false;  // the terminating zero was found
        bool readable = false;  // at least one byte could be read
    };
    // The zero-terminated string at `linear`, at most `limit` bytes of it.
    CString string(u64 linear, size_t limit) const;
};

class Machine;

// The memory of a machine, translated by CPU `cpu`'s present tables, or by those at `cr3`.
class MachineMemory : public GuestMemory {
  public:
    MachineMemory(Machine& machine, unsigned cpu, std::optional<u64> cr3 = std::nullopt)
        : machine_(machine), cpu_(cpu), cr3_(cr3) {}
    size_t read(u64 linear, void* to, size_t size) const override;
    std::optional<u64> physical(u64 linear) const override;

  private:
    Machine& machine_;
    unsigned cpu_;
    std::optional<u64> cr3_;
};

}  // namespace orrery
