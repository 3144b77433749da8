#include "cli/show_moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include "cli/guest_options.h"
#include "emulator/guestos/kernel_slide.h"
#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/isa/number.h"
#include "emulator/points/breakpoints.h"
#include "emulator/time-travel/timeline/query_text.h"

namespace orrery {
namespace {

// Notes the calls that a tracer tells of.
class CallNoted : public SyscallListener {
  public:
    explicit CallNoted(u64 number) : number_(number) {}
    void entered(const SyscallRecord& record) override { noted_ = noted_ || record.call.number == number_; }
    void finished(const SyscallRecord&) override {}
    void noted(const SyscallRecord&) override {}
    // One since the last time.
    bool take() { return std::exchange(noted_, false); }

  private:
    u64 number_;
    bool noted_ = false;
};

}  // namespace

ShowMoment::ShowMoment(std::string text, DebugInfo* kernel, std::vector<std::string> command)
    : text_(std::move(text)), kernel_(kernel), command_(std::move(command)) {
    if (text_.empty()) return;
    // What begins with 0x is an address.
    if (text_.find_first_not_of("0123456789") == text_.npos) {
        count_ = parse_number(text_, kLargestCount);
        if (!count_)
            throw UsageError(
                fmt::format("show: --at {}: not a count of instructions (0 to {})", text_, kLargestCount));
        return;
    }
    if (text_.starts_with("syscall:")) {
        call_ = syscall_number(text_.substr(8));
        if (!call_) throw UsageError(fmt::format("show: --at {}: no system call is called so", text_));
        return;
    }
    std::istringstream stream(text_);
    std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    back_ = !words.empty() && words[0] == "last";
    if (back_) words.erase(words.begin());
    if (!back_ && (words.empty() || !is_query_word(words[0]))) {
        read_place();
        return;
    }
    try {
        query_ = parse_query(words, kernel_);
    } catch (const QueryError& error) {
        throw UsageError(fmt::format("show: --at {}: {}", text_, error.what()));
    }
}

void ShowMoment::read_place() {
    try {
        place_ = resolve_place(text_, kernel_);
    } catch (const BreakpointError& error) {
        throw UsageError(
            fmt::format("show: --at {}: an instruction count, syscall:NAME, a query, or a place in "
                        "the kernel ({})",
                        text_, error.what()));
    }
}

std::string ShowMoment::reach(Navigation& navigation, std::optional<Moment> end, u64 budget,
                              const std::function<bool()>& printed) {
    RunLimits limits;
    limits.instructions = budget;
    Machine& machine = navigation.time().machine();
    try {
        if (text_.empty()) return to_end(navigation, end, budget, printed);
        if (call_) return to_call(navigation, limits);
        if (place_) return to_place(navigation, limits);
        if (query_ && back_) to_end(navigation, end, budget, printed);
        if (query_) return to_match(navigation, limits, {going::Match{*query_}, back_});
    } catch (const QueryError& error) {
        throw UsageError(fmt::format("show: --at {}: {}", text_, error.what()));
    } catch (const TimeError& error) {
        throw UsageError(fmt::format("show: --at {}: {}", text_, error.what()));
    }
    limits.instructions = std::min(*count_, budget);
    navigation.time().run_through(limits);
    const u64 now = machine.moment().instructions;
    return now < *count_ ? fmt::format("the guest came only to instruction {}", now) : "";
}

std::string ShowMoment::to_end(Navigation& navigation, std::optional<Moment> end, u64 budget,
                               const std::function<bool()>& printed) {
    Machine& machine = navigation.time().machine();
    if (end) {
        navigation.time().seek(*end);
        return "";
    }
    RunLimits limits;
    limits.instructions = budget;
    navigation.go({going::Waiting{printed}}, limits);
    if (!machine.ended() || !command_.empty()) return "";
    return fmt::format("the guest ended at instruction {}", machine.moment().instructions);
}

std::string ShowMoment::to_match(Navigation& navigation, const RunLimits& limits, const Journey& journey) {
    const Arrival arrival = navigation.go(journey, limits);
    if (arrival.why == Arrival::Why::Done) return "";
    return fmt::format("{}: there is none up to instruction {}", text_, navigation.time().now().instructions);
}

// To the first time a program (the command or its children, if there is one) makes this call: just after its
// SYSCALL instruction.
std::string ShowMoment::to_call(Navigation& navigation, const RunLimits& limits) {
    Machine& machine = navigation.time().machine();
    going::Match match;
    match.query.what = Query::What::SystemCall;
    match.query.number = call_;
    std::optional<SyscallTracer> tracer;
    CallNoted noted(*call_);
    if (!command_.empty()) {
        // Its first call is known to be one when it returns.
        match.query = {};
        match.query.what = Query::What::SystemEdge;
        match.only = [&noted](const Event&) { return noted.take(); };
        tracer.emplace(machine, navigation.os());
        tracer->only_command(command_);
        tracer->listen(&noted);
    }
    const Arrival arrival = navigation.go({match}, limits);
    if (arrival.why != Arrival::Why::HistoryEnd) return "";
    return fmt::format("no program made the call by instruction {}, where the guest ended",
                       machine.moment().instructions);
}

std::string ShowMoment::to_place(Navigation& navigation, const RunLimits& limits) {
    Machine& machine = navigation.time().machine();
    // A name says where it lies only once the kernel has chosen its place.
    const bool named = text_[0] < '0' || text_[0] > '9';
    if (named && KernelSlide(machine, kernel_).reach(limits) == StopReason::Budget)
        place_ = resolve_place(text_, kernel_);
    if (navigation.go({going::Place{*place_}}, limits).why == Arrival::Why::Done) return "";
    return fmt::format("{} was not reached by instruction {}", text_, machine.moment().instructions);
}

}  // namespace orrery
