// System buses, and the small ones of them: clocksource and clockevents.
#include "drivers/system/system_device.h"

#include "arch/x86_64/percpu.h"
#include "core/panic.h"
#include "time/clocksource.h"

void SystemBus::register_all(const AttributeGroup* attributes) {
    bus_register(bus);
    root = &device_create_root(bus.name, system_directory(), attributes);
}

void SystemBus::add(Device& device, const char* format, unsigned number) {
    device.bus = &bus;
    device.up = RefPtr<Device>(root);
    char name[32];
    snprintf(name, sizeof(name), format, number);
    if (!device.set_name("%s", name).ok() || !device_add(device).ok())
        panic("device %s cannot be added", name);
}

namespace {

SystemBus g_clocksources("clocksource");
SystemBus g_clockevents("clockevents");

Result<void> show_clocksources(Kobject&, KString& out) {
    return out.appendf("%s \n", clocksource_name());
}
Result<void> show_clocksource(Kobject&, KString& out) {
    return out.appendf("%s\n", clocksource_name());
}
// There is one, and it stays: asking for another is no error in Linux either, until it comes.
Result<void> store_clocksource(Kobject&, const char* text, size_t size) {
    return size > 0 && size < 32 && text[0] != '\n' ? Result<void>() : Result<void>(Errno::EINVAL);
}
constexpr Attribute kClocksourceAttributes[] = {
    {"current_clocksource", 0644, show_clocksource, store_clocksource},
    {"available_clocksource", 0444, show_clocksources},
    {nullptr, 0},
};
constexpr AttributeGroup kClocksourceGroup = {nullptr, kClocksourceAttributes};

Result<void> show_clockevent(Kobject&, KString& out) {
    return out.appendf("%s\n", clockevent_name());
}
constexpr Attribute kClockeventAttributes[] = {
    {"current_device", 0444, show_clockevent},
    {nullptr, 0},
};
constexpr AttributeGroup kClockeventGroup = {nullptr, kClockeventAttributes};

void add_plain(SystemBus& bus, const AttributeGroup& group, const char* format, unsigned number) {
    Result<RefPtr<Device>> made = make_ref<Device>();
    if (!made.ok()) panic("%s: no memory", bus.bus.name);
    made.value()->add_group(group);
    bus.add(*made.value(), format, number);
}

}  // namespace

void init_system_devices() {
    init_memory_devices();
    init_cpu_devices();
    g_clocksources.register_all(nullptr);
    add_plain(g_clocksources, kClocksourceGroup, "clocksource%u", 0);
    g_clockevents.register_all(nullptr);
    for (unsigned cpu = 0; cpu < online_cpus; cpu++)
        add_plain(g_clockevents, kClockeventGroup, "clockevent%u", cpu);
}
