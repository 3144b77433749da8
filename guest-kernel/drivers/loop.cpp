// /dev/loop-control, and the table of loop devices (drivers/loop.h).
#include "drivers/loop.h"

#include "block/block_registry.h"
#include "drivers/base/device.h"
#include "drivers/loop_device.h"
#include "fs/chrdev.h"

namespace {

constexpr u32 kMiscMajor = 10;
constexpr u32 kControlMinor = 237;
constexpr u32 kFirstDevices = 8;  // CONFIG_BLK_DEV_LOOP_MIN_COUNT
constexpr u32 kMaxDevices = 256;

enum Request : u32 { LOOP_CTL_ADD = 0x4c80, LOOP_CTL_REMOVE = 0x4c81, LOOP_CTL_GET_FREE = 0x4c82 };

// Under loop_lock(). A device that was removed stays here for the next of its number, since its thread never ends.
RefPtr<LoopDevice> g_devices[kMaxDevices];
bool g_loaded = false;
BlockMajor g_major = {"loop", LoopDevice::kMajor, nullptr};

Result<void> add(u32 number) {
    if (!g_devices[number]) {
        char name[16];
        snprintf(name, sizeof(name), "loop%u", number);
        g_devices[number] = TRY(make_ref<LoopDevice>(number, name));
    }
    if (g_devices[number]->registered) return Errno::EEXIST;
    TRY(register_empty_disk(g_devices[number]));
    g_devices[number]->registered = true;
    return {};
}

Result<long> remove(u32 number) {
    LoopDevice* device = number < kMaxDevices ? g_devices[number].get() : nullptr;
    if (!device || !device->registered) return Errno::ENODEV;
    if (device->backing() || device->openers() > 0) return Errno::EBUSY;
    device->registered = false;
    unregister_disk(*device);
    return long{number};
}

Result<long> get_free() {
    for (u32 i = 0; i < kMaxDevices; i++) {
        if (g_devices[i] && g_devices[i]->registered) {
            if (!g_devices[i]->backing()) return long{i};
            continue;
        }
        TRY(add(i));
        return long{i};
    }
    return Errno::ENOSPC;
}

class LoopControl final : public File {
  public:
    using File::File;
    bool has_read() const override { return false; }
    bool has_write() const override { return false; }
    Result<long> ioctl(u32 request, u64 argument) override {
        MutexGuard guard(loop_lock());
        switch (request) {
            case LOOP_CTL_ADD: {
                const i32 wanted = static_cast<i32>(argument);
                if (wanted < 0) return get_free();
                if (static_cast<u32>(wanted) >= kMaxDevices) return Errno::ENOSPC;
                TRY(add(static_cast<u32>(wanted)));
                return long{wanted};
            }
            case LOOP_CTL_REMOVE:
                if (static_cast<i32>(argument) < 0) return Errno::EINVAL;
                return remove(static_cast<u32>(argument));
            case LOOP_CTL_GET_FREE:
                return get_free();
            default:
                return Errno::ENOSYS;
        }
    }
};

/// The first opener gets what Linux makes when its module is loaded.
void load() {
    MutexGuard guard(loop_lock());
    if (g_loaded) return;
    g_loaded = true;
    register_blkdev(&g_major);
    for (u32 i = 0; i < kFirstDevices; i++) (void)add(i).ok();
}

Result<RefPtr<File>> open_control(Inode& inode, int) {
    if (dev_minor(inode.rdev) != kControlMinor) return Errno::ENODEV;
    load();
    return RefPtr<File>(TRY(make_ref<LoopControl>(inode)));
}

CharDevice g_misc = {"misc", kMiscMajor, kControlMinor, 1, open_control, nullptr};
DeviceClass g_misc_class("misc");

}  // namespace

void init_loop() {
    register_chrdev(&g_misc);
    class_register(g_misc_class);
    device_create(g_misc_class, nullptr, make_dev(kMiscMajor, kControlMinor), 0660, "loop-control");
}
