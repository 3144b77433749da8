// Adding and removing devices (drivers/base/device.h): the places in /sys where one shows, in Linux's order.
#include "drivers/base/device.h"

#include "core/panic.h"
#include "drivers/base/driver_core.h"
#include "fs/tmpfs/devtmpfs.h"

namespace {

Result<void> show_dev(Kobject& object, KString& out) {
    const dev_t number = static_cast<Device&>(object).number;
    return out.appendf("%u:%u\n", dev_major(number), dev_minor(number));
}

Result<void> show_uevent(Kobject& object, KString& out) {
    return append_device_properties(static_cast<Device&>(object), out);
}

// Writing an action's name makes the event happen again: how udev learns of what was there before it.
Result<void> store_uevent(Kobject& object, const char* text, size_t size) {
    static constexpr const char* kActions[] = {"add",    "remove",  "change", "move",
                                               "online", "offline", "bind",   "unbind"};
    for (const char* action : kActions) {
        if (!attribute_is(text, size, action)) continue;
        device_event(static_cast<Device&>(object), action);
        return {};
    }
    return Errno::EINVAL;
}

bool device_shows(Kobject& object, const Attribute& attribute) {
    return attribute.show != show_dev || static_cast<Device&>(object).number != kNoDevice;
}

constexpr Attribute kDeviceAttributes[] = {
    {"uevent", 0644, show_uevent, store_uevent},
    {"dev", 0444, show_dev},
    {nullptr, 0},
};
constexpr AttributeGroup kDeviceGroup = {nullptr, kDeviceAttributes, device_shows};

/// The directory for devices of a class below a device of something else: "…/0000:00:04.0/virtio2/block".
Kobject& glue_directory(Device& device) {
    const char* name = device.device_class->name;
    if (!device.up) return kobject_directory(kobject_directory(devices_directory(), "virtual"), name);
    if (device.up->device_class) return *device.up;
    return kobject_directory(*device.up, name);
}

Kobject& place_of(Device& device) {
    if (device.place) return *device.place;
    if (device.device_class) return glue_directory(device);
    return device.up ? static_cast<Kobject&>(*device.up) : devices_directory();
}

bool is_partition(const Device& device) {
    return device.up && device.up->device_class && device.up->device_class == device.device_class &&
           device.is_block;
}

Kobject& numbers_directory(const Device& device) {
    return kobject_directory(kobject_directory(sysfs_root(), "dev"), device.is_block ? "block" : "char");
}

struct NumberText {
    char text[24];
    explicit NumberText(dev_t number) {
        snprintf(text, sizeof(text), "%u:%u", dev_major(number), dev_minor(number));
    }
};

KString node_name_of(const Device& device) {
    Result<KString> name = KString::make(device.node_name ? device.node_name : device.name());
    if (!name.ok()) return KString();
    for (size_t i = 0; i < name.value().size(); i++) {
        if (name.value()[i] == '!') name.value().data()[i] = '/';
    }
    return name.release_value();
}

Result<void> add_links(Device& device) {
    if (device.bus) {
        TRY(device.add_link("subsystem", DriverCore::directory(*device.bus)));
        TRY(DriverCore::devices(*device.bus).add_link(device.name(), device));
    }
    if (DeviceClass* c = device.device_class) {
        TRY(device.add_link("subsystem", DriverCore::directory(*c)));
        TRY(DriverCore::directory(*c).add_link(device.name(), device));
        if (device.up && !is_partition(device)) TRY(device.add_link("device", *device.up));
        if (device.is_block && !is_partition(device))
            TRY(kobject_directory(sysfs_root(), "block").add_link(device.name(), device));
    }
    if (device.number != kNoDevice) {
        TRY(numbers_directory(device).add_link(NumberText(device.number).text, device));
        const KString node = node_name_of(device);
        if (node.empty()) return Errno::ENOMEM;
        TRY(devtmpfs_create_node(node.c_str(), (device.is_block ? S_IFBLK : S_IFCHR) | device.node_mode,
                                 device.number));
    }
    return {};
}

void remove_links(Device& device) {
    if (device.bus) DriverCore::devices(*device.bus).remove_link(device.name());
    if (DeviceClass* c = device.device_class) {
        DriverCore::directory(*c).remove_link(device.name());
        if (device.is_block) kobject_directory(sysfs_root(), "block").remove_link(device.name());
    }
    if (device.number != kNoDevice) {
        numbers_directory(device).remove_link(NumberText(device.number).text);
        const KString node = node_name_of(device);
        if (!node.empty()) devtmpfs_remove_node(node.c_str(), device.number);
    }
}

}  // namespace

Result<void> device_add(Device& device) {
    device.add_group(kDeviceGroup);
    if (device.bus && device.bus->device_attributes) device.add_group(*device.bus->device_attributes);
    if (device.device_class && device.device_class->device_attributes)
        device.add_group(*device.device_class->device_attributes);
    TRY(device.add_to(place_of(device)));
    const Result<void> linked = add_links(device);
    if (!linked.ok()) {
        remove_links(device);
        device.remove();
        return linked.error();
    }
    device_event(device, "add");
    if (device.bus) DriverCore::attach(device);
    return {};
}

void device_remove(Device& device) {
    RefPtr<Device> keep(&device);
    DriverCore::detach(device);
    remove_links(device);
    device_event(device, "remove");
    device.remove();
}

Device& device_create(DeviceClass& device_class, Device* up, dev_t number, u32 node_mode, const char* name) {
    Result<RefPtr<Device>> made = make_ref<Device>();
    if (!made.ok() || !made.value()->set_name("%s", name).ok()) panic("device %s: no memory", name);
    Device& device = *made.value();
    device.device_class = &device_class;
    device.up = RefPtr<Device>(up);
    device.number = number;
    device.node_mode = node_mode;
    if (!device_add(device).ok()) panic("device %s cannot be added", name);
    return device;  // the tree keeps it
}

Device& device_create_root(const char* name, Kobject& place, const AttributeGroup* attributes) {
    Result<RefPtr<Device>> made = make_ref<Device>();
    if (!made.ok() || !made.value()->set_name("%s", name).ok()) panic("device %s: no memory", name);
    made.value()->place = &place;
    if (attributes) made.value()->add_group(*attributes);
    if (!device_add(*made.value()).ok()) panic("device %s cannot be added", name);
    return *made.value();
}

Kobject& devices_directory() {
    return kobject_directory(sysfs_root(), "devices");
}
Kobject& system_directory() {
    return kobject_directory(devices_directory(), "system");
}
