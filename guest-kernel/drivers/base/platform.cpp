// The top of /sys, and the platform bus: devices that no bus tells of, known to be at their place on every PC.
#include "core/panic.h"
#include "drivers/base/device.h"

namespace {

class PlatformBus final : public Bus {
  public:
    using Bus::Bus;
    bool matches(const Device& device, const Driver& driver) const override {
        return strcmp(device.name(), driver.driver_name) == 0;
    }
    Result<void> uevent(Device& device, KString& out) const override {
        return out.appendf("MODALIAS=platform:%s\n", device.name());
    }
};

Result<void> show_modalias(Kobject& object, KString& out) {
    return out.appendf("platform:%s\n", object.name());
}
constexpr Attribute kPlatformAttributes[] = {
    {"modalias", 0444, show_modalias},
    {nullptr, 0},
};
constexpr AttributeGroup kPlatformGroup = {nullptr, kPlatformAttributes};

Result<void> show_sequence(Kobject&, KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(uevent_sequence()));
}
constexpr Attribute kKernelAttributes[] = {
    {"uevent_seqnum", 0444, show_sequence},
    {nullptr, 0},
};
constexpr AttributeGroup kKernelGroup = {nullptr, kKernelAttributes};

PlatformBus g_platform("platform", &kPlatformGroup);
Device* g_platform_root = nullptr;

}  // namespace

Bus& platform_bus() {
    return g_platform;
}
Device& platform_root() {
    return *g_platform_root;
}

Device& platform_device_create(const char* name) {
    Result<RefPtr<Device>> made = make_ref<Device>();
    if (!made.ok() || !made.value()->set_name("%s", name).ok()) panic("device %s: no memory", name);
    Device& device = *made.value();
    device.bus = &g_platform;
    device.up = RefPtr<Device>(g_platform_root);
    if (!device_add(device).ok()) panic("device %s cannot be added", name);
    return device;
}

void init_devices() {
    Kobject& root = sysfs_root();
    for (const char* name : {"devices", "dev", "class", "bus", "block", "fs", "kernel", "module", "firmware"})
        kobject_directory(root, name);
    for (const char* kind : {"block", "char"}) kobject_directory(kobject_directory(root, "dev"), kind);
    kobject_directory(devices_directory(), "virtual");
    kobject_directory(kobject_directory(root, "fs"), "cgroup");
    kobject_directory(root, "kernel").add_group(kKernelGroup);
    bus_register(g_platform);
    g_platform_root = &device_create_root("platform", devices_directory());
}
