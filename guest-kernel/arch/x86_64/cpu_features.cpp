// What this CPU can do, and switching it on.
//
// Guarantees: nothing is used that CPUID does not report. After: Intel SDM vol. 2 (CPUID), vol. 3 chapter 2.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "core/printk.h"
#include "core/string.h"

CpuFeatures boot_cpu_features;
u8 cpu_has_smap = 0;

namespace {

void read_brand(CpuFeatures& f, u32 max_extended) {
    if (max_extended < 0x80000004) return;
    for (u32 i = 0; i < 3; i++) {
        const CpuidResult r = cpuid(0x80000002 + i);
        memcpy(f.brand + i * 16, &r, 16);
    }
    char* start = f.brand;
    while (*start == ' ') start++;
    memmove(f.brand, start, strlen(start) + 1);
}

void read_frequencies(CpuFeatures& f) {
    if (f.max_leaf < 0x15) return;
    const CpuidResult r = cpuid(0x15);
    if (r.eax == 0 || r.ebx == 0 || r.ecx == 0) return;
    f.apic_timer_khz = r.ecx / 1000;
    f.tsc_khz = static_cast<u32>(static_cast<u64>(r.ecx) * r.ebx / r.eax / 1000);
}

}  // namespace

void detect_cpu_features() {
    CpuFeatures& f = boot_cpu_features;
    const CpuidResult zero = cpuid(0);
    f.max_leaf = zero.eax;
    memcpy(f.vendor, &zero.ebx, 4);
    memcpy(f.vendor + 4, &zero.edx, 4);
    memcpy(f.vendor + 8, &zero.ecx, 4);

    const CpuidResult one = cpuid(1);
    f.leaf1_ecx = one.ecx;
    f.leaf1_edx = one.edx;
    f.stepping = one.eax & 15;
    f.model = (one.eax >> 4 & 15) | (one.eax >> 12 & 0xf0);
    f.family = (one.eax >> 8 & 15) + (one.eax >> 20 & 0xff);
    f.cache_line = (one.ebx >> 8 & 0xff) * 8;
    f.tsc_deadline = one.ecx >> 24 & 1;
    f.pge = one.edx >> 13 & 1;
    f.pcid = f.pge && (one.ecx >> 17 & 1);

    if (f.max_leaf >= 7) {
        const CpuidResult seven = cpuid(7);
        f.leaf7_ebx = seven.ebx;
        f.smep = seven.ebx >> 7 & 1;
        f.smap = seven.ebx >> 20 & 1;
        f.umip = seven.ecx >> 2 & 1;
    }
    const u32 max_extended = cpuid(0x80000000).eax;
    if (max_extended >= 0x80000001) {
        const CpuidResult ext = cpuid(0x80000001);
        f.ext_ecx = ext.ecx;
        f.ext_edx = ext.edx;
        f.nx = ext.edx >> 20 & 1;
        f.huge_pages = ext.edx >> 26 & 1;
    }
    if (max_extended >= 0x80000007) f.invariant_tsc = cpuid(0x80000007).edx >> 8 & 1;
    if (max_extended >= 0x80000008) {
        const u32 sizes = cpuid(0x80000008).eax;
        f.phys_bits = sizes & 0xff;
        f.virt_bits = sizes >> 8 & 0xff;
    }
    read_brand(f, max_extended);
    read_frequencies(f);
}

void enable_cpu_features() {
    const CpuFeatures& f = boot_cpu_features;
    u64 cr0 = read_cr0();
    cr0 &= ~(kCr0Em | kCr0Ts);
    cr0 |= kCr0Mp | kCr0Ne | kCr0Wp | kCr0Am;
    write_cr0(cr0);
    u64 cr4 = read_cr4() | kCr4De | kCr4Osfxsr | kCr4Osxmmexcpt;
    if (f.pge) cr4 |= kCr4Pge;
    if (f.smep) cr4 |= kCr4Smep;
    if (f.smap) cr4 |= kCr4Smap;
    if (f.umip) cr4 |= kCr4Umip;
    if (f.pcid) cr4 |= kCr4Pcide;  // CR3's low bits are 0 now, as they must be
    write_cr4(cr4);
    cpu_has_smap = f.smap;
    wrmsr(kMsrEfer, rdmsr(kMsrEfer) | kEferSce | (f.nx ? kEferNxe : 0));
    asm volatile("fninit");
    fpu_init();
}
