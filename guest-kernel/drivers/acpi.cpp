// Reading the ACPI tables (drivers/acpi.h).
//
// Guarantees: no AML interpreter: \_S5 is found by its name and its package of small integers is decoded,
// which is what firmware in practice emits (ACPI 6.4, 20.2.5.4 DefPackage).
#include "drivers/acpi.h"

#include "core/printk.h"
#include "core/string.h"
#include "mm/page.h"
#include "mm/vmalloc.h"

AcpiInfo acpi_info;

namespace {

struct [[gnu::packed]] Header {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};
struct [[gnu::packed]] Rsdp {
    char signature[8];
    u8 checksum;
    char oem[6];
    u8 revision;
    u32 rsdt;
    u32 length;
    u64 xsdt;
};

bool checksum_ok(const void* data, size_t length) {
    u8 sum = 0;
    for (size_t i = 0; i < length; i++) sum = static_cast<u8>(sum + static_cast<const u8*>(data)[i]);
    return sum == 0;
}

template <class T>
T field(const u8* table, size_t offset) {
    T value;
    memcpy(&value, table + offset, sizeof(T));
    return value;
}

/// A table by physical address, mapped whole; nullptr if its checksum is wrong.
const u8* map_table(u64 phys) {
    const auto* header = static_cast<const Header*>(const_cast<const void*>(ioremap(phys, sizeof(Header))));
    if (!header || header->length < sizeof(Header) || header->length > (1u << 20)) return nullptr;
    const u32 length = header->length;
    vfree(reinterpret_cast<void*>(align_down(reinterpret_cast<u64>(header), kPageSize)));
    const auto* table = static_cast<const u8*>(const_cast<const void*>(ioremap(phys, length)));
    return table && checksum_ok(table, length) ? table : nullptr;
}

const Rsdp* find_rsdp(u64 hint) {
    if (hint) {
        const auto* rsdp = static_cast<const Rsdp*>(const_cast<const void*>(ioremap(hint, sizeof(Rsdp))));
        if (rsdp && memcmp(rsdp->signature, "RSD PTR ", 8) == 0 && checksum_ok(rsdp, 20)) return rsdp;
    }
    for (u64 phys = 0xe0000; phys < 0x100000; phys += 16) {
        const auto* rsdp = static_cast<const Rsdp*>(phys_to_virt(phys));
        if (memcmp(rsdp->signature, "RSD PTR ", 8) == 0 && checksum_ok(rsdp, 20)) return rsdp;
    }
    return nullptr;
}

void read_madt(const u8* madt) {
    acpi_info.lapic_address = field<u32>(madt, 36);
    const u32 length = field<u32>(madt, 4);
    for (u32 at = 44; at + 2 <= length && madt[at + 1] >= 2; at += madt[at + 1]) {
        const u8* entry = madt + at;
        switch (entry[0]) {
            case 0:  // local APIC
                if (entry[4] & 1 && acpi_info.cpu_count < kMaxCpus)
                    acpi_info.apic_ids[acpi_info.cpu_count++] = entry[3];
                break;
            case 1:  // IOAPIC
                if (acpi_info.ioapic_count < 4) {
                    acpi_info.ioapic[acpi_info.ioapic_count++] = {entry[2], field<u32>(entry, 4),
                                                                  field<u32>(entry, 8)};
                }
                break;
            case 2:  // interrupt source override
                if (entry[3] < 16)
                    acpi_info.irq_override[entry[3]] = {field<u32>(entry, 4), field<u16>(entry, 8), true};
                break;
            case 5:
                acpi_info.lapic_address = field<u64>(entry, 4);
                break;
            default:
                break;
        }
    }
}

/// A small AML integer at `p`; advances past it.
u8 aml_integer(const u8*& p) {
    const u8 op = *p++;
    if (op == 0x0a) return *p++;  // BytePrefix
    if (op == 0x01) return 1;     // OneOp
    return 0;                     // ZeroOp, anything else
}

void read_s5(const u8* dsdt) {
    const u32 length = field<u32>(dsdt, 4);
    for (u32 at = 36; at + 12 <= length; at++) {
        if (memcmp(dsdt + at, "_S5_", 4) != 0 || dsdt[at + 4] != 0x12) continue;
        const u8* p = dsdt + at + 5;
        p += (*p >> 6) + 1;  // PkgLength
        p++;                 // NumElements
        acpi_info.s5_type_a = aml_integer(p);
        acpi_info.s5_type_b = aml_integer(p);
        acpi_info.has_s5 = true;
        return;
    }
}

void read_fadt(const u8* fadt) {
    const u32 length = field<u32>(fadt, 4);
    acpi_info.smi_command = field<u32>(fadt, 48);
    acpi_info.acpi_enable = fadt[52];
    acpi_info.pm1a_event = static_cast<u16>(field<u32>(fadt, 56));
    acpi_info.pm1a_control = static_cast<u16>(field<u32>(fadt, 64));
    acpi_info.pm1b_control = static_cast<u16>(field<u32>(fadt, 68));
    acpi_info.pm_timer_port = static_cast<u16>(field<u32>(fadt, 76));
    if (length >= 129 && field<u32>(fadt, 112) & (1u << 10)) {
        acpi_info.has_reset = true;
        acpi_info.reset_space = fadt[116];
        acpi_info.reset_address = field<u64>(fadt, 120);
        acpi_info.reset_value = fadt[128];
    }
    if (const u8* dsdt = map_table(field<u32>(fadt, 40))) read_s5(dsdt);
}

}  // namespace

void acpi_init(u64 hint) {
    acpi_info.lapic_address = 0xfee00000;
    const Rsdp* rsdp = find_rsdp(hint);
    if (!rsdp) {
        printk(KERN_WARNING "ACPI: no RSDP: using the PC's usual addresses\n");
        return;
    }
    acpi_info.present = true;
    const bool wide = rsdp->revision >= 2 && rsdp->xsdt;
    const u8* root = map_table(wide ? rsdp->xsdt : rsdp->rsdt);
    if (!root) {
        printk(KERN_ERR "ACPI: the root table is damaged\n");
        return;
    }
    const u32 entry_size = wide ? 8 : 4;
    for (u32 at = 36; at + entry_size <= field<u32>(root, 4); at += entry_size) {
        const u64 phys = wide ? field<u64>(root, at) : field<u32>(root, at);
        const u8* table = map_table(phys);
        if (!table) continue;
        printk(KERN_INFO "ACPI: %.4s 0x%016lx %06x (v%02u)\n", reinterpret_cast<const char*>(table), phys,
               field<u32>(table, 4), table[8]);
        if (memcmp(table, "APIC", 4) == 0) read_madt(table);
        if (memcmp(table, "FACP", 4) == 0) read_fadt(table);
    }
    // Hardware-reduced or already enabled machines have no SMI command.
    if (acpi_info.smi_command && acpi_info.acpi_enable) {
        asm volatile("outb %b0, %w1" ::"a"(acpi_info.acpi_enable),
                     "Nd"(static_cast<u16>(acpi_info.smi_command)));
    }
}
