// A CPU's local APIC (Intel SDM vol. 3A, chapter 11; x2APIC mode: 11.12).
//
//   offset / MSR       register                     offset / MSR       register
//   020 / 802          ID                           280 / 828          ESR
//   030 / 803          version                      300, 310 / 830     ICR
//   080 / 808          TPR                          320 / 832          LVT timer
//   090                APR                          330-370 / 833-837  LVT thermal, performance, LINT0,
//   LINT1, error 0A0 / 80A          PPR                          380 / 838          timer initial count 0B0 /
//   80B          EOI                          390 / 839          timer current count 0D0 / 80D, 0E0     LDR,
//   DFR                     3E0 / 83E          timer divide configuration 0F0 / 80F          SVR - / 83F self
//   IPI 100-270 / 810-827  ISR, TMR, IRR                1BH, 6E0H          IA32_APIC_BASE, IA32_TSC_DEADLINE
//
// The timer counts a 25 MHz crystal (what CPUID leaf 15H must say), 40 ticks a period, exactly. Messages
// arrive at once: the delivery-status bits always read idle. SMIs are counted and ignored: there is no SMM.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "devices/apic_bus.h"
#include "emulator/core/bus/cpu_port.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Lapic : public LocalInterrupts {
  public:
    static constexpr u64 kCrystal = 25'000'000;  // Hz
    static constexpr u64 kDefaultBase = 0xfee0'0000;
    enum Lvt { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvtCount };

    // `external_acknowledge` is an INTA cycle on the 8259's bus: it returns the vector of an ExtINT
    // interrupt.
    Lapic(unsigned id, EventQueue& events, ApicBus& bus, std::function<u8()> external_acknowledge);

    void connect(CpuPort& cpu) { cpu_ = &cpu; }
    // Called when IA32_APIC_BASE is written: the register page moved, or was turned on or off.
    void on_base_change(std::function<void()> hook) { base_hook_ = std::move(hook); }

    void reset();
    void visit(Archive& archive);

    // LocalInterrupts
    u8 acknowledge() override;
    u8 task_priority_class() const override { return tpr_ >> 4; }
    void set_task_priority_class(u8 value) override;
    bool read_msr(u32 msr, u64& value) override;
    bool write_msr(u32 msr, u64 value) override;

    // The TSC is the tick count plus this (the CPU tells when IA32_TSC or TSC_ADJUST is written).
    void set_tsc_offset(u64 offset);

    // The register page, by offset; aligned 32-bit accesses only, as the manual demands: others read 0 and do
    // nothing.
    u32 mmio_read(u64 offset, unsigned size);
    void mmio_write(u64 offset, unsigned size, u32 value);
    // Where the register page is, kUnmapped if there is none (x2APIC mode, or disabled).
    u64 page_address() const;

    // Pins. LINT0 is the 8259's INTR in virtual-wire mode, LINT1 is NMI.
    void set_lint(unsigned pin, bool level);

    // The message bus.
    bool is_destination(const ApicMessage& message) const;
    bool receive(const ApicMessage& message);
    bool accepts_fixed() const { return globally_enabled() && software_enabled(); }
    u8 processor_priority() const;

    // Views for the debugger.
    u32 id() const { return id_; }
    bool globally_enabled() const { return (base_ & 0x800) != 0; }
    bool software_enabled() const { return (svr_ & 0x100) != 0; }
    bool x2apic() const { return (base_ & 0xc00) == 0xc00; }
    bool requested(u8 vector) const { return test(irr_, vector); }
    bool in_service(u8 vector) const { return test(isr_, vector); }
    u32 lvt(Lvt entry) const { return lvt_[entry]; }
    u32 timer_count() const;

  private:
    using Bitmap = std::array<u32, 8>;
    static bool test(const Bitmap& map, u8 vector) { return (map[vector / 32] >> (vector % 32) & 1) != 0; }
    static void assign(Bitmap& map, u8 vector, bool value);
    static int highest(const Bitmap& map);

    u32 read_register(unsigned index);
    void write_register(unsigned index, u32 value);
    void write_lvt(Lvt entry, u32 value);
    void write_base(u64 value);
    void initialise();  // what INIT and a return from "disabled" set
    void send_ipi(u64 command);
    void eoi();
    void request(u8 vector, bool level);
    void trigger_lvt(Lvt entry);
    void raise_error(u32 bit);
    bool external_request() const;
    void update();
    u32 logical_id() const;

    // The timer (lapic_timer.cpp).
    bool deadline_mode() const { return (lvt_[kTimer] >> 17 & 3) == 2; }
    bool periodic_mode() const { return (lvt_[kTimer] >> 17 & 3) == 1; }
    Ticks timer_period() const;
    Ticks timer_length() const;  // of a whole count, from the initial one to 0
    void set_initial_count(u32 value);
    void set_divide(u32 value);
    void change_timer_mode(u32 old_lvt);
    void arm_deadline();
    void timer_fired(Ticks now);

    u32 id_;
    EventQueue& events_;
    ApicBus& bus_;
    std::function<u8()> external_acknowledge_;
    std::function<void()> base_hook_;
    CpuPort* cpu_ = nullptr;
    EventQueue::TimerId timer_;

    u64 base_ = 0;
    u32 xapic_id_ = 0;
    u8 tpr_ = 0;
    u32 ldr_ = 0;
    u32 dfr_ = ~u32{0};
    u32 svr_ = 0xff;
    u32 esr_ = 0;     // as the last write latched it
    u32 errors_ = 0;  // since then
    u64 icr_ = 0;
    Bitmap irr_{};
    Bitmap isr_{};
    Bitmap tmr_{};
    std::array<u32, kLvtCount> lvt_{};
    std::array<bool, 2> lint_{};
    bool external_pending_ = false;  // an ExtINT message from an IOAPIC
    bool remote_lint_[2] = {};       // LINT0/1 programmed fixed and level: set until EOI
    bool intr_ = false;
    u32 initial_count_ = 0;
    u32 divide_ = 0;
    Ticks timer_start_ = 0;
    bool timer_running_ = false;
    u64 tsc_deadline_ = 0;
    u64 tsc_offset_ = 0;
};

}  // namespace orrery
