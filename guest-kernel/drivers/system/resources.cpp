// The resources that no driver enters: RAM and the rest of the memory map, the kernel in it, and the PC's oldest ports.
#include "arch/x86_64/boot_info.h"
#include "drivers/acpi.h"
#include "drivers/base/resource.h"
#include "mm/page.h"

extern "C" char _text[], _etext[], _rodata[], _erodata[], _data[], _edata[], _end[];

namespace {

constexpr u64 kKernelImage = 0xffffffff80000000;

const char* kind_of(u32 type) {
    switch (type) {
        case 1:
            return "System RAM";
        case 3:
            return "ACPI Tables";
        case 4:
            return "ACPI Non-volatile Storage";
        case 5:
            return "Unusable memory";
        default:
            return "Reserved";
    }
}

// The map may be wrong on other people's machines: what cannot be entered is left out.
void memory(const char* name, u64 start, u64 end) {
    if (end > start) (void)insert_resource(AddressSpace::kMemory, name, start, end - 1);
}
void image(const char* name, const char* start, const char* end) {
    memory(name, reinterpret_cast<u64>(start) - kKernelImage, reinterpret_cast<u64>(end) - kKernelImage);
}

constexpr struct {
    const char* name;
    u16 start, end;
} kPorts[] = {
    {"dma1", 0x00, 0x1f},     {"pic1", 0x20, 0x21},     {"timer0", 0x40, 0x43},       {"timer1", 0x50, 0x53},
    {"keyboard", 0x60, 0x60}, {"keyboard", 0x64, 0x64}, {"dma page reg", 0x80, 0x8f}, {"pic2", 0xa0, 0xa1},
    {"dma2", 0xc0, 0xdf},     {"fpu", 0xf0, 0xff},
};

void ports(const char* name, u16 start, unsigned count) {
    if (start) (void)insert_resource(AddressSpace::kPorts, name, start, start + count - 1);
}

}  // namespace

void init_resources() {
    for (u32 i = 0; i < boot_info.memory_count; i++) {
        const MemoryRange& r = boot_info.memory[i];
        memory(kind_of(r.type), r.start, r.start + r.size);
    }
    image("Kernel code", _text, _etext);
    image("Kernel rodata", _rodata, _erodata);
    image("Kernel data", _data, _edata);
    image("Kernel bss", _edata, _end);
    for (unsigned i = 0; i < acpi_info.ioapic_count; i++)
        memory("IOAPIC 0", acpi_info.ioapic[i].address, acpi_info.ioapic[i].address + 0x400);
    memory("Local APIC", acpi_info.lapic_address, acpi_info.lapic_address + 0x1000);
    for (const auto& p : kPorts) (void)insert_resource(AddressSpace::kPorts, p.name, p.start, p.end);
    ports("ACPI PM1a_EVT_BLK", acpi_info.pm1a_event, 4);
    ports("ACPI PM1a_CNT_BLK", acpi_info.pm1a_control, 2);
    ports("ACPI PM_TMR", acpi_info.pm_timer_port, 4);
}
