// The bus "pci" (drivers/pci/pci_bus.h).
#include "drivers/pci/pci_bus.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "core/panic.h"
#include "drivers/base/resource.h"
#include "drivers/system/bitmap_text.h"
#include "fs/cred.h"

namespace {

using ull = unsigned long long;
constexpr unsigned kConfigSize = 256;
constexpr unsigned kResources = 13;  // the BARs, the ROM, a bridge's windows

PciDevice& function_of(Kobject& object) {
    return static_cast<PciFunction&>(object).pci;
}

Result<void> append_modalias(KString& out, const PciDevice& d) {
    return out.appendf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", d.vendor, d.device,
                       d.subsystem_vendor, d.subsystem, d.class_code >> 16, d.class_code >> 8 & 0xff,
                       d.class_code & 0xff);
}

class PciBus final : public Bus {
  public:
    using Bus::Bus;
    bool matches(const Device& device, const Driver& driver) const override {
        return static_cast<const PciDriver&>(driver).wants(static_cast<const PciFunction&>(device).pci);
    }
    Result<void> uevent(Device& device, KString& out) const override {
        const PciDevice& d = static_cast<PciFunction&>(device).pci;
        TRY(out.appendf(
            "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=",
            d.class_code, d.vendor, d.device, d.subsystem_vendor, d.subsystem, device.name()));
        return append_modalias(out, d);
    }
};

template <auto Field, int digits>
Result<void> show_hex(Kobject& object, KString& out) {
    return out.appendf("0x%0*x\n", digits, static_cast<unsigned>(function_of(object).*Field));
}
Result<void> show_irq(Kobject& object, KString& out) {
    return out.appendf("%u\n", function_of(object).irq_pin ? function_of(object).irq_line : 0u);
}
Result<void> show_modalias(Kobject& object, KString& out) {
    return append_modalias(out, function_of(object));
}
Result<void> show_node(Kobject&, KString& out) {
    return out.append("-1\n");
}
Result<void> show_cpus(Kobject&, KString& out) {
    return append_cpu_mask(out, online_mask(), online_cpus);
}
Result<void> show_cpulist(Kobject&, KString& out) {
    return append_cpu_list(out, online_mask());
}
Result<void> show_enable(Kobject& object, KString& out) {
    return out.append(static_cast<Device&>(object).driver() ? "1\n" : "0\n");
}

/// Linux's IORESOURCE_… of a BAR: of ports or memory, 64 bits wide, prefetchable, aligned to its size.
u64 resource_flags(const PciDevice::Bar& bar) {
    constexpr u64 kPort = 0x100, kMemory = 0x200, kPrefetch = 0x2000, kSizeAlign = 0x40000, kWide = 0x100000;
    if (bar.length == 0) return 0;
    if (bar.flags & 1) return kPort | kSizeAlign | bar.flags;
    return kMemory | kSizeAlign | bar.flags | (bar.flags & 8 ? kPrefetch : 0) | (bar.flags & 4 ? kWide : 0);
}
Result<void> show_resource(Kobject& object, KString& out) {
    const PciDevice& d = function_of(object);
    for (unsigned i = 0; i < kResources; i++) {
        const PciDevice::Bar none;
        const PciDevice::Bar& bar = i < PciDevice::kBars ? d.bars[i] : none;
        const u64 last = bar.length ? bar.address + bar.length - 1 : 0;
        TRY(out.appendf("0x%016llx 0x%016llx 0x%016llx\n", static_cast<ull>(bar.length ? bar.address : 0),
                        static_cast<ull>(last), static_cast<ull>(resource_flags(bar))));
    }
    return {};
}

// Who is no administrator sees the standard header alone: reading more can disturb a device.
Result<size_t> read_config(Kobject& object, u64 offset, u8* out, size_t size) {
    const u64 limit = current_cred().has(kCapSysAdmin) ? kConfigSize : 64;
    size_t n = 0;
    for (; n < size && offset + n < limit; n++)
        out[n] = static_cast<u8>(function_of(object).read(static_cast<unsigned>(offset + n), 1));
    return size_t{n};
}
Result<size_t> write_config(Kobject& object, u64 offset, const u8* bytes, size_t size) {
    if (!current_cred().has(kCapSysAdmin)) return Errno::EPERM;
    size_t n = 0;
    while (n < size && offset + n < kConfigSize) {
        // As wide as alignment and length allow: some registers want all their bytes at once.
        const unsigned at = static_cast<unsigned>(offset + n);
        const unsigned width = at % 4 == 0 && size - n >= 4 ? 4 : at % 2 == 0 && size - n >= 2 ? 2 : 1;
        u32 value = 0;
        memcpy(&value, bytes + n, width);
        function_of(object).write(at, width, value);
        n += width;
    }
    return size_t{n};
}

constexpr Attribute kAttributes[] = {
    {"vendor", 0444, show_hex<&PciDevice::vendor, 4>},
    {"device", 0444, show_hex<&PciDevice::device, 4>},
    {"subsystem_vendor", 0444, show_hex<&PciDevice::subsystem_vendor, 4>},
    {"subsystem_device", 0444, show_hex<&PciDevice::subsystem, 4>},
    {"revision", 0444, show_hex<&PciDevice::revision, 2>},
    {"class", 0444, show_hex<&PciDevice::class_code, 6>},
    {"irq", 0444, show_irq},
    {"local_cpus", 0444, show_cpus},
    {"local_cpulist", 0444, show_cpulist},
    {"modalias", 0444, show_modalias},
    {"numa_node", 0444, show_node},
    {"enable", 0444, show_enable},
    {"resource", 0444, show_resource},
    {"config", 0644, nullptr, nullptr, read_config, write_config, [](Kobject&) { return u64{kConfigSize}; }},
    {nullptr, 0},
};
constexpr AttributeGroup kGroup = {nullptr, kAttributes};

constexpr Attribute kBusAttributes[] = {
    {"cpuaffinity", 0444, show_cpus},
    {"cpulistaffinity", 0444, show_cpulist},
    {nullptr, 0},
};
constexpr AttributeGroup kBusGroup = {nullptr, kBusAttributes};

PciBus g_pci("pci", &kGroup);
DeviceClass g_bus_class("pci_bus", &kBusGroup);

void enter_windows(const PciDevice& d, const char* name) {
    for (const PciDevice::Bar& bar : d.bars) {
        if (bar.length == 0 || bar.address == 0) continue;
        const AddressSpace space = bar.flags & 1 ? AddressSpace::kPorts : AddressSpace::kMemory;
        (void)insert_resource(space, name, bar.address, bar.address + bar.length - 1);
    }
}

}  // namespace

Bus& pci_bus() {
    return g_pci;
}

void init_pci_bus() {
    bus_register(g_pci);
    class_register(g_bus_class);
    (void)insert_resource(AddressSpace::kPorts, "PCI conf1", 0xcf8, 0xcff);
    if (!first_pci_device()) return;
    Device& root = device_create_root("pci0000:00", devices_directory());
    device_create(g_bus_class, &root, kNoDevice, 0, "0000:00");
    for (PciDevice* d = first_pci_device(); d; d = d->next) {
        Result<RefPtr<PciFunction>> made = make_ref<PciFunction>(*d);
        if (!made.ok()) panic("pci: no memory");
        PciFunction& shown = *made.value();
        shown.bus = &g_pci;
        shown.up = RefPtr<Device>(&root);
        if (!shown.set_name("0000:%02x:%02x.%u", d->bus, d->slot, d->function).ok() ||
            !device_add(shown).ok())
            panic("pci: no memory");
        enter_windows(*d, shown.name());
    }
}

Result<void> show_proc_pci(KString& out) {
    bool is_link;
    RefPtr<Kobject> root = devices_directory().find(Name("pci0000:00"), &is_link);
    KobjectEntry entry;
    for (u64 from = 0; root && root->next_entry(from, &entry); from = entry.order + 1) {
        RefPtr<Kobject> found = root->find(Name(entry.name), &is_link);
        if (!found || strncmp(entry.name, "0000:", 5) != 0) continue;
        const Driver* driver = static_cast<Device&>(*found).driver();
        const PciDevice& d = function_of(*found);
        TRY(out.appendf("%02x%02x\t%04x%04x\t%x", d.bus, d.slot << 3 | d.function, d.vendor, d.device,
                        d.irq_pin ? d.irq_line : 0u));
        for (const PciDevice::Bar& bar : d.bars)
            TRY(out.appendf("\t%16llx", static_cast<ull>(bar.length ? bar.address | bar.flags : 0)));
        TRY(out.appendf("\t%16x", 0u));  // the ROM
        for (const PciDevice::Bar& bar : d.bars) TRY(out.appendf("\t%16llx", static_cast<ull>(bar.length)));
        TRY(out.appendf("\t%16x\t%s\n", 0u, driver ? driver->driver_name : ""));
    }
    return {};
}
