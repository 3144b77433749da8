// The bus "virtio", and the PCI driver "virtio-pci" that fills it (drivers/virtio/virtio_bus.h).
#include "drivers/virtio/virtio_bus.h"

#include "core/panic.h"
#include "drivers/pci/pci_bus.h"

namespace {

const VirtioDevice& virtio_of(Kobject& object) {
    return static_cast<VirtioDevice&>(object);
}
Result<void> append_modalias(KString& out, const VirtioDevice& d) {
    return out.appendf("virtio:d%08Xv%08X\n", d.device_type, d.pci.subsystem_vendor);
}

class VirtioBus final : public Bus {
  public:
    using Bus::Bus;
    bool matches(const Device& device, const Driver& driver) const override {
        return static_cast<const VirtioDevice&>(device).device_type ==
               static_cast<const VirtioDriver&>(driver).device_type;
    }
    Result<void> uevent(Device& device, KString& out) const override {
        TRY(out.append("MODALIAS="));
        return append_modalias(out, virtio_of(device));
    }
};

Result<void> show_device(Kobject& object, KString& out) {
    return out.appendf("0x%04x\n", virtio_of(object).device_type);
}
Result<void> show_vendor(Kobject& object, KString& out) {
    return out.appendf("0x%04x\n", virtio_of(object).pci.subsystem_vendor);
}
Result<void> show_modalias(Kobject& object, KString& out) {
    return append_modalias(out, virtio_of(object));
}
constexpr Attribute kAttributes[] = {
    {"device", 0444, show_device},
    {"vendor", 0444, show_vendor},
    {"modalias", 0444, show_modalias},
    {nullptr, 0},
};
constexpr AttributeGroup kGroup = {nullptr, kAttributes};

VirtioBus g_virtio("virtio", &kGroup);
unsigned g_count = 0;  // boot only

class VirtioPciDriver final : public PciDriver {
  public:
    VirtioPciDriver() : PciDriver("virtio-pci") {}
    bool wants(const PciDevice& function) const override { return VirtioPci::type_of(function) != 0; }
    Result<void> probe(Device& device) override {
        PciDevice& pci = static_cast<PciFunction&>(device).pci;
        RefPtr<VirtioDevice> made = TRY(make_ref<VirtioDevice>(pci, VirtioPci::type_of(pci)));
        TRY(made->set_name("virtio%u", g_count++));
        made->bus = &g_virtio;
        made->up = RefPtr<Device>(&device);
        return device_add(*made);
    }
};

}  // namespace

Bus& virtio_bus() {
    return g_virtio;
}

void init_virtio_bus() {
    bus_register(g_virtio);
    Result<RefPtr<VirtioPciDriver>> driver = make_ref<VirtioPciDriver>();
    if (!driver.ok() || !driver_register(pci_bus(), *driver.value()).ok()) panic("virtio: no memory");
}
