// Buses, classes, drivers, and who drives what (drivers/base/device.h).
#include "core/panic.h"
#include "drivers/base/driver_core.h"

namespace {

/// Calls visit(child) for the kobjects and links' targets in `directory` until it answers true.
template <class Visit>
bool any_entry(const Kobject& directory, Visit visit) {
    KobjectEntry entry;
    for (u64 from = 0; directory.next_entry(from, &entry); from = entry.order + 1) {
        bool is_link;
        RefPtr<Kobject> found = directory.find(Name(entry.name), &is_link);
        if (found && visit(*found)) return true;
    }
    return false;
}

/// The device of `driver`'s bus that is called as was written to bind or unbind.
RefPtr<Device> device_named(const Driver& driver, const char* text, size_t size) {
    if (size > 0 && text[size - 1] == '\n') size--;
    bool is_link;
    RefPtr<Kobject> found = DriverCore::devices(*driver.bus).find(Name(text, size), &is_link);
    return RefPtr<Device>(static_cast<Device*>(found.get()));
}

Result<void> store_bind(Kobject& object, const char* text, size_t size) {
    Driver& driver = static_cast<Driver&>(object);
    RefPtr<Device> device = device_named(driver, text, size);
    if (!device || !driver.bus->matches(*device, driver)) return Errno::ENODEV;
    return DriverCore::offer(*device, driver);
}

Result<void> store_unbind(Kobject& object, const char* text, size_t size) {
    RefPtr<Device> device = device_named(static_cast<Driver&>(object), text, size);
    if (!device || device->driver() != &object) return Errno::ENODEV;
    DriverCore::detach(*device);
    return {};
}

// Drivers and buses have no properties of their own: an event about one says its place alone, to nobody yet.
Result<void> store_nothing(Kobject&, const char*, size_t) {
    return {};
}

bool driver_shows(Kobject& object, const Attribute& attribute) {
    return attribute.store == store_nothing || static_cast<Driver&>(object).can_remove();
}

constexpr Attribute kDriverAttributes[] = {
    {"uevent", 0200, nullptr, store_nothing},
    {"bind", 0200, nullptr, store_bind},
    {"unbind", 0200, nullptr, store_unbind},
    {nullptr, 0},
};
constexpr AttributeGroup kDriverGroup = {nullptr, kDriverAttributes, driver_shows};

/// /sys/bus/NAME.
class BusDirectory final : public Kobject {
  public:
    explicit BusDirectory(Bus& its_bus) : bus(its_bus) {}
    bool autoprobe() const { return __atomic_load_n(&autoprobe_, __ATOMIC_RELAXED); }

    static Result<void> show_autoprobe(Kobject& object, KString& out) {
        return out.append(static_cast<BusDirectory&>(object).autoprobe() ? "1\n" : "0\n");
    }
    static Result<void> store_autoprobe(Kobject& object, const char* text, size_t size) {
        __atomic_store_n(&static_cast<BusDirectory&>(object).autoprobe_, !(size > 0 && text[0] == '0'),
                         __ATOMIC_RELAXED);
        return {};
    }
    static Result<void> store_probe(Kobject& object, const char* text, size_t size) {
        if (size > 0 && text[size - 1] == '\n') size--;
        bool is_link;
        RefPtr<Kobject> found =
            DriverCore::devices(static_cast<BusDirectory&>(object).bus).find(Name(text, size), &is_link);
        if (!found) return Errno::ENODEV;
        Device& device = static_cast<Device&>(*found);
        if (!device.driver()) DriverCore::attach(device);
        return device.driver() ? Result<void>() : Result<void>(Errno::EINVAL);
    }

    Bus& bus;

  private:
    bool autoprobe_ = true;
};

constexpr Attribute kBusAttributes[] = {
    {"drivers_autoprobe", 0644, BusDirectory::show_autoprobe, BusDirectory::store_autoprobe},
    {"drivers_probe", 0200, nullptr, BusDirectory::store_probe},
    {"uevent", 0200, nullptr, store_nothing},
    {nullptr, 0},
};
constexpr AttributeGroup kBusGroup = {nullptr, kBusAttributes};

bool may_probe(const Bus& bus) {
    return static_cast<BusDirectory&>(DriverCore::directory(bus)).autoprobe();
}

}  // namespace

void DriverCore::enter(Bus& bus) {
    Result<RefPtr<BusDirectory>> made = make_ref<BusDirectory>(bus);
    if (!made.ok() || !made.value()->set_name("%s", bus.name).ok()) panic("bus %s: no memory", bus.name);
    Kobject& directory = *made.value();
    directory.add_group(kBusGroup);
    if (bus.attributes) directory.add_group(*bus.attributes);
    if (!directory.add_to(kobject_directory(sysfs_root(), "bus")).ok())
        panic("bus %s cannot be added", bus.name);
    bus.directory_ = &directory;
    bus.devices_ = &kobject_directory(directory, "devices");
    bus.drivers_ = &kobject_directory(directory, "drivers");
}

void DriverCore::enter(DeviceClass& c) {
    c.directory_ = &kobject_directory(kobject_directory(sysfs_root(), "class"), c.name);
}

Result<void> DriverCore::offer(Device& device, Driver& driver) {
    if (!device.bus->matches(device, driver)) return Errno::ENODEV;
    Driver* none = nullptr;
    if (!__atomic_compare_exchange_n(&device.driver_, &none, &driver, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return Errno::EBUSY;
    Result<void> taken = driver.probe(device);
    if (taken.ok()) taken = driver.add_link(device.name(), device);
    if (taken.ok()) taken = device.add_link("driver", driver);
    if (!taken.ok()) {
        driver.remove_link(device.name());
        __atomic_store_n(&device.driver_, nullptr, __ATOMIC_RELEASE);
        return taken;
    }
    device_event(device, "bind");
    return {};
}

void DriverCore::attach(Device& device) {
    if (!may_probe(*device.bus)) return;
    any_entry(drivers(*device.bus),
              [&](Kobject& driver) { return offer(device, static_cast<Driver&>(driver)).ok(); });
}

void DriverCore::detach(Device& device) {
    Driver* driver = device.driver();
    if (!driver) return;
    if (driver->can_remove()) driver->remove_device(device);
    driver->remove_link(device.name());
    device.remove_link("driver");
    __atomic_store_n(&device.driver_, nullptr, __ATOMIC_RELEASE);
    device_event(device, "unbind");
}

void bus_register(Bus& bus) {
    DriverCore::enter(bus);
}
void class_register(DeviceClass& device_class) {
    DriverCore::enter(device_class);
}

Result<void> driver_register(Bus& bus, Driver& driver) {
    driver.bus = &bus;
    TRY(driver.set_name("%s", driver.driver_name));
    driver.add_group(kDriverGroup);
    TRY(driver.add_to(DriverCore::drivers(bus)));
    if (may_probe(bus)) {
        any_entry(DriverCore::devices(bus), [&](Kobject& device) {
            (void)DriverCore::offer(static_cast<Device&>(device), driver);
            return false;
        });
    }
    return {};
}
