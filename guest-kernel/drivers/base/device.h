// Devices, and what orders them: buses with their drivers, and classes (Linux, Documentation/driver-api/driver-model).
//
// A driver that finds a piece of hardware makes a Device, says which bus or class it belongs to, and adds it. That alone
// gives it its directory in /sys/devices, the links to it from /sys/bus, /sys/class and /sys/dev, its node in devtmpfs,
// and an event for user space. There is no other list of devices.
//
// Guarantees: a device is in all of these places or, after device_remove(), in none. Devices, buses, drivers and classes
// may be added and removed by any task at any time; at boot before the first one too.
#pragma once

#include "drivers/base/kobject.h"
#include "fs/inode.h"

class Bus;
class Device;
class DeviceClass;
class Driver;

/// The number of no device.
constexpr dev_t kNoDevice = 0;

class Device : public Kobject {
  public:
    /// What /sys/…/uevent and an event say about this device beyond what all say: lines "KEY=value\n".
    virtual Result<void> uevent(KString& /*out*/) { return {}; }

    // Filled in before device_add(); fixed from then on.
    RefPtr<Device> up;  ///< where it is plugged in; null: /sys/devices, or virtual/CLASS there
    Bus* bus = nullptr;
    DeviceClass* device_class = nullptr;
    const char* type = nullptr;  ///< DEVTYPE: "disk", "partition"
    dev_t number = kNoDevice;
    bool is_block = false;            ///< of the number: a block device's
    u32 node_mode = 0600;             ///< of the node in devtmpfs
    const char* node_name = nullptr;  ///< "input/event0"; null: the device's name
    Kobject* place = nullptr;         ///< the directory it goes into; null: as `up` and the class say
    Driver* driver() const { return __atomic_load_n(&driver_, __ATOMIC_ACQUIRE); }

  private:
    friend struct DriverCore;
    Driver* driver_ = nullptr;
};

/// A kind of plug: who can drive what is plugged in. Registered once, never taken away.
class Bus {
  public:
    explicit Bus(const char* its_name, const AttributeGroup* of_devices = nullptr)
        : name(its_name), device_attributes(of_devices) {}
    virtual bool matches(const Device&, const Driver&) const { return false; }
    /// Lines that all its devices' events have ("MODALIAS=…\n").
    virtual Result<void> uevent(Device&, KString&) const { return {}; }

    const char* const name;
    const AttributeGroup* const device_attributes;  ///< may be null
    const AttributeGroup* attributes = nullptr;     ///< of /sys/bus/NAME itself

  private:
    friend struct DriverCore;
    Kobject* directory_ = nullptr;
    Kobject* devices_ = nullptr;
    Kobject* drivers_ = nullptr;
};

/// What drives the devices of a bus that it matches. Registered once, never taken away.
class Driver : public Kobject {
  public:
    explicit Driver(const char* its_name) : driver_name(its_name) {}
    /// Takes the device on. ENODEV: not one of mine, the next driver is asked.
    virtual Result<void> probe(Device&) { return {}; }
    /// Lets the device go. Only asked of drivers that can: the others keep theirs for good, and have no bind and unbind.
    virtual bool can_remove() const { return false; }
    virtual void remove_device(Device&) {}

    const char* const driver_name;
    Bus* bus = nullptr;
};

/// Devices that are used alike, wherever they are plugged in. Registered once, never taken away.
class DeviceClass {
  public:
    explicit DeviceClass(const char* its_name, const AttributeGroup* of_devices = nullptr)
        : name(its_name), device_attributes(of_devices) {}

    const char* const name;
    const AttributeGroup* const device_attributes;  ///< may be null

  private:
    friend struct DriverCore;
    Kobject* directory_ = nullptr;
};

void bus_register(Bus& bus);
void class_register(DeviceClass& device_class);
/// Enters the driver and offers it the devices that have none.
Result<void> driver_register(Bus& bus, Driver& driver);

/// Adds a device that has a name. EEXIST, ENOMEM; then nothing of it is left behind.
Result<void> device_add(Device& device);
/// Takes it out of all places; what is below it in the tree must be gone before.
void device_remove(Device& device);
/// A plain device of a class, named and added. Panics when memory is short: for boot.
Device& device_create(DeviceClass& device_class, Device* up, dev_t number, u32 node_mode, const char* name);
/// A device that is a directory of others ("pci0000:00", "platform", "system/cpu").
Device& device_create_root(const char* name, Kobject& place, const AttributeGroup* attributes = nullptr);

/// /sys/devices and /sys/devices/system.
Kobject& devices_directory();
Kobject& system_directory();
/// /sys/devices/platform, and the bus of what is soldered on.
Device& platform_root();
Bus& platform_bus();
/// A device on the platform bus. Panics when memory is short: for boot.
Device& platform_device_create(const char* name);

// Events (Linux, lib/kobject_uevent.c).
/// The event's text, as netlink carries it: "add@/devices/…", then KEY=value, each ended by a zero byte.
Result<KString> uevent_message(Device& device, const char* action, u64 sequence);
/// Tells user space that `action` ("add", "remove", "change" …) happened to `device`.
void device_event(Device& device, const char* action);
/// Gets the text of every event; null: nobody listens. For netlink.
using UeventListener = void (*)(const char* message, size_t size);
void set_uevent_listener(UeventListener listener);
/// The number of events so far (/sys/kernel/uevent_seqnum).
u64 uevent_sequence();

/// Makes the top of the tree; before any other call here.
void init_devices();
