// Steps, made of the machine's events: Instruction comes before each instruction, and a stop asked for there
// leaves the machine before it.
#include "emulator/debug/debugger.h"

#include "emulator/isa/disassembler.h"

namespace orrery {
namespace {

// A subscription for one scope.
class Subscription {
  public:
    Subscription(Observers& observers, u32 kinds, Observers::Callback callback)
        : observers_(observers), id_(observers.subscribe(kinds, std::move(callback))) {}
    ~Subscription() { observers_.unsubscribe(id_); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

  private:
    Observers& observers_;
    Observers::Id id_;
};

CpuMode mode_of(const Cpu& cpu) {
    if (cpu.code64()) return CpuMode::Bits64;
    return cpu.seg[kCs].big() && (cpu.cr0 & cr0::kPe) != 0 ? CpuMode::Bits32 : CpuMode::Bits16;
}

DisassembledInsn present_insn(Machine& machine) {
    const Cpu& cpu = machine.cpu();
    u8 bytes[15];
    const u64 linear = cpu.rip() + (cpu.code64() ? 0 : cpu.seg[kCs].base);
    const size_t got = machine.peek(cpu.id, linear, bytes, sizeof bytes);
    if (got == 0) return {};
    return Disassembler(mode_of(cpu)).one({bytes, got}, cpu.rip());
}

bool begins_with(const std::string& text, const char* prefix) {
    return text.rfind(prefix, 0) == 0;
}

bool runs_elsewhere(const DisassembledInsn& insn) {
    return begins_with(insn.mnemonic, "call") || begins_with(insn.mnemonic, "int") ||
           insn.mnemonic == "syscall" || insn.mnemonic == "sysenter" || begins_with(insn.mnemonic, "rep");
}

bool is_return(const DisassembledInsn& insn) {
    return begins_with(insn.mnemonic, "ret") || begins_with(insn.mnemonic, "iret") ||
           begins_with(insn.mnemonic, "sysret") || begins_with(insn.mnemonic, "sysexit");
}

}  // namespace

StopCause Debugger::cause_of(StopReason reason) {
    switch (reason) {
        case StopReason::Budget:
            return StopCause::Limit;
        case StopReason::Requested:
            return StopCause::Requested;
        case StopReason::Idle:
            return StopCause::Idle;
        default:
            return StopCause::Ended;
    }
}

StopCause Debugger::run_watching(const RunLimits& limits, const std::function<bool(const Event&)>& wanted) {
    stopped_at_ = 0;
    const u64 begin = machine_.moment().instructions, begin_rip = machine_.cpu().rip();
    bool done = false;
    StopReason reason;
    {
        const Subscription watch(
            machine_.observers(), Observers::bit(EventKind::Instruction), [&](const Event& event) {
                // Where one stands does not count, or one would never leave.
                if (event.moment.instructions == begin && machine_.cpu(event.cpu).rip() == begin_rip) return;
                if (Breakpoint* hit = breakpoints_.at(machine_.cpu(event.cpu).rip())) {
                    ++hit->hits;
                    stopped_at_ = hit->id;
                } else if (wanted && wanted(event)) {
                    done = true;
                } else {
                    return;
                }
                machine_.request_stop();
            });
        reason = machine_.run(limits);
    }
    if (stopped_at_ != 0) return StopCause::Breakpoint;
    return done ? StopCause::Done : cause_of(reason);
}

StopCause Debugger::run(const RunLimits& limits) {
    if (breakpoints_.any_enabled()) return run_watching(limits, nullptr);
    stopped_at_ = 0;
    return cause_of(machine_.run(limits));
}

StopCause Debugger::run_to(u64 address, const RunLimits& limits) {
    return run_watching(limits, [address](const Event& event) { return event.rip == address; });
}

StopCause Debugger::step() {
    stopped_at_ = 0;
    const bool alive = machine_.step();
    return alive || !machine_.ended() ? StopCause::Done : StopCause::Ended;
}

StopCause Debugger::step_over(const RunLimits& limits) {
    const DisassembledInsn insn = present_insn(machine_);
    if (insn.length == 0 || !runs_elsewhere(insn)) return step();
    const Cpu& cpu = machine_.cpu();
    const u64 next = cpu.rip() + insn.length, stack = cpu.gpr[kRsp], space = cpu.cr3;
    const unsigned ring = cpu.cpl;
    // The same place in a deeper call, or in another process, is not the end of this one.
    return run_watching(limits, [&cpu, next, stack, space, ring](const Event& event) {
        return event.cpu == cpu.id && cpu.rip() == next && cpu.cpl == ring && cpu.gpr[kRsp] >= stack &&
               ((cpu.cr3 ^ space) & pte::kAddress) == 0;
    });
}

StopCause Debugger::step_out(const RunLimits& limits) {
    const Cpu& cpu = machine_.cpu();
    const u64 stack = cpu.gpr[kRsp], space = cpu.cr3;
    const unsigned ring = cpu.cpl;
    constexpr u64 kStackSpan = u64{1} << 20;  // further up is another task's stack
    // Armed before a return instruction of this frame or an outer one; done where it has led.
    const auto at_return = [this, &cpu, stack, space, ring] {
        return cpu.cpl == ring && cpu.gpr[kRsp] - stack < kStackSpan &&
               ((cpu.cr3 ^ space) & pte::kAddress) == 0 && is_return(present_insn(machine_));
    };
    bool armed = at_return();
    return run_watching(limits, [&armed, &at_return, &cpu, stack](const Event& event) {
        if (event.cpu != cpu.id) return false;
        if (armed && cpu.gpr[kRsp] - stack - 1 < kStackSpan) return true;
        // A return from the kernel to the program ends the kernel's frame, wherever its stack is.
        if (armed && cpu.cpl == 3) return true;
        armed = at_return();
        return false;
    });
}

StopCause Debugger::run_events(const RunLimits& limits, u32 kinds,
                               const std::function<bool(const Event&)>& wanted) {
    if (breakpoints_.any_enabled()) {
        bool seen = false;
        const Subscription watch(machine_.observers(), kinds,
                                 [&](const Event& event) { seen = seen || wanted(event); });
        return run_watching(limits, [&seen](const Event&) { return seen; });
    }
    stopped_at_ = 0;
    bool done = false;
    StopReason reason;
    {
        const Subscription watch(machine_.observers(), kinds, [&](const Event& event) {
            if (!wanted(event)) return;
            done = true;
            machine_.request_stop();
        });
        reason = machine_.run(limits);
    }
    return done && !machine_.ended() ? StopCause::Done : cause_of(reason);
}

StopCause Debugger::next_ring_crossing(const RunLimits& limits) {
    return run_events(limits, Observers::bit(EventKind::RingEnter) | Observers::bit(EventKind::RingLeave),
                      [](const Event&) { return true; });
}

}  // namespace orrery
