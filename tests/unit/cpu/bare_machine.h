// One CPU on a bus with 16 MiB of RAM and nothing else, and the tables that tests of its system side need:
// page tables, GDT, IDT and TSS at fixed places, handlers that halt.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/timing/cost_model.h"

namespace orrery::test {

// What Segment::access calls the usual descriptors.
inline constexpr u16 kCode64 = 0xa09b, kCode32 = 0xc09b, kCode16 = 0x009b, kData32 = 0xc093, kData16 = 0x0093,
                     kUser = 3 << 5;

constexpr u64 descriptor(u32 base, u32 limit, u16 access) {
    u64 raw = (limit & 0xffff) | u64{base & 0xff'ffff} << 16 | u64{access} << 40 |
              u64{limit >> 16 & 0xf} << 48 | u64{base >> 24} << 56;
    return raw;
}

// `type_dpl_present`: the descriptor's bits 40-47.
constexpr u64 gate(u16 selector, u32 offset, u8 type_dpl_present, unsigned ist_or_count = 0) {
    return (offset & 0xffff) | u64{selector} << 16 | u64{ist_or_count} << 32 | u64{type_dpl_present} << 40 |
           u64{offset >> 16} << 48;
}

class FakeApic : public LocalInterrupts {
  public:
    u8 acknowledge() override {
        ++acknowledged;
        if (cpu != nullptr) cpu->intr = false;
        return vector;
    }
    u8 task_priority_class() const override { return priority; }
    void set_task_priority_class(u8 value) override { priority = value; }
    bool read_msr(u32 msr, u64& value) override {
        if (msr == 0x1b) value = 0xfee0'0900;
        if (msr == 0x6e0) value = deadline;
        return msr == 0x1b || msr == 0x6e0;
    }
    bool write_msr(u32 msr, u64 value) override {
        if (msr == 0x6e0) deadline = value;
        return msr == 0x6e0 || msr == 0x1b;
    }
    Cpu* cpu = nullptr;
    u8 vector = 0x40;
    u8 priority = 0;
    unsigned acknowledged = 0;
    u64 deadline = 0;
};

class BareMachine {
  public:
    static constexpr u64 kPml4 = 0x1000, kPdpt = 0x2000, kDirectory = 0x3000, kTable = 0x4000;
    static constexpr u64 kGdt = 0x8000, kIdt = 0x9000, kTss = 0xa000, kLdt = 0xb000;
    static constexpr u64 kCode = 0x1'0000, kHandlers = 0x2'0000;
    static constexpr u64 kKernelStack = 0x6'0000, kUserStack = 0x6'8000, kRsp0 = 0x7'0000, kIst1 = 0x7'8000;
    // Mapped by 4 KiB pages, through kTable; everything below 4 MiB by 2 MiB pages.
    static constexpr u64 kSmallPages = 0x40'0000;
    // GDT.
    static constexpr u16 kKernelCs = 0x08, kKernelSs = 0x10, kUserCs32 = 0x1b, kUserSs = 0x23, kUserCs = 0x2b,
                         kTssSelector = 0x30, kFree = 0x40;  // 40H, 48H…: for tests

    explicit BareMachine(const CpuFeatures& features = {}) : bus(u64{16} << 20) {
        CpuEnvironment environment;
        environment.bus = &bus;
        environment.events = &events;
        environment.apic = &apic;
        environment.observers = &observers;
        environment.core = &costs;
        environment.code = &code;
        code.set_leave_handler(leave_block);
        cpu = std::make_unique<Cpu>(0, environment, features);
        apic.cpu = cpu.get();
        code.on_page_code([this](u64 page) { cpu->forbid_fast_writes(bus.ram_at(page)); });
        // Every handler is a HLT.
        for (unsigned vector = 0; vector < 256; ++vector) write(handler(vector), {0xf4});
    }

    static constexpr u64 handler(unsigned vector) { return kHandlers + vector * 16; }

    void write(u64 physical, std::initializer_list<unsigned> bytes) {
        code.invalidate(physical, bytes.size());
        for (unsigned byte : bytes) *bus.ram_at(physical++) = static_cast<u8>(byte);
    }
    template <typename T>
    void put(u64 physical, T value) {
        std::memcpy(bus.ram_at(physical), &value, sizeof value);
    }
    template <typename T = u64>
    T get(u64 physical) {
        T value;
        std::memcpy(&value, bus.ram_at(physical), sizeof value);
        return value;
    }
    // `count` items of type T from `physical`.
    template <typename T = u64>
    std::vector<T> items(u64 physical, unsigned count) {
        std::vector<T> values;
        for (unsigned i = 0; i < count; ++i) values.push_back(get<T>(physical + i * sizeof(T)));
        return values;
    }

    void set_descriptor(u16 selector, u64 low, u64 high = 0) {
        put(kGdt + (selector & 0xfff8), low);
        if (high != 0) put(kGdt + (selector & 0xfff8) + 8, high);
    }
    u64 get_descriptor(u16 selector) { return get(kGdt + (selector & 0xfff8)); }

    void load(SegmentIndex index, u16 selector, u16 access) {
        Segment& segment = cpu->seg[index];
        segment = Segment{};
        segment.selector = selector;
        segment.limit = (access & 0x8000) != 0 ? 0xffff'ffff : 0xffff;
        segment.access = access;
    }

    // 64-bit mode at `cpl`, code at kCode, stack at kKernelStack or kUserStack, interrupts off.
    void enter_long(unsigned cpl) {
        put(kPml4, kPdpt | 7);
        put(kPdpt, kDirectory | 7);
        put(kDirectory, u64{0x87});
        put(kDirectory + 8, u64{0x20'0087});
        put(kDirectory + 16, kTable | 7);
        for (unsigned i = 0; i < 512; ++i) put(kTable + 8 * i, kSmallPages + i * 4096 + 7);
        common_tables(kCode64);
        for (unsigned vector = 0; vector < 256; ++vector) set_gate(vector, 0x8e);
        put(kTss + 4, kRsp0);
        put(kTss + 0x24, kIst1);
        put(kTss + 0x66, u16{0x68});
        cpu->cr0 = cr0::kPe | cr0::kPg | cr0::kWp | cr0::kNe | cr0::kEt;
        cpu->cr3 = kPml4;
        cpu->cr4 = cr4::kPae | cr4::kPge | cr4::kOsfxsr | cr4::kOsxmmexcpt;
        cpu->msr.efer = efer::kLme | efer::kLma | efer::kSce | efer::kNxe;
        load(kCs, cpl == 0 ? kKernelCs : kUserCs, kCode64 | (cpl == 3 ? kUser : 0));
        enter_common(cpl);
    }

    // 32-bit protected mode without paging, the same places; 8-byte gates.
    void enter_protected(unsigned cpl) {
        common_tables(kCode32);
        for (unsigned vector = 0; vector < 256; ++vector)
            put(kIdt + vector * 8, gate(kKernelCs, static_cast<u32>(handler(vector)), 0x8e));
        put(kTss + 4, static_cast<u32>(kRsp0));
        put(kTss + 8, u16{kKernelSs});
        put(kTss + 0x66, u16{0x68});
        cpu->cr0 = cr0::kPe | cr0::kNe | cr0::kEt;
        load(kCs, cpl == 0 ? kKernelCs : kUserCs32, kCode32 | (cpl == 3 ? kUser : 0));
        enter_common(cpl);
    }

    // Real mode at 0000:kRealCode, stack 0000:7000, IVT at 0 with handlers of HLT at 0000:0600.
    static constexpr u64 kRealCode = 0x5000;
    void enter_real() {
        for (unsigned vector = 0; vector < 256; ++vector) put(vector * 4, u32{0x600});
        write(0x600, {0xf4});
        cpu->seg[kCs].selector = 0;
        cpu->seg[kCs].base = 0;
        cpu->rip() = kRealCode;
        cpu->gpr[kRsp] = 0x7000;
        cpu->update_mode();
    }

    void set_gate(unsigned vector, u8 type_dpl_present, unsigned ist = 0, u16 selector = kKernelCs) {
        put(kIdt + vector * 16, gate(selector, static_cast<u32>(handler(vector)), type_dpl_present, ist));
        put(kIdt + vector * 16 + 8, u64{0});
    }

    // Writes `bytes` where RIP points, and runs `count` instructions.
    void code_here(std::initializer_list<unsigned> bytes) { write(cpu->rip(), bytes); }
    void run(unsigned count = 1) { cpu->run(cpu->instructions() + count, kNever); }
    // Back to kCode, also out of a handler's HLT.
    void restart() {
        cpu->rip() = kCode;
        cpu->activity = Activity::Running;
    }
    // True if the handler of `vector` has been entered. (An instruction that faults does not count, so that a
    // run may have gone on into the handler's HLT.)
    bool in_handler(unsigned vector) const {
        return cpu->rip() == handler(vector) || cpu->rip() == handler(vector) + 1;
    }
    // The instruction `bytes` at RIP, which is expected to raise `vector`.
    bool raises(unsigned vector, std::initializer_list<unsigned> bytes) {
        code_here(bytes);
        run();
        return in_handler(vector);
    }

    Bus bus;
    EventQueue events;
    Observers observers;
    InstructionCountModel costs;
    CodeCache code;
    FakeApic apic;
    std::unique_ptr<Cpu> cpu;

  private:
    void common_tables(u16 code_access) {
        set_descriptor(kKernelCs, descriptor(0, 0xfffff, code_access));
        set_descriptor(kKernelSs, descriptor(0, 0xfffff, kData32));
        set_descriptor(kUserCs32, descriptor(0, 0xfffff, kCode32 | kUser));
        set_descriptor(kUserSs, descriptor(0, 0xfffff, kData32 | kUser));
        set_descriptor(kUserCs, descriptor(0, 0xfffff, kCode64 | kUser));
        cpu->gdtr = {kGdt, 0xfff};
        cpu->idtr = {kIdt, 0xfff};
        cpu->tr = Segment{};
        cpu->tr.selector = kTssSelector;
        cpu->tr.base = kTss;
        cpu->tr.limit = 0x67;
        cpu->tr.access = 0x8b;
    }
    void enter_common(unsigned cpl) {
        const u16 user = cpl == 3 ? kUser : 0;
        for (SegmentIndex index : {kEs, kSs, kDs, kFs, kGs})
            load(index, cpl == 0 ? kKernelSs : kUserSs, kData32 | user);
        cpu->cpl = static_cast<u8>(cpl);
        cpu->gpr[kRsp] = cpl == 0 ? kKernelStack : kUserStack;
        cpu->rip() = kCode;
        cpu->set_rflags(rflags::kReservedOne);
        cpu->activity = Activity::Running;
        cpu->update_mode();
        cpu->flush_fast();
    }
};

}  // namespace orrery::test
