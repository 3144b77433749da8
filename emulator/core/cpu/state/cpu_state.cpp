// The CPU's state as a whole: power-on values, what the interpreter derives from it, and its visit.
#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/cpu/state/cpuid.h"
#include "emulator/core/cpu/state/debug_registers.h"

namespace orrery {

namespace {

// SDM vol. 3A, table 9-1.
Segment initial_segment(u16 access) {
    Segment segment;
    segment.access = access;
    return segment;
}

// Flags that exist (SDM vol. 1, 3.4.3), bit 1 apart.
constexpr u32 kExistingFlags = rflags::kArithmetic | rflags::kTf | rflags::kIf | rflags::kDf | rflags::kIopl |
                               rflags::kNt | rflags::kRf | rflags::kVm | rflags::kAc | rflags::kVif |
                               rflags::kVip | rflags::kId;

bool is_told(const Cpu& cpu) {
    return cpu.path_model != nullptr || cpu.env.observers->wants(EventKind::Stretch);
}

u32 derived_key(const Cpu& cpu) {
    const Segment& cs = cpu.seg[kCs];
    CpuMode mode = cs.big() ? CpuMode::Bits32 : CpuMode::Bits16;
    if (cpu.long_mode() && cs.long_mode()) mode = CpuMode::Bits64;
    u32 key = static_cast<u32>(mode);
    if (mode != CpuMode::Bits64 && cpu.seg[kSs].big()) key |= key::kStack32;
    if ((cpu.cr0 & (cr0::kEm | cr0::kTs)) != 0) key |= key::kFpuTrap | key::kSseTrap;
    if ((cpu.cr4 & cr4::kOsfxsr) == 0) key |= key::kSseTrap;
    if ((cpu.cr0 & cr0::kPe) == 0 || (cpu.eflags & rflags::kVm) != 0) key |= key::kVexTrap | key::kAvxTrap;
    constexpr u64 kVectorState = xcr0::kSse | xcr0::kAvx;
    if ((cpu.cr4 & cr4::kOsxsave) == 0 || (cpu.xcr0 & kVectorState) != kVectorState ||
        (cpu.cr0 & cr0::kTs) != 0)
        key |= key::kAvxTrap;
    constexpr u32 kAllMasked = 0x1f80;
    if ((cpu.mxcsr & kAllMasked) != kAllMasked) key |= key::kSseUnmasked;
    if (cpu.long_mode()) key |= key::kLong;
    if (is_told(cpu)) key |= key::kTold;
    if ((cpu.cr0 & cr0::kPe) != 0 && !cpu.virtual_8086()) key |= key::kProtected;
    return key;
}

}  // namespace

void Cpu::set_rflags(u32 value) {
    lf.set(value);
    eflags = (value & kExistingFlags & ~rflags::kArithmetic) | rflags::kReservedOne;
}

AccessMode Cpu::access_mode() const {
    if (cpl == 3) return kUserMode;
    return (eflags & rflags::kAc) != 0 ? kKernelAcMode : kKernelMode;
}

void Cpu::update_mode() {
    key = derived_key(*this);
    if (code64()) {
        for (unsigned i = kEs; i <= kDs; ++i) seg_base[i] = 0;
        seg_base[kFs] = seg[kFs].base;
        seg_base[kGs] = seg[kGs].base;
    } else {
        for (unsigned i = kEs; i <= kGs; ++i) seg_base[i] = seg[i].base;
    }
    // SDM vol. 3A, 6.15, interrupt 17.
    const bool alignment_checked = cpl == 3 && (cr0 & cr0::kAm) != 0 && (eflags & rflags::kAc) != 0;
    fast = alignment_checked ? empty_table : fast_tables[access_mode()];
    fast_code = fast_code_tables[cpl == 3];
}

// Subscriptions change between runs.
void Cpu::update_told() {
    if (is_told(*this)) {
        key |= key::kTold;
    } else {
        key &= ~key::kTold;
        path.forget();
    }
}

void Cpu::reset(bool is_init) {
    if (is_init) {
        path.cut(rip_slot + seg_base[kCs], false);
    } else {
        path.forget();
    }
    for (u64& value : gpr) value = 0;
    gpr[kRdx] = kCpuSignature;
    rip_slot = 0xfff0;
    set_rflags(rflags::kReservedOne);
    for (Segment& segment : seg) segment = initial_segment(0x93);
    seg[kCs].selector = 0xf000;
    seg[kCs].base = 0xffff'0000;
    ldtr = initial_segment(0x82);
    tr = initial_segment(0x8b);
    gdtr = idtr = DescriptorTable{};
    const u64 cache_bits = is_init ? cr0 & (cr0::kCd | cr0::kNw) : cr0::kCd | cr0::kNw;
    cr0 = cache_bits | cr0::kEt;
    cr2 = cr3 = cr4 = 0;
    cpl = 0;
    for (u64& value : dr) value = 0;
    dr[6] = 0xffff'0ff0;
    dr[7] = 0x400;
    update_breakpoints(this);
    pending_debug = 0;
    monitor.armed = false;
    msr.efer = 0;
    interrupt_shadow = stack_shadow = nmi_blocked = ignne = false;
    delivery = {};
    shutdown = {};
    activity = id == 0 ? Activity::Running : Activity::WaitForSipi;
    if (!is_init) {
        for (VectorRegister& value : xmm) value = {};
        mxcsr = 0x1f80;
        xcr0 = xcr0::kX87;
        pkru = 0;
        x87 = {};
        x87.control = 0x40;
        x87.empty = 0;
        msr = {};
        msr.tsc_offset = 0 - ticks();
        nmi_pending = init_pending = sipi_pending = false;
        sipi_vector = 0;
    }
    tlb.invalidate_all(true);
    flush_fast();
    update_mode();
}

void X87State::visit(Archive& archive) {
    for (Float80& value : reg) {
        archive.field("significand", value.significand);
        archive.field("sign_exponent", value.sign_exponent);
    }
    archive.field("control", control);
    archive.field("status", status);
    archive.field("empty", empty);
    archive.field("last_opcode", last_opcode);
    archive.field("last_ip", last_ip);
    archive.field("last_dp", last_dp);
    archive.field("last_cs", last_cs);
    archive.field("last_ds", last_ds);
}

void MsrState::visit(Archive& archive) {
    archive.field("efer", efer);
    archive.field("star", star);
    archive.field("lstar", lstar);
    archive.field("cstar", cstar);
    archive.field("fmask", fmask);
    archive.field("kernel_gs_base", kernel_gs_base);
    archive.field("tsc_offset", tsc_offset);
    archive.field("tsc_adjust", tsc_adjust);
    archive.field("tsc_aux", tsc_aux);
    archive.field("sysenter_cs", sysenter_cs);
    archive.field("sysenter_esp", sysenter_esp);
    archive.field("sysenter_eip", sysenter_eip);
    archive.field("pat", pat);
    archive.field("misc_enable", misc_enable);
    archive.field("mtrr_def_type", mtrr_def_type);
    archive.field("spec_ctrl", spec_ctrl);
    archive.field("debugctl", debugctl);
    archive.field("mcg_status", mcg_status);
}

// At an instruction boundary. The flags are visited as RFLAGS, whatever way they are kept in.
void Cpu::visit(Archive& archive) {
    for (unsigned i = 0; i < 16; ++i) archive.field("gpr", gpr[i]);
    archive.field("rip", rip_slot);
    u32 flags = rflags();
    archive.field("rflags", flags);
    for (VectorRegister& value : xmm) archive.field("xmm", value.q);
    archive.field("mxcsr", mxcsr);
    archive.field("xcr0", xcr0);
    archive.field("cpl", cpl);
    archive.field("activity", activity);
    archive.field("interrupt_shadow", interrupt_shadow);
    archive.field("stack_shadow", stack_shadow);
    archive.field("nmi_blocked", nmi_blocked);
    archive.field("x87", x87);
    for (Segment& segment : seg) archive.field("seg", segment);
    archive.field("ldtr", ldtr);
    archive.field("tr", tr);
    archive.field("gdtr", gdtr);
    archive.field("idtr", idtr);
    archive.field("cr0", cr0);
    archive.field("cr2", cr2);
    archive.field("cr3", cr3);
    archive.field("cr4", cr4);
    archive.field("dr", dr);
    archive.field("pending_debug", pending_debug);
    archive.field("pkru", pkru);
    archive.field("monitor", monitor);
    archive.field("ignne", ignne);
    archive.field("msr", msr);
    archive.field("intr", intr);
    archive.field("nmi_pending", nmi_pending);
    archive.field("init_pending", init_pending);
    archive.field("sipi_pending", sipi_pending);
    archive.field("sipi_vector", sipi_vector);
    archive.field("shutdown", shutdown);
    archive.field("tlb", tlb);
    if (path_model != nullptr) archive.field("path", path);
    env.core->visit(archive);

    // Counters: totals, since how a run was cut into stretches is not state.
    u64 instructions_total = instructions();
    u64 time_total = time();
    archive.field("instructions", instructions_total);
    archive.field("insns_elsewhere", insns_elsewhere);
    archive.field("time", time_total);
    archive.field("time_per_cycle", time_per_cycle);
    archive.field("accesses", accesses);
    archive.field("code_crossings", code_crossings);
    archive.field("exceptions_taken", exceptions_taken);
    archive.field("interrupts_taken", interrupts_taken);
    archive.field("page_faults", page_faults);
    archive.field("barren_deliveries", barren_deliveries);
    archive.field("delivered_at", delivered_at);
    if (!archive.loading()) return;

    if (time_per_cycle < kTickParts / 8 || time_per_cycle > kTickParts)
        throw ArchiveError("snapshot: damaged (a CPU's share of the time)");
    set_rflags(flags);
    insns_at_deadline = instructions_total;
    time_at_deadline = time_total;
    insns_left = cycles_left = held = 0;
    delivery = {};
    pending = {};
    pending_link = nullptr;
    if (path_model == nullptr) path.forget();
    update_breakpoints(this);
    flush_fast();
    update_mode();
}

}  // namespace orrery
