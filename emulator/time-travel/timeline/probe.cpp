#include "emulator/time-travel/timeline/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/tasks.h"
#include "emulator/guestos/types/debug_info.h"

namespace orrery {
namespace {

u32 kinds_of(Query::What what) {
    const auto bit = Observers::bit;
    switch (what) {
        case Query::What::RingCrossing:
            return bit(EventKind::RingEnter) | bit(EventKind::RingLeave);
        case Query::What::SystemCall:
            return bit(EventKind::SystemCall);
        case Query::What::SystemReturn:
            return bit(EventKind::SystemCall) | bit(EventKind::SystemReturn);
        case Query::What::PageFault:
            return bit(EventKind::Exception);
        case Query::What::Interrupt:
            return bit(EventKind::Interrupt);
        case Query::What::DeviceAccess:
            return bit(EventKind::PortIo) | bit(EventKind::Mmio);
        case Query::What::MemoryAccess:
            return bit(EventKind::DataAccess);
        default:
            return bit(EventKind::Breakpoint);
    }
}

}  // namespace

std::optional<int> running_task(Machine& machine, const DebugInfo* kernel, unsigned cpu) {
    if (kernel == nullptr) return std::nullopt;
    try {
        const MachineMemory memory(machine, cpu);
        const GuestTasks tasks(*kernel, memory, guest_cpus(machine));
        const u64 task = tasks.current(cpu);
        if (task != 0) return tasks.pid_of(task);
    } catch (const GuestReadError&) {
    }
    return std::nullopt;
}

Probe::Probe(Machine& machine, const DebugInfo* kernel, Query query)
    : machine_(machine),
      kernel_(kernel),
      query_(std::move(query)),
      kinds_(kinds_of(query_.what)),
      code_(query_.code) {
    if (query_.pid && kernel_ == nullptr) throw QueryError("without the kernel's symbols no task is known");
    if (!query_.device.empty()) {
        const auto regions = machine_.bus().regions();
        if (std::none_of(regions.begin(), regions.end(),
                         [&](const auto& region) { return region.device->name() == query_.device; }))
            throw QueryError(fmt::format("no device with registers is called {}", query_.device));
    }
    if (query_.what != Query::What::ContextSwitch) return;
    const Symbol* symbol = kernel_ != nullptr ? kernel_->symbols.find("__switch_to") : nullptr;
    if (symbol == nullptr) throw QueryError("the kernel's symbols have no __switch_to");
    code_ = {symbol->address};
}

bool Probe::lands_before() const {
    return query_.what == Query::What::ContextSwitch || query_.what == Query::What::MemoryAccess ||
           query_.what == Query::What::Code;
}

bool Probe::is_this_task(const Event& event) const {
    return !query_.pid || running_task(machine_, kernel_, event.cpu) == query_.pid;
}

bool Probe::is_this_device(const Event& event) const {
    const bool io = event.kind == EventKind::PortIo;
    const u64 address = io ? event.value : event.address;
    if (query_.address && *query_.address != address) return false;
    if (query_.device.empty()) return true;
    const auto regions = machine_.bus().regions();
    return std::any_of(regions.begin(), regions.end(), [&](const auto& region) {
        return region.io == io && address - region.base < region.length &&
               region.device->name() == query_.device;
    });
}

std::optional<bool> Probe::is_in_call(u64 task) const {
    const auto found = calls_.find(task);
    if (found == calls_.end()) return std::nullopt;
    return found->second && (!query_.number || found->second == query_.number);
}

// A return to the program ends a system call where the task is in one; else an interrupt or a fault.
Probe::Answer Probe::look_at_return(const Event& event) {
    const Cpu& cpu = machine_.cpu(event.cpu);
    const std::optional<int> pid = running_task(machine_, kernel_, event.cpu);
    task_ = pid ? static_cast<u64>(*pid) : cpu.cr3 & pte::kAddress;
    if (event.kind == EventKind::SystemCall) calls_[task_] = cpu.gpr[kRax] & 0xffff'ffff;
    if (event.kind != EventKind::SystemReturn) return Answer::No;
    const std::optional<bool> was_in_call = is_in_call(task_);
    calls_[task_].reset();
    if (query_.result && static_cast<i64>(cpu.gpr[kRax]) != *query_.result) return Answer::No;
    if (query_.pid && query_.pid != pid) return Answer::No;
    if (!was_in_call) return Answer::IfEntered;
    return *was_in_call ? Answer::Yes : Answer::No;
}

Probe::Answer Probe::look(const Event& event) {
    const Cpu& cpu = machine_.cpu(event.cpu);
    const auto answer = [](bool matches) { return matches ? Answer::Yes : Answer::No; };
    switch (query_.what) {
        case Query::What::RingCrossing:
            return answer((event.kind == EventKind::RingEnter || event.kind == EventKind::RingLeave) &&
                          is_this_task(event));
        case Query::What::SystemCall:
            return answer(event.kind == EventKind::SystemCall &&
                          (!query_.number || *query_.number == (cpu.gpr[kRax] & 0xffff'ffff)) &&
                          is_this_task(event));
        case Query::What::SystemReturn:
            return look_at_return(event);
        case Query::What::PageFault:
            return answer(event.kind == EventKind::Exception && event.value == static_cast<u32>(Vector::PF) &&
                          (!query_.address || event.address == *query_.address) && is_this_task(event));
        case Query::What::Interrupt:
            return answer(event.kind == EventKind::Interrupt &&
                          (!query_.number || *query_.number == event.value) && is_this_task(event));
        case Query::What::DeviceAccess:
            return answer((event.kind == EventKind::PortIo || event.kind == EventKind::Mmio) &&
                          is_this_device(event) && is_this_task(event));
        case Query::What::MemoryAccess:
            return answer(std::any_of(query_.data.begin(), query_.data.end(),
                                      [&](const DataPoint& point) { return point.matches(event); }) &&
                          is_this_task(event));
        default:
            return answer(event.kind == EventKind::Breakpoint &&
                          std::find(code_.begin(), code_.end(), event.address) != code_.end() &&
                          is_this_task(event));
    }
}

}  // namespace orrery
