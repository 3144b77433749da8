#include "tests/isa/guest_runner.h"

#include <stdexcept>

#include "emulator/core/cpu/run/stretch.h"
#include "emulator/isa/row.h"

namespace orrery::testing {
namespace {

// Physical memory: tables and ring 0 first, then the arena's pages.
constexpr u64 kRamSize = 4 << 20;
constexpr u64 kPageTables = 0x1000;
constexpr u64 kGdt = 0x20000, kIdt = 0x21000, kTss = 0x22000, kHandlers = 0x23000, kKernelStack = 0x25000;
constexpr u64 kCodePhysical = 0x100000, kDataPhysical = 0x110000, kReadOnlyPhysical = 0x120000,
              kStackPhysical = 0x130000;
constexpr u16 kKernelCs = 0x10, kKernelDs = 0x18, kTssSelector = 0x40;
constexpr u64 kPresent = 1, kWrite = 2, kUser = 4;
constexpr u8 kHlt = 0xf4, kInt3 = 0xcc;
constexpr u64 kStackTop = kKernelStack + 0x1000;

u16 access_of(u64 descriptor) {
    return static_cast<u16>(((descriptor >> 40) & 0xff) | ((descriptor >> 52) & 0xf) << 12);
}

Segment segment_of(u16 selector, u64 descriptor, u32 limit) {
    Segment s;
    s.selector = selector;
    s.access = access_of(descriptor);
    s.limit = limit;
    return s;
}

// Flat segments as 64-bit Linux has them.
constexpr u64 kKernelCode = 0x00af'9b00'0000'ffff, kKernelData = 0x00cf'9300'0000'ffff;
constexpr u64 kUserCode32 = 0x00cf'fb00'0000'ffff, kUserData = 0x00cf'f300'0000'ffff;
constexpr u64 kUserCode64 = 0x00af'fb00'0000'ffff;

}  // namespace

GuestRunner::GuestRunner(const CpuFeatures& features) : bus_(kRamSize) {
    CpuEnvironment environment;
    environment.bus = &bus_;
    environment.events = &events_;
    environment.observers = &observers_;
    environment.core = &costs_;
    environment.code = &code_;
    cpu_ = std::make_unique<Cpu>(0, environment, features);
    bus_.on_ram_write([this](u64 physical, u64 size) { code_.invalidate(physical, size); });
    code_.on_page_code([this](u64 page) {
        if (const u8* host = bus_.ram_at(page)) cpu_->forbid_fast_writes(host);
    });
    code_.set_leave_handler(leave_block);
    build_page_tables();
    build_descriptors();
    for (u64 i = 0; i < kReadOnlySize; ++i) *bus_.ram_at(kReadOnlyPhysical + i) = read_only_byte(i);
    for (u64 i = 0; i < kCodeSize; ++i) *bus_.ram_at(kCodePhysical + i) = kInt3;
    for (u64 i = 0; i < 0x1000; ++i) *bus_.ram_at(kHandlers + i) = kHlt;
}

GuestRunner::~GuestRunner() = default;

void GuestRunner::map_page(u64 linear, u64 physical, u64 flags) {
    u64 table = kPageTables;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        const u64 entry = table + 8 * ((linear >> shift) & 0x1ff);
        u64 value = bus_.read(entry, 8);
        if (!(value & kPresent)) {
            value = next_table_ | kPresent | kWrite | kUser;
            next_table_ += 0x1000;
            bus_.write(entry, 8, value);
        }
        table = value & ~u64{0xfff};
    }
    bus_.write(table + 8 * ((linear >> 12) & 0x1ff), 8, physical | flags);
}

void GuestRunner::build_page_tables() {
    next_table_ = kPageTables + 0x1000;
    for (u64 i = 0; i < kCodeSize; i += 0x1000)
        map_page(kCodeBase + i, kCodePhysical + i, kPresent | kWrite | kUser);
    for (u64 i = 0; i < kDataSize; i += 0x1000)
        map_page(kDataBase + i, kDataPhysical + i, kPresent | kWrite | kUser);
    map_page(kReadOnlyBase, kReadOnlyPhysical, kPresent | kUser);
    map_page(kStackBase, kStackPhysical, kPresent | kWrite | kUser);
    for (u64 page = kGdt; page < kStackTop; page += 0x1000) map_page(page, page, kPresent | kWrite);
    if (next_table_ > kGdt) throw std::logic_error("page tables reach into the descriptor tables");
}

void GuestRunner::build_descriptors() {
    bus_.write(kGdt + kKernelCs, 8, kKernelCode);
    bus_.write(kGdt + kKernelDs, 8, kKernelData);
    bus_.write(kGdt + (kUserCs32 & ~7u), 8, kUserCode32);
    bus_.write(kGdt + (kUserDs & ~7u), 8, kUserData);
    bus_.write(kGdt + (kUserCs64 & ~7u), 8, kUserCode64);
    bus_.write(kGdt + kTssSelector, 8, 0x0000'8b00'0000'0067 | kTss << 16);
    bus_.write(kGdt + kTssSelector + 8, 8, 0);
    bus_.write(kTss + 4, 8, kStackTop);  // RSP0
    bus_.write(kTss + 102, 2, 0x68);     // no I/O permission map
    for (u64 vector = 0; vector < 32; ++vector) {
        const u64 handler = kHandlers + 16 * vector;
        const u64 dpl = vector == 3 || vector == 4 ? 3 : 0;
        const u64 low =
            (handler & 0xffff) | u64{kKernelCs} << 16 | (0x8e00 | dpl << 13) << 32 | (handler >> 16) << 48;
        bus_.write(kIdt + 16 * vector, 8, low);
        bus_.write(kIdt + 16 * vector + 8, 8, handler >> 32);
    }
}

void GuestRunner::load(const TestCase& c) {
    Cpu& cpu = *cpu_;
    const TestState& in = c.initial;
    // Mostly with a warm TLB, sometimes from power-on.
    if (c.seed % 64 == 0) cpu.reset();
    cpu.activity = Activity::Running;
    cpu.interrupt_shadow = false;
    cpu.cr0 = cr0::kPe | cr0::kMp | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kAm | cr0::kPg;
    cpu.cr3 = kPageTables;
    cpu.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt;
    if (cpu.features.has(Feature::Avx)) cpu.cr4 |= cr4::kOsxsave;
    cpu.xcr0 = xcr0::kX87 | xcr0::kSse | xcr0::kAvx;
    cpu.msr.efer = efer::kSce | efer::kLme | efer::kLma | efer::kNxe;
    cpu.gdtr = {kGdt, 0x4f};
    cpu.idtr = {kIdt, 32 * 16 - 1};
    cpu.tr = segment_of(kTssSelector, 0x0000'8b00'0000'0000, 0x67);
    cpu.tr.base = kTss;
    const bool in64 = c.mode == CpuMode::Bits64;
    const Segment data = segment_of(kUserDs, kUserData, 0xffff'ffff);
    cpu.seg[kCs] = in64 ? segment_of(kUserCs64, kUserCode64, 0xffff'ffff)
                        : segment_of(kUserCs32, kUserCode32, 0xffff'ffff);
    cpu.seg[kSs] = data;
    for (unsigned s : {kDs, kEs}) cpu.seg[s] = in64 ? Segment{} : data;
    cpu.seg[kFs] = cpu.seg[kGs] = Segment{};
    if (in64) cpu.seg[kGs].base = kGsBase;
    cpu.cpl = 3;
    std::memcpy(cpu.gpr, in.gpr, sizeof in.gpr);
    cpu.rip() = in.rip;
    cpu.set_rflags(static_cast<u32>(in.rflags));

    for (unsigned i = 0; i < 16; ++i) {
        std::memcpy(cpu.xmm[i].q, in.fx.xmm[i], 16);
        std::memcpy(cpu.xmm[i].q + 2, in.ymm[i], 16);
    }
    cpu.mxcsr = in.fx.mxcsr;
    cpu.x87 = X87State{};
    cpu.x87.control = in.fx.control;
    cpu.x87.status = in.fx.status;
    cpu.x87.empty = static_cast<u8>(~in.fx.tags);
    const unsigned top = (in.fx.status >> 11) & 7;
    for (unsigned i = 0; i < 8; ++i) {
        Float80& reg = cpu.x87.reg[(top + i) & 7];
        std::memcpy(&reg.significand, in.fx.st[i], 8);
        std::memcpy(&reg.sign_exponent, in.fx.st[i] + 8, 2);
    }
    cpu.update_mode();

    for (const Window& w : kWindows) {
        const u64 physical = w.base >= kStackBase ? kStackPhysical + (w.base - kStackBase)
                                                  : kDataPhysical + (w.base - kDataBase);
        std::memcpy(bus_.ram_at(physical), in.memory + w.offset, w.size);
    }
    bus_.dma_write(kCodePhysical + (in.rip - kCodeBase), c.bytes.data(), c.insn.length);
}

void GuestRunner::collect(const TestCase& c, Outcome& out) {
    Cpu& cpu = *cpu_;
    TestState& s = out.state;
    std::memcpy(s.gpr, cpu.gpr, sizeof s.gpr);
    s.rip = cpu.rip();
    s.rflags = cpu.rflags();
    out.vector = kNoVector;
    out.error_code = out.cr2 = 0;
    if (cpu.cpl == 0) {
        // The frame on ring 0's stack: SS, RSP, RFLAGS, CS, RIP, and perhaps an error code below.
        out.vector = static_cast<int>((cpu.rip() - kHandlers) / 16);
        s.gpr[4] = bus_.read(kStackTop - 16, 8);
        s.rflags = bus_.read(kStackTop - 24, 8);
        s.rip = bus_.read(kStackTop - 40, 8);
        if (cpu.gpr[4] == kStackTop - 48) out.error_code = bus_.read(kStackTop - 48, 8);
        if (out.vector == 14) out.cr2 = cpu.cr2;
        // The INT3 that follows the instruction, or that a branch has led to.
        if (out.vector == 3 && !always_interrupts(*c.insn.row)) {
            out.vector = kNoVector;
            --s.rip;
        }
    }
    for (unsigned i = 0; i < 16; ++i) {
        std::memcpy(s.fx.xmm[i], cpu.xmm[i].q, 16);
        std::memcpy(s.ymm[i], cpu.xmm[i].q + 2, 16);
    }
    s.fx.mxcsr = cpu.mxcsr;
    s.fx.control = cpu.x87.control;
    s.fx.status = cpu.x87.status;
    s.fx.tags = static_cast<u8>(~cpu.x87.empty);
    const unsigned top = (cpu.x87.status >> 11) & 7;
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& reg = cpu.x87.reg[(top + i) & 7];
        std::memcpy(s.fx.st[i], &reg.significand, 8);
        std::memcpy(s.fx.st[i] + 8, &reg.sign_exponent, 2);
    }
    for (const Window& w : kWindows) {
        const u64 physical = w.base >= kStackBase ? kStackPhysical + (w.base - kStackBase)
                                                  : kDataPhysical + (w.base - kDataBase);
        std::memcpy(s.memory + w.offset, bus_.ram_at(physical), w.size);
    }
}

Outcome GuestRunner::run(const TestCase& c) {
    constexpr Ticks kForever = ~Ticks{0} >> 2;
    load(c);
    const bool alone = c.seed & 1;
    // Alone, a repeated string instruction may take several turns. In a block: the instruction, the INT3
    // behind it, and the handler's HLT.
    for (int turn = 0; turn < 1000; ++turn) {
        cpu_->run(cpu_->instructions() + (alone ? 1 : 1000), kForever);
        if (cpu_->cpl == 0 || cpu_->rip() != c.initial.rip) {
            Outcome out;
            collect(c, out);
            u8 breakpoints[kMaxInsnLength];
            std::memset(breakpoints, kInt3, sizeof breakpoints);
            bus_.dma_write(kCodePhysical + (c.initial.rip - kCodeBase), breakpoints, c.insn.length);
            return out;
        }
    }
    throw std::runtime_error("an instruction does not end");
}

}  // namespace orrery::testing
