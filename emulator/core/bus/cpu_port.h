// The signals that an interrupt controller drives into a CPU, and what the CPU asks of its local APIC.
#pragma once

#include "emulator/isa/types.h"

namespace orrery {

// A CPU's pins and messages (Intel SDM vol. 3A, chapter 11).
class CpuPort {
  public:
    virtual ~CpuPort() = default;

    // INTR as the local APIC (or, in virtual-wire mode, the 8259) asserts it. Level: stays until changed.
    virtual void set_intr(bool asserted) = 0;
    virtual void raise_nmi() = 0;
    virtual void raise_init() = 0;
    // Start-up IPI: begins execution at vector * 4 KiB in real mode if the CPU waits for one.
    virtual void raise_startup(u8 vector) = 0;
};

// What a CPU asks of its local APIC.
class LocalInterrupts {
  public:
    virtual ~LocalInterrupts() = default;

    // Acknowledges the highest-priority pending interrupt; returns its vector (0-255). Called only while INTR
    // is set.
    virtual u8 acknowledge() = 0;

    // CR8 is the upper half of the task-priority register.
    virtual u8 task_priority_class() const = 0;
    virtual void set_task_priority_class(u8 value) = 0;

    // MSRs 1BH (IA32_APIC_BASE), 6E0H (IA32_TSC_DEADLINE) and 800H-8FFH (x2APIC). False: not there or a
    // reserved value, which raises #GP(0).
    virtual bool read_msr(u32 msr, u64& value) = 0;
    virtual bool write_msr(u32 msr, u64 value) = 0;
};

}  // namespace orrery
