// The instructions C++ cannot say: ports, MSRs, control registers (CR3 is tlb.cpp's), CPUID, TSC, interrupt
// flag.
//
// Guarantees: thin wrappers, one instruction each (Intel SDM vol. 2); MSR and CR numbers in the manual's
// names.
#pragma once

#include "core/types.h"

inline void outb(u16 port, u8 value) {
    asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
inline void outw(u16 port, u16 value) {
    asm volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}
inline void outl(u16 port, u32 value) {
    asm volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}
inline u8 inb(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u16 inw(u16 port) {
    u16 value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u32 inl(u16 port) {
    u32 value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

enum Msr : u32 {
    kMsrApicBase = 0x1b,
    kMsrEfer = 0xc0000080,
    kMsrStar = 0xc0000081,
    kMsrLstar = 0xc0000082,
    kMsrCstar = 0xc0000083,
    kMsrFmask = 0xc0000084,
    kMsrFsBase = 0xc0000100,
    kMsrGsBase = 0xc0000101,
    kMsrKernelGsBase = 0xc0000102,
};
constexpr u64 kEferSce = 1, kEferNxe = 1 << 11;

inline u64 rdmsr(u32 msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | static_cast<u64>(high) << 32;
}
inline void wrmsr(u32 msr, u64 value) {
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32))
                 : "memory");
}

#define ORRERY_CONTROL_REGISTER(n)                                   \
    inline u64 read_cr##n() {                                        \
        u64 value;                                                   \
        asm volatile("movq %%cr" #n ", %0" : "=r"(value)::"memory"); \
        return value;                                                \
    }                                                                \
    inline void write_cr##n(u64 value) {                             \
        asm volatile("movq %0, %%cr" #n ::"r"(value) : "memory");    \
    }
ORRERY_CONTROL_REGISTER(0)
ORRERY_CONTROL_REGISTER(2)
ORRERY_CONTROL_REGISTER(4)
#undef ORRERY_CONTROL_REGISTER

constexpr u64 kCr0Mp = 1 << 1, kCr0Em = 1 << 2, kCr0Ts = 1 << 3, kCr0Ne = 1 << 5, kCr0Wp = 1 << 16,
              kCr0Am = 1 << 18;
constexpr u64 kCr4Tsd = 1 << 2, kCr4De = 1 << 3, kCr4Pge = 1 << 7, kCr4Osfxsr = 1 << 9,
              kCr4Osxmmexcpt = 1 << 10, kCr4Umip = 1 << 11, kCr4Pcide = 1 << 17, kCr4Osxsave = 1 << 18,
              kCr4Smep = 1 << 20, kCr4Smap = 1 << 21;

struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidResult r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}
inline u64 rdtsc() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | static_cast<u64>(high) << 32;
}

constexpr u64 kFlagsIf = 1 << 9;
inline u64 read_flags() {
    u64 flags;
    asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags;
}
inline void local_irq_enable() {
    asm volatile("sti" ::: "memory");
}
inline void local_irq_disable() {
    asm volatile("cli" ::: "memory");
}
inline u64 local_irq_save() {
    const u64 flags = read_flags();
    local_irq_disable();
    return flags;
}
inline void local_irq_restore(u64 flags) {
    if (flags & kFlagsIf) local_irq_enable();
}
/// Interrupts are off for a scope.
class IrqsOff {
  public:
    IrqsOff() : flags_(local_irq_save()) {}
    ~IrqsOff() { local_irq_restore(flags_); }
    IrqsOff(const IrqsOff&) = delete;
    IrqsOff& operator=(const IrqsOff&) = delete;

  private:
    u64 flags_;
};
inline bool irqs_disabled() {
    return !(read_flags() & kFlagsIf);
}
inline void cpu_relax() {
    asm volatile("pause" ::: "memory");
}

/// What CPUID says that we use (arch/x86_64/cpu_features.cpp).
struct CpuFeatures {
    bool nx, smep, smap, pcid, umip, pge, huge_pages, invariant_tsc, tsc_deadline;
    u32 tsc_khz;         // from leaves 0x15/0x16, 0 if they do not say
    u32 apic_timer_khz;  // crystal, 0 if unknown
    u32 family, model, stepping, cache_line;
    char vendor[13];
    char brand[49];
    u32 leaf1_ecx, leaf1_edx, leaf7_ebx, ext_ecx, ext_edx;
    u32 max_leaf, phys_bits, virt_bits;
};
extern CpuFeatures boot_cpu_features;
extern "C" u8 cpu_has_smap;
void detect_cpu_features();
/// Set CR0, CR4 and EFER as the features allow: WP, NE, PGE, SMEP, SMAP, UMIP, OSFXSR, OSXSAVE, NXE.
void enable_cpu_features();
