// The ring as rows.
#include "emulator/inspect/models/ring.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/inspect/models/registers.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

RingState state_of(const Cpu& cpu) {
    return {cpu.cpl, cpu.rip(), cpu.gpr[kRsp], cpu.gpr[kRcx], cpu.gpr[11], cpu.gpr[kRax], cpu.cr3};
}

std::string explain(const RegistersModel& now) {
    if (now.ring == 3)
        return "The program runs with the processor's least rights. SYSCALL, an interrupt or a fault takes "
               "it into the kernel.";
    if (now.location == "entry_SYSCALL_64")
        return "SYSCALL has put the return address into RCX, the flags into R11, and gone on at IA32_LSTAR "
               "with the kernel's CS and SS. The kernel's entry code now runs SWAPGS, switches to the task's "
               "kernel stack, saves the registers, and calls sys_call_table[RAX].";
    if (now.activity == "halted")
        return "HLT: the processor waits for an interrupt. Nothing is ready to run.";
    return "The kernel runs with all rights: on behalf of the task above, or for an interrupt.";
}

// The crossing that led to this very moment, if one did.
const LastCrossing::Crossing* just_now(const ModelContext& context, const Cpu& cpu) {
    if (context.crossing == nullptr || !context.crossing->last()) return nullptr;
    const LastCrossing::Crossing& last = *context.crossing->last();
    const u64 now = context.machine.moment().instructions;
    const bool here = last.cpu == cpu.id && last.before.cpl != cpu.cpl;
    return here && now - last.moment.instructions <= 1 ? &last : nullptr;
}

}  // namespace

// The event comes before anything has changed.
LastCrossing::LastCrossing(Machine& machine) : machine_(machine) {
    const u32 kinds = Observers::bit(EventKind::RingEnter) | Observers::bit(EventKind::RingLeave);
    subscription_ = machine_.observers().subscribe(kinds, [this](const Event& event) {
        last_ = Crossing{event.cpu, event.moment, state_of(machine_.cpu(event.cpu))};
        last_->before.rip = event.rip;
        last_->before.cpl = event.cpl;
    });
}

LastCrossing::~LastCrossing() {
    machine_.observers().unsubscribe(subscription_);
}

RingModel ring_model(const ModelContext& context) {
    const Cpu& cpu = context.machine.cpu(context.cpu);
    const RegistersModel registers = registers_model(context, {});
    RingModel model;
    model.ring = registers.ring;
    model.mode = registers.mode;
    model.activity = registers.activity;
    model.task = registers.task;
    model.location = registers.location;
    model.source = registers.source;
    model.explanation = explain(registers);
    const RingState now = state_of(cpu);
    RingState before = now;
    if (const LastCrossing::Crossing* crossing = just_now(context, cpu)) {
        model.crossed = true;
        model.crossed_at = crossing->moment.instructions;
        before = crossing->before;
    }
    model.rows = {{"CPL", before.cpl, now.cpl}, {"RIP", before.rip, now.rip}, {"RSP", before.rsp, now.rsp},
                  {"RCX", before.rcx, now.rcx}, {"R11", before.r11, now.r11}, {"RAX", before.rax, now.rax},
                  {"CR3", before.cr3, now.cr3}};
    return model;
}

std::string to_text(const RingModel& model) {
    std::string text =
        fmt::format("ring {}, {}  {}  {}  {}\n", model.ring, model.ring == 3 ? "user mode" : "kernel mode",
                    model.task.empty() ? "no task" : model.task, model.mode, model.activity);
    if (!model.location.empty())
        text += model.location + (model.source.empty() ? "" : fmt::format("  ({})", model.source)) + "\n";
    text += model.explanation + "\n\n";
    std::vector<std::vector<std::string>> rows;
    for (const RingRow& row : model.rows) {
        const auto value = [&](u64 number) {
            return row.name == "CPL" ? fmt::format("{}", number) : hex64(number);
        };
        if (model.crossed)
            rows.push_back({row.name, value(row.before), value(row.now), row.before != row.now ? "*" : ""});
        else
            rows.push_back({row.name, value(row.now)});
    }
    if (!model.crossed) return text + table_text({"", "now"}, rows);
    return text + fmt::format("crossed at instruction {}\n", grouped(model.crossed_at)) +
           table_text({"", "before", "now", ""}, rows);
}

Json to_json(const RingModel& model) {
    Json json;
    json["ring"] = model.ring;
    json["mode"] = model.mode;
    json["activity"] = model.activity;
    json["task"] = model.task;
    json["location"] = model.location;
    json["source"] = model.source;
    json["crossed"] = model.crossed;
    if (model.crossed) json["crossed_at"] = model.crossed_at;
    json["registers"] = Json::object();
    for (const RingRow& row : model.rows) {
        Json entry = {{"now", hex64(row.now)}};
        if (model.crossed) entry["before"] = hex64(row.before);
        json["registers"][row.name] = std::move(entry);
    }
    return json;
}

}  // namespace orrery
