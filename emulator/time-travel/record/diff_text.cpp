// What differs between two runs, in words.
#include <fmt/format.h>

#include "emulator/time-travel/record/diff.h"

namespace orrery {

namespace {

std::string io_text(const char* what, u64 place, u32 size, bool write, u64 data) {
    return fmt::format("{} {} {} bytes at {:#x}: {:#x}", what, write ? "write of" : "read of", size, place,
                       data);
}

std::string ring_text(const Event& event) {
    static constexpr const char* kEnter[] = {"SYSCALL", "an exception or interrupt", "a far call"};
    static constexpr const char* kLeave[] = {"SYSRET", "IRET", "a far return"};
    const bool enters = event.kind == EventKind::RingEnter;
    return fmt::format("ring {} by {}", enters ? "3 to 0" : "0 to 3",
                       event.value < 3 ? (enters ? kEnter : kLeave)[event.value] : "?");
}

template <typename T>
void compare(std::vector<std::string>& lines, const char* what, const T& a, const T& b) {
    if (a != b) lines.push_back(fmt::format("{}: {} and {}", what, a, b));
}

}  // namespace

std::string event_text(const Event& event) {
    switch (event.kind) {
        case EventKind::RingEnter:
        case EventKind::RingLeave:
            return ring_text(event);
        case EventKind::SystemCall:
            return "system call";
        case EventKind::SystemReturn:
            return "return from a system call";
        case EventKind::Exception:
            return fmt::format("exception {} (error code {:#x}, address {:#x})", event.value, event.detail,
                               event.address);
        case EventKind::Interrupt:
            return fmt::format("interrupt {:#x}", event.value);
        case EventKind::TlbFill:
            return fmt::format("TLB fill ({}) for {:#x}: page {:#x}",
                               event.value == 0 ? "data" : "instruction", event.address,
                               event.detail & ~u64{0xfff});
        case EventKind::TlbInvalidate:
            return fmt::format("TLB invalidation {} at {:#x}", event.value, event.address);
        case EventKind::AddressSpace:
            return fmt::format("CR3 becomes {:#x}", event.address);
        case EventKind::PortIo:
            return io_text("port", event.value, static_cast<u32>(event.address >> 8),
                           (event.address & 1) != 0, event.detail);
        case EventKind::Mmio:
            return io_text("device", event.address, event.value >> 8, (event.value & 1) != 0, event.detail);
        case EventKind::Halt:
            return "HLT";
        case EventKind::UnknownInsn:
            return fmt::format("unknown instruction at {:#x}", event.address);
        default:
            return "event";
    }
}

std::vector<std::string> describe_differences(const RecordedMachine& a, const RecordedMachine& b) {
    std::vector<std::string> lines;
    compare(lines, "program version", a.version, b.version);
    compare(lines, "seed", a.config.seed, b.config.seed);
    compare(lines, "memory (bytes)", a.config.ram_size, b.config.ram_size);
    compare(lines, "CPUs", a.config.cpus, b.config.cpus);
    compare(lines, "CPU features (bits)", a.config.features.bits(), b.config.features.bits());
    compare(lines, "clock (0 cycles, 1 icount)", static_cast<int>(a.config.clock),
            static_cast<int>(b.config.clock));
    compare(lines, "network cards", a.config.network.present, b.config.network.present);
    compare(lines, "displays", a.config.display.present, b.config.display.present);
    compare(lines, "kernel command line", a.command_line, b.command_line);
    if (a.extra_initrd != b.extra_initrd) lines.emplace_back("the commands after -- are not the same");
    compare(lines, "number of images", a.images.size(), b.images.size());
    for (size_t i = 0; i < std::min(a.images.size(), b.images.size()); ++i)
        if (a.images[i].hash != b.images[i].hash || a.images[i].role != b.images[i].role)
            lines.push_back(fmt::format("{}: {} and {} are not the same file", a.images[i].role,
                                        a.images[i].name, b.images[i].name));
    return lines;
}

}  // namespace orrery
