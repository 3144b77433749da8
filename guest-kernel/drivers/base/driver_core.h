// What the files of drivers/base know of each other: a device's way to its driver, and its properties in events.
#pragma once

#include "drivers/base/device.h"

struct DriverCore {
    static Kobject& directory(const Bus& bus) { return *bus.directory_; }
    static Kobject& devices(const Bus& bus) { return *bus.devices_; }
    static Kobject& drivers(const Bus& bus) { return *bus.drivers_; }
    static Kobject& directory(const DeviceClass& c) { return *c.directory_; }
    static void enter(Bus& bus);
    static void enter(DeviceClass& c);

    /// Offers the device to its bus's drivers, one after the other.
    static void attach(Device& device);
    /// Offers it to this driver. ENODEV when it does not match or want it, EBUSY when it has a driver.
    static Result<void> offer(Device& device, Driver& driver);
    static void detach(Device& device);
};

/// The lines of /sys/…/uevent.
Result<void> append_device_properties(Device& device, KString& out);
