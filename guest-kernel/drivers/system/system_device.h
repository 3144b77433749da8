// /sys/devices/system: the machine's own parts, each kind a bus with a directory for all of them ("subsystem", as Linux
// calls such buses): cpu, memory, node, clocksource, clockevents.
#pragma once

#include "drivers/base/device.h"

/// A bus whose devices stand in /sys/devices/system/NAME, and that directory.
struct SystemBus {
    explicit SystemBus(const char* name) : bus(name) {}
    /// `attributes` (may be null) are of the directory itself.
    void register_all(const AttributeGroup* attributes);
    /// Names and adds `device`. Panics when memory is short: for boot.
    void add(Device& device, const char* format, unsigned number);

    Bus bus;
    Device* root = nullptr;
};

/// After the CPUs have been counted and the drivers of time have started.
void init_system_devices();
void init_cpu_devices();     ///< /sys/devices/system/cpu (drivers/system/cpu.cpp)
void init_memory_devices();  ///< memory and node (drivers/system/memory.cpp)
/// Links for node0, which all CPUs and memory belong to.
extern Device* node_device;
