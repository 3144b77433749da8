#include "emulator/time-travel/timeline/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/guest_os.h"

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
        case Query::What::SystemEdge:
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

u64 task_key(const GuestOs& os, Machine& machine, unsigned cpu) {
    const std::optional<int> pid = running_pid(os, machine, cpu);
    return pid ? static_cast<u64>(*pid) : machine.cpu(cpu).cr3 & pte::kAddress;
}

Probe::Probe(Machine& machine, const GuestOs& os, Query query)
    : machine_(machine),
      os_(os),
      query_(std::move(query)),
      kinds_(kinds_of(query_.what)),
      code_(query_.code) {
    if (query_.cpu && *query_.cpu >= machine_.cpu_count())
        throw QueryError(fmt::format("there is no CPU {}", *query_.cpu));
    if (query_.pid && !os_.tells_who_runs()) throw QueryError(os_.problem());
    if (!query_.device.empty()) {
        const auto regions = machine_.bus().regions();
        if (std::none_of(regions.begin(), regions.end(),
                         [&](const auto& region) { return region.device->name() == query_.device; }))
            throw QueryError(fmt::format("no device with registers is called {}", query_.device));
    }
    if (query_.what != Query::What::ContextSwitch) return;
    const std::optional<u64> function = os_.switch_function();
    if (!function) throw QueryError("the kernel's symbols do not tell where it switches tasks");
    code_ = {*function};
}

bool Probe::is_this_task(const Event& event) const {
    return !query_.pid || running_pid(os_, machine_, event.cpu) == query_.pid;
}

bool Probe::is_this_device(const Event& event) const {
    const auto* port = event.get<event::PortIo>();
    const bool io = port != nullptr;
    const u64 address = io ? port->port : event.get<event::Mmio>()->physical;
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
    task_ = task_key(os_, machine_, event.cpu);
    if (const auto* call = event.get<event::SystemCall>()) calls_[task_] = call->number;
    const auto* back = event.get<event::SystemReturn>();
    if (back == nullptr) return Answer::No;
    const std::optional<bool> was_in_call = is_in_call(task_);
    calls_[task_].reset();
    if (query_.result && static_cast<i64>(back->result) != *query_.result) return Answer::No;
    if (!is_this_task(event) || !is_this_cpu(event)) return Answer::No;
    if (!was_in_call) return Answer::IfEntered;
    return *was_in_call ? Answer::Yes : Answer::No;
}

Probe::Answer Probe::look(const Event& event) {
    if (query_.what == Query::What::SystemReturn) return look_at_return(event);
    return is_this_cpu(event) && is_one(event) && is_this_task(event) ? Answer::Yes : Answer::No;
}

bool Probe::is_one(const Event& event) const {
    switch (query_.what) {
        case Query::What::RingCrossing:
            return event.kind() == EventKind::RingEnter || event.kind() == EventKind::RingLeave;
        case Query::What::SystemCall: {
            const auto* call = event.get<event::SystemCall>();
            return call != nullptr && (!query_.number || *query_.number == call->number);
        }
        case Query::What::SystemEdge:
            return event.kind() == EventKind::SystemCall || event.kind() == EventKind::SystemReturn;
        case Query::What::PageFault: {
            const auto* fault = page_fault(event);
            return fault != nullptr && (!query_.address || fault->address == *query_.address);
        }
        case Query::What::Interrupt: {
            const auto* interrupt = event.get<event::Interrupt>();
            return interrupt != nullptr && (!query_.number || *query_.number == interrupt->vector);
        }
        case Query::What::DeviceAccess:
            return (event.kind() == EventKind::PortIo || event.kind() == EventKind::Mmio) &&
                   is_this_device(event);
        case Query::What::MemoryAccess:
            return std::any_of(query_.data.begin(), query_.data.end(),
                               [&](const DataPoint& point) { return point.matches(event); });
        default: {
            const auto* reached = event.get<event::Breakpoint>();
            return reached != nullptr &&
                   std::find(code_.begin(), code_.end(), reached->linear) != code_.end();
        }
    }
}

}  // namespace orrery
