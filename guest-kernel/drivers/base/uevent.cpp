// Events for user space about devices (drivers/base/device.h; Linux, lib/kobject_uevent.c).
#include "drivers/base/driver_core.h"

namespace {
u64 g_sequence = 0;
UeventListener g_listener = nullptr;  // set once, when netlink starts
}  // namespace

Result<void> append_device_properties(Device& device, KString& out) {
    if (device.number != kNoDevice) {
        TRY(out.appendf("MAJOR=%u\nMINOR=%u\n", dev_major(device.number), dev_minor(device.number)));
        TRY(out.append("DEVNAME="));
        for (const char* c = device.node_name ? device.node_name : device.name(); *c; c++)
            TRY(out.push(*c == '!' ? '/' : *c));
        TRY(out.push('\n'));
        // Linux says the mode where it is not the usual one.
        if (device.node_mode != 0600) TRY(out.appendf("DEVMODE=0%o\n", device.node_mode));
    }
    if (device.type) TRY(out.appendf("DEVTYPE=%s\n", device.type));
    if (const Driver* driver = device.driver()) TRY(out.appendf("DRIVER=%s\n", driver->driver_name));
    if (device.bus) TRY(device.bus->uevent(device, out));
    return device.uevent(out);
}

Result<KString> uevent_message(Device& device, const char* action, u64 sequence) {
    const KString path = TRY(device.path());
    const char* subsystem = device.bus            ? device.bus->name
                            : device.device_class ? device.device_class->name
                                                  : "";
    KString out;
    TRY(out.appendf("%s@%s\nACTION=%s\nDEVPATH=%s\nSUBSYSTEM=%s\n", action, path.c_str(), action,
                    path.c_str(), subsystem));
    TRY(append_device_properties(device, out));
    TRY(out.appendf("SEQNUM=%llu\n", static_cast<unsigned long long>(sequence)));
    for (size_t i = 0; i < out.size(); i++) {
        if (out[i] == '\n') out.data()[i] = '\0';
    }
    return out;
}

void device_event(Device& device, const char* action) {
    if (!device.bus && !device.device_class) return;  // Linux: no subsystem, no event
    const u64 sequence = __atomic_add_fetch(&g_sequence, 1, __ATOMIC_RELAXED);
    const UeventListener listener = __atomic_load_n(&g_listener, __ATOMIC_ACQUIRE);
    if (!listener) return;
    Result<KString> message = uevent_message(device, action, sequence);
    if (message.ok()) listener(message.value().c_str(), message.value().size());
}

void set_uevent_listener(UeventListener listener) {
    __atomic_store_n(&g_listener, listener, __ATOMIC_RELEASE);
}

u64 uevent_sequence() {
    return __atomic_load_n(&g_sequence, __ATOMIC_RELAXED);
}
