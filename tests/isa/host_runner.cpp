#include "tests/isa/host_runner.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <memory>
#include <stdexcept>

#include "emulator/isa/row.h"
#include "tests/isa/host_stubs.h"

namespace orrery::testing {
namespace {

constexpr std::size_t kBatch = 512;

// Memory that parent and child share. The child is forked once and asked for one batch after the other
// through a pipe, since both forking and first touches of pages cost more than many cases.
struct Shared {
    std::size_t current = 0;  // the case being run
    std::size_t count = 0;
    TestCase cases[kBatch];
    Outcome outcomes[kBatch];
};

HostContext* const context = reinterpret_cast<HostContext*>(kContextBase);
// What the signal handler leaves for the loop in the child.
volatile int caught_vector;
Outcome caught;

bool host_has_avx() {
    static const bool answer = __builtin_cpu_supports("avx");
    return answer;
}

// The upper halves in a signal frame (Linux's XSAVE layout: SDM vol. 1, 13.4): zeros where XSTATE_BV has the
// AVX bit clear.
void upper_halves_of(const void* frame, u8 (&out)[16][16]) {
    constexpr u32 kMagic = 0x46505853;  // FP_XSTATE_MAGIC1 in the reserved bytes at 464
    constexpr unsigned kHeader = 512, kUpper = 576;
    const u8* area = static_cast<const u8*>(frame);
    u32 magic;
    u64 present;
    std::memcpy(&magic, area + 464, sizeof magic);
    std::memcpy(&present, area + kHeader, sizeof present);
    std::memset(out, 0, sizeof out);
    if (magic == kMagic && (present & 4) != 0) std::memcpy(out, area + kUpper, sizeof out);
}

u64 rflags_to_keep(u64 rflags) {
    return rflags & 0x3f7fd5;
}

// Runs on the alternate stack. Takes down where the case stood and makes the thread go on in
// orrery_after_fault.
void on_signal(int, siginfo_t*, void* frame) {
    asm volatile("pushfq; andl $~0x40000, (%rsp); popfq");  // AC is the case's, not ours
    auto* uc = static_cast<ucontext_t*>(frame);
    greg_t* g = uc->uc_mcontext.gregs;
    static constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15};
    for (int i = 0; i < 16; ++i) caught.state.gpr[i] = static_cast<u64>(g[kOrder[i]]);
    caught.state.rip = static_cast<u64>(g[REG_RIP]);
    caught.state.rflags = rflags_to_keep(static_cast<u64>(g[REG_EFL]));
    std::memcpy(static_cast<void*>(&caught.state.fx), uc->uc_mcontext.fpregs, sizeof(FxImage));
    if (host_has_avx()) upper_halves_of(uc->uc_mcontext.fpregs, caught.state.ymm);
    caught.error_code = static_cast<u64>(g[REG_ERR]);
    caught.cr2 = static_cast<u64>(g[REG_CR2]);
    caught_vector = static_cast<int>(g[REG_TRAPNO]);
    g[REG_RIP] = static_cast<greg_t>(reinterpret_cast<u64>(&orrery_after_fault));
    g[REG_RSP] = static_cast<greg_t>(context->host_rsp);
    g[REG_EFL] = 0x202;
    reinterpret_cast<u16*>(&g[REG_CSGSFS])[0] = kUserCs64;
}

void* map_at(u64 address, u64 size, int protection) {
    void* p = mmap(reinterpret_cast<void*>(address), size, protection,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != reinterpret_cast<void*>(address)) _exit(3);
    return p;
}

void set_up_child() {
    map_at(kContextBase, 0x1000, PROT_READ | PROT_WRITE);
    void* stub = map_at(kExitStubBase, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
    const char* exit = host_has_avx() ? orrery_exit_avx_begin : orrery_exit_begin;
    const char* exit_end = host_has_avx() ? orrery_exit_avx_end : orrery_exit_end;
    std::memcpy(stub, exit, static_cast<std::size_t>(exit_end - exit));
    std::memset(map_at(kCodeBase, kCodeSize, PROT_READ | PROT_WRITE | PROT_EXEC), 0xcc, kCodeSize);
    map_at(kArenaBase, kArenaEnd - kArenaBase, PROT_NONE);
    mprotect(reinterpret_cast<void*>(kDataBase), kDataSize, PROT_READ | PROT_WRITE);
    mprotect(reinterpret_cast<void*>(kStackBase), kStackSize, PROT_READ | PROT_WRITE);
    auto* read_only = reinterpret_cast<u8*>(kReadOnlyBase);
    mprotect(read_only, kReadOnlySize, PROT_READ | PROT_WRITE);
    for (u64 i = 0; i < kReadOnlySize; ++i) read_only[i] = read_only_byte(i);
    mprotect(read_only, kReadOnlySize, PROT_READ);

    static u8 alternate_stack[64 * 1024];
    stack_t stack{};
    stack.ss_sp = alternate_stack;
    stack.ss_size = sizeof alternate_stack;
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigaction(signal, &action, nullptr);
    syscall(SYS_arch_prctl, ARCH_SET_GS, kGsBase);
}

void run_case(const TestCase& c, Outcome& out) {
    const TestState& in = c.initial;
    for (const Window& w : kWindows)
        std::memcpy(reinterpret_cast<void*>(w.base), in.memory + w.offset, w.size);
    // The instruction, and a jump to the exit stub behind it.
    u8* code = reinterpret_cast<u8*>(in.rip);
    std::memcpy(code, c.bytes.data(), c.insn.length);
    u8* after = code + c.insn.length;
    const u32 far_target = kExitStubBase;
    unsigned jump_size;
    if (c.mode == CpuMode::Bits64) {
        const u32 rel = static_cast<u32>(kExitStubBase - (reinterpret_cast<u64>(after) + 5));
        after[0] = 0xe9;
        std::memcpy(after + 1, &rel, 4);
        jump_size = 5;
    } else {
        after[0] = 0xea;  // JMP ptr16:32, back to 64-bit mode
        std::memcpy(after + 1, &far_target, 4);
        const u16 cs = kUserCs64;
        std::memcpy(after + 5, &cs, 2);
        jump_size = 7;
    }
    context->fx_in = in.fx;
    std::memcpy(context->ymm_in, in.ymm, sizeof in.ymm);
    std::memcpy(context->gpr_in, in.gpr, sizeof in.gpr);
    context->rflags_in = in.rflags;
    context->target = in.rip;
    if (c.mode == CpuMode::Bits32) context->target |= u64{kUserCs32} << 32;

    caught_vector = kNoVector;
    if (c.mode == CpuMode::Bits64) {
        host_has_avx() ? orrery_enter_64_avx() : orrery_enter_64();
    } else {
        host_has_avx() ? orrery_enter_32_avx() : orrery_enter_32();
        // A fault leaves the 32-bit case's segments behind; 64-bit code has none.
        asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0));
    }
    if (caught_vector != kNoVector) {
        out = caught;
        out.vector = caught_vector;
        // A branch that landed in the INT3s around the instruction was a success.
        const bool is_breakpoint = always_interrupts(*c.insn.row);
        if (out.vector == 3 && !is_breakpoint) {
            out.vector = kNoVector;
            out.error_code = 0;
            --out.state.rip;
        }
        if (out.vector != 14) out.cr2 = 0;
    } else {
        out.vector = kNoVector;
        out.error_code = out.cr2 = 0;
        std::memcpy(out.state.gpr, context->gpr_out, sizeof out.state.gpr);
        out.state.rip = in.rip + c.insn.length;
        out.state.rflags = rflags_to_keep(context->rflags_out);
        out.state.fx = context->fx_out;
        std::memcpy(out.state.ymm, context->ymm_out, sizeof out.state.ymm);
    }
    if (!host_has_avx()) std::memcpy(out.state.ymm, in.ymm, sizeof in.ymm);
    for (const Window& w : kWindows)
        std::memcpy(out.state.memory + w.offset, reinterpret_cast<void*>(w.base), w.size);
    std::memset(code, 0xcc, c.insn.length + jump_size);
}

// The child and the two pipes to it.
class Worker {
  public:
    explicit Worker(Shared& shared) : shared_(shared) {
        int to_child[2], from_child[2];
        if (pipe2(to_child, O_CLOEXEC) || pipe2(from_child, O_CLOEXEC))
            throw std::runtime_error("cannot make a pipe");
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("cannot fork");
        if (pid_ == 0) {
            close(to_child[1]);
            close(from_child[0]);
            serve(to_child[0], from_child[1]);
        }
        close(to_child[0]);
        close(from_child[1]);
        ask_ = to_child[1];
        answer_ = from_child[0];
        char byte;
        if (read(answer_, &byte, 1) != 1) {
            throw std::runtime_error("the address space of the host runner cannot be laid out");
        }
    }
    ~Worker() {
        close(ask_);  // the child reads the end of the pipe, and ends
        close(answer_);
        waitpid(pid_, nullptr, 0);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs shared.cases[0 .. shared.count). False if the child died; shared.current is then the case it died
    /// of.
    bool run() {
        char byte = 0;
        shared_.current = 0;
        return write(ask_, &byte, 1) == 1 && read(answer_, &byte, 1) == 1;
    }

  private:
    [[noreturn]] void serve(int ask, int answer) {
        set_up_child();
        char byte = 0;
        while (write(answer, &byte, 1) == 1 && read(ask, &byte, 1) == 1) {
            alarm(20);  // a case that hangs
            for (std::size_t n = 0; n < shared_.count; ++n) {
                shared_.current = n;
                run_case(shared_.cases[n], shared_.outcomes[n]);
            }
            alarm(0);
        }
        _exit(0);
    }

    Shared& shared_;
    pid_t pid_ = -1;
    int ask_ = -1, answer_ = -1;
};

}  // namespace

std::vector<Outcome> run_on_host(std::span<const TestCase> cases) {
    static Shared* const shared = [] {
        void* p = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw std::runtime_error("cannot map shared memory");
        return new (p) Shared;
    }();
    static std::unique_ptr<Worker> worker;
    static const bool ignores_sigpipe = signal(SIGPIPE, SIG_IGN) != SIG_ERR;
    static_cast<void>(ignores_sigpipe);
    std::vector<Outcome> out;
    out.reserve(cases.size());
    while (out.size() < cases.size()) {
        if (!worker) worker = std::make_unique<Worker>(*shared);
        shared->count = std::min(cases.size() - out.size(), kBatch);
        std::copy_n(cases.begin() + static_cast<std::ptrdiff_t>(out.size()), shared->count, shared->cases);
        std::size_t done = shared->count;
        if (!worker->run()) {
            worker.reset();
            shared->outcomes[shared->current] = Outcome{};
            shared->outcomes[shared->current].vector = kHostDied;
            done = shared->current + 1;
        }
        out.insert(out.end(), shared->outcomes, shared->outcomes + done);
    }
    return out;
}

bool host_runs_32_bit_code() {
    static const bool answer = [] {
        TestCase c;
        c.mode = CpuMode::Bits32;
        c.bytes = {0x40};  // INC EAX; in 64-bit mode a prefix
        c.initial.rip = kCodeBase + 0x1100;
        c.initial.gpr[0] = 41;
        c.initial.gpr[4] = kStackBase + 0x800;
        if (decode(c.bytes, c.mode, {}, c.insn) != DecodeStatus::Ok) return false;
        const Outcome o = run_on_host(std::span(&c, 1)).front();
        return o.vector == kNoVector && o.state.gpr[0] == 42;
    }();
    return answer;
}

}  // namespace orrery::testing
