#include "cli/diff_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/inspection.h"
#include "cli/own_files.h"
#include "cli/subject.h"
#include "emulator/guestos/kernel_slide.h"
#include "emulator/time-travel/record/diff.h"

namespace orrery {

namespace {

// Kernel addresses only have symbols.
std::string symbol(const DebugInfo* kernel, u64 address, u8 cpl) {
    const std::string text = kernel == nullptr || cpl == 3 ? "" : kernel->symbols.describe(address);
    return text.empty() ? "" : " " + text;
}

void print_event(const char* which, const std::optional<Event>& event, const DebugInfo* kernel) {
    if (!event) return fmt::print("  {}: no further event there\n", which);
    fmt::print("  {}: instruction {}, tick {}, CPU {}, {:#x}{}: {}\n", which, event->moment.instructions,
               event->moment.ticks, event->cpu, event->rip, symbol(kernel, event->rip, event->cpl),
               event_text(*event));
}

void print_input(const char* which, const std::optional<LoggedInput>& input) {
    if (!input) return fmt::print("  {}: no further input\n", which);
    fmt::print("  {}: instruction {}, tick {}: {} bytes for {}\n", which, input->moment.instructions,
               input->moment.ticks, input->data.size(), input->device);
}

void print_step(const char* which, const DiffStep& step, const DebugInfo* kernel) {
    if (step.instruction.empty())
        return fmt::print("  {}: executes nothing more; it is at tick {}\n", which, step.after.ticks);
    fmt::print("  {}: CPU {}, ring {}, {:#x}{}: {}\n", which, step.cpu, step.cpl, step.rip,
               symbol(kernel, step.rip, step.cpl), step.instruction);
}

}  // namespace

void DiffOptions::declare(CLI::App& app) {
    app.add_option("a", a, "A recording")->required();
    app.add_option("b", b, "Another one")->required();
}

int run_diff(const DiffOptions& options) {
    ReplayMachine a(open_recording(options.a), image_directories(), nullptr);
    ReplayMachine b(open_recording(options.b), image_directories(), nullptr);
    const std::unique_ptr<DebugInfo> kernel_a = kernel_debug_info(a.kernel());
    const std::unique_ptr<DebugInfo> kernel_b = kernel_debug_info(b.kernel());
    for (const std::string& line : describe_differences(a.description(), b.description()))
        fmt::print("{}\n", line);
    const RunsDifference found = find_difference(a, b);
    KernelSlide(a.machine(), kernel_a.get()).follow();
    KernelSlide(b.machine(), kernel_b.get()).follow();
    if (found.same) {
        fmt::print("the same: {} instructions, {} events\n", found.end_a.instructions, found.events);
        return 0;
    }
    if (found.input_a || found.input_b) {
        fmt::print("first input that differs:\n");
        print_input("A", found.input_a);
        print_input("B", found.input_b);
    }
    if (found.events_differ) {
        fmt::print("first event that differs, after {} that are the same:\n", found.events);
        print_event("A", found.event_a, kernel_a.get());
        print_event("B", found.event_b, kernel_b.get());
    }
    std::string components;
    for (const std::string& name : found.components) components += (components.empty() ? "" : ", ") + name;
    if (found.from_the_start) fmt::print("they differ from the start: {}\n", components);
    if (found.instructions) {
        fmt::print("first instruction that differs: the states are the same after {} instructions; then\n",
                   *found.instructions);
        print_step("A", found.step_a, kernel_a.get());
        print_step("B", found.step_b, kernel_b.get());
        if (found.step_a.after != found.step_b.after)
            fmt::print("  it ends at tick {} in A, at tick {} in B\n", found.step_a.after.ticks,
                       found.step_b.after.ticks);
        for (const RegisterDifference& difference : found.registers)
            fmt::print("  {}: {:#x} in A, {:#x} in B\n", difference.name, difference.a, difference.b);
        if (!components.empty()) fmt::print("  what differs then: {}\n", components);
    } else if (!found.from_the_start) {
        fmt::print(
            "the same as far as both go: A ends at instruction {}, tick {}; B at instruction {}, tick {}\n",
            found.end_a.instructions, found.end_a.ticks, found.end_b.instructions, found.end_b.ticks);
    }
    return 1;
}

}  // namespace orrery
