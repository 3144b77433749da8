// What differs between two runs, in words.
#include <fmt/format.h>

#include "emulator/time-travel/record/diff.h"

namespace orrery {

namespace {

// What happened, in words, kind by kind.
struct Words {
    std::string operator()(const event::Instruction&) const { return "instruction"; }
    std::string operator()(const event::RingEnter& it) const {
        using By = event::RingEnter::By;
        return fmt::format("ring 3 to 0 by {}", it.by == By::SystemCall ? "SYSCALL"
                                                : it.by == By::Event    ? "an exception or interrupt"
                                                                        : "a far call");
    }
    std::string operator()(const event::RingLeave& it) const {
        using By = event::RingLeave::By;
        return fmt::format("ring 0 to 3 by {}", it.by == By::SystemReturn ? "SYSRET"
                                                : it.by == By::Iret       ? "IRET"
                                                                          : "a far return");
    }
    std::string operator()(const event::SystemCall& it) const {
        return fmt::format("system call {}", it.number);
    }
    std::string operator()(const event::SystemReturn&) const { return "return from a system call"; }
    std::string operator()(const event::Exception& it) const {
        return fmt::format("exception {} (error code {:#x}, address {:#x})", it.vector, it.error_code,
                           it.address);
    }
    std::string operator()(const event::Interrupt& it) const {
        return fmt::format("interrupt {:#x}", it.vector);
    }
    std::string operator()(const event::TlbFill& it) const {
        return fmt::format("TLB fill ({}) for {:#x}: page {:#x}", it.instruction ? "instruction" : "data",
                           it.linear, it.frame);
    }
    std::string operator()(const event::TlbInvalidate& it) const {
        static constexpr const char* kBy[] = {"INVLPG", "a write of CR3", "INVPCID", "a write of CR0 or CR4"};
        return fmt::format("TLB invalidation by {}, {:#x}", kBy[static_cast<size_t>(it.by)], it.address);
    }
    std::string operator()(const event::AddressSpace& it) const {
        return fmt::format("CR3 becomes {:#x}", it.cr3);
    }
    std::string operator()(const event::PortIo& it) const {
        return fmt::format("port {} {} bytes at {:#x}: {:#x}", it.write ? "write of" : "read of", it.size,
                           it.port, it.data);
    }
    std::string operator()(const event::Mmio& it) const {
        return fmt::format("device {} {} bytes at {:#x}: {:#x}", it.write ? "write of" : "read of", it.size,
                           it.physical, it.data);
    }
    std::string operator()(const event::Halt& it) const { return it.by_mwait ? "MWAIT" : "HLT"; }
    std::string operator()(const event::Breakpoint& it) const {
        return fmt::format("instruction at {:#x}", it.linear);
    }
    std::string operator()(const event::DataAccess& it) const {
        return fmt::format("{} of {} bytes at physical {:#x}: {:#x}", it.write ? "write" : "read", it.size,
                           it.physical, it.data);
    }
    std::string operator()(const event::UnknownInsn& it) const {
        return fmt::format("unknown instruction at {:#x}", it.linear);
    }
    std::string operator()(const event::Stretch& it) const {
        return fmt::format("{} instructions from {:#x}, then {:#x}", it.instructions, it.linear, it.next);
    }
};

template <typename T>
void compare(std::vector<std::string>& lines, const char* what, const T& a, const T& b) {
    if (a != b) lines.push_back(fmt::format("{}: {} and {}", what, a, b));
}

}  // namespace

std::string event_text(const Event& event) {
    return std::visit(Words{}, event.what);
}

std::vector<std::string> describe_differences(const RecordedMachine& a, const RecordedMachine& b) {
    std::vector<std::string> lines;
    compare(lines, "program version", a.version, b.version);
    const std::vector<DescribedField> of_a = described(a.config), of_b = described(b.config);
    for (size_t i = 0; i < of_a.size(); ++i)
        compare(lines, of_a[i].field.name, of_a[i].text(), of_b[i].text());
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
