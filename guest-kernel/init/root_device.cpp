// Finding and mounting the root device (init/root_device.h).
//
// A device is named by root=/dev/NAME, MAJOR:MINOR, PARTUUID=, PARTLABEL=, or, for the ext family's super block, UUID= and
// LABEL=. All disks are found before, so that rootwait has nothing to wait for.
#include "init/root_device.h"

#include "block/block_registry.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "fs/fs_struct.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "fs/vfs_ops.h"
#include "task/task.h"

namespace {

struct RootName {
    char text[256];
    bool has_prefix(const char* prefix) const { return strncmp(text, prefix, strlen(prefix)) == 0; }
    const char* after(const char* prefix) const { return text + strlen(prefix); }
};

bool equal_ignoring_case(const char* a, const char* b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return *a == *b;
}

/// What the ext family's super block says (ext4's documentation, "The Super Block").
struct ExtNames {
    char uuid[40];
    char label[17];
};
bool read_ext_names(BlockDevice& device, ExtNames* out) {
    constexpr u32 kSize = 4096, kSuper = 1024;
    if (device.bytes() < kSize) return false;
    u8* block = static_cast<u8*>(kmalloc(kSize));
    if (!block) return false;
    const u8* super = block + kSuper;
    const bool there = device.read(0, block, kSize).ok() && super[56] == 0x53 && super[57] == 0xef;
    if (there) {
        const u8* u = super + 104;
        snprintf(out->uuid, sizeof(out->uuid),
                 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2],
                 u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
        memcpy(out->label, super + 120, 16);
        out->label[16] = '\0';
    }
    kfree(block);
    return there;
}

bool is_named(const RefPtr<BlockDevice>& device, const RootName& name) {
    const Partition* partition = device->as_partition();
    if (name.has_prefix("PARTUUID="))
        return partition && equal_ignoring_case(partition->uuid, name.after("PARTUUID="));
    if (name.has_prefix("PARTLABEL="))
        return partition && strcmp(partition->label, name.after("PARTLABEL=")) == 0;
    const bool by_uuid = name.has_prefix("UUID="), by_label = name.has_prefix("LABEL=");
    if (by_uuid || by_label) {
        ExtNames names{};
        if (!read_ext_names(*device, &names)) return false;
        return by_uuid ? equal_ignoring_case(names.uuid, name.after("UUID="))
                       : strcmp(names.label, name.after("LABEL=")) == 0;
    }
    if (name.has_prefix("/dev/")) return strcmp(device->name(), name.after("/dev/")) == 0;
    char number[32];
    snprintf(number, sizeof(number), "%u:%u", dev_major(device->number()), dev_minor(device->number()));
    return strcmp(number, name.text) == 0;
}

RefPtr<BlockDevice> find_root(const RootName& name) {
    Result<Vec<RefPtr<BlockDevice>>> all = list_block_devices();
    if (!all.ok()) return nullptr;
    for (RefPtr<BlockDevice>& device : all.value()) {
        if (is_named(device, name)) return device;
    }
    return nullptr;
}

[[noreturn]] void no_such_root(const RootName& name) {
    printk(KERN_ERR "VFS: Cannot open root device \"%s\" or unknown-block(0,0): error %d\n", name.text,
           -static_cast<int>(Errno::ENXIO));
    printk(KERN_ERR "Please append a correct \"root=\" boot option; here are the available partitions:\n");
    Result<Vec<RefPtr<BlockDevice>>> all = list_block_devices();
    if (all.ok()) {
        for (RefPtr<BlockDevice>& device : all.value()) {
            const Partition* partition = device->as_partition();
            printk(KERN_ERR "%02x%02x %15llu %s %s\n", dev_major(device->number()),
                   dev_minor(device->number()), static_cast<unsigned long long>(device->bytes() >> 10),
                   device->name(), partition ? partition->uuid : "");
        }
    }
    panic("VFS: Unable to mount root fs on \"%s\": there is no such device", name.text);
}

/// Is `type` among the words of rootfstype= (all are, when there is none)?
bool type_wanted(const char* types, const char* type) {
    const size_t n = strlen(type);
    if (*types == '\0') return true;
    for (const char* p = types; *p;) {
        const char* end = strchr(p, ',');
        const size_t length = end ? static_cast<size_t>(end - p) : strlen(p);
        if (length == n && strncmp(p, type, n) == 0) return true;
        p += length + (end ? 1 : 0);
    }
    return false;
}

Result<void> mount_at_root(BlockDevice& device, bool read_only) {
    char types[128] = "", options[256] = "";
    (void)cmdline_value("rootfstype", types, sizeof(types));
    const bool has_options = cmdline_value("rootflags", options, sizeof(options));
    Errno last = Errno::ENODEV;
    for (FileSystemType* type = first_filesystem(); type; type = type->next) {
        if (!type->mount_device || !type_wanted(types, type->name)) continue;
        const Result<void> mounted = do_mount("/dev/root", "/root", type->name, read_only ? MS_RDONLY : 0,
                                              has_options ? options : nullptr);
        if (mounted.ok()) {
            printk(KERN_INFO "VFS: Mounted root (%s filesystem)%s on device %u:%u.\n", type->name,
                   read_only ? " readonly" : "", dev_major(device.number()), dev_minor(device.number()));
            return {};
        }
        last = mounted.error();
        if (last != Errno::EINVAL) break;
    }
    return last;
}

Result<void> go_to_root() {
    TRY(do_mount("/root", "/", nullptr, MS_MOVE, nullptr));
    const Path root = topmost(root_path());
    current()->fs->set_root(root);
    current()->fs->set_cwd(root);
    if (do_mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr).ok()) printk(KERN_INFO "devtmpfs: mounted\n");
    return {};
}

}  // namespace

bool root_device_wanted() {
    char name[256];
    return cmdline_value("root", name, sizeof(name));
}

void mount_root_device() {
    RootName name{};
    (void)cmdline_value("root", name.text, sizeof(name.text));
    const RefPtr<BlockDevice> device = find_root(name);
    if (!device) no_such_root(name);
    const bool read_only = !cmdline_has("rw") || device->read_only();
    Result<void> done = vfs_mknod(AT_FDCWD, "/dev/root", S_IFBLK | 0600, device->number());
    if (done.ok()) done = mount_at_root(*device, read_only);
    if (done.ok()) done = go_to_root();
    if (done.ok()) return;
    const char* why = done.error() == Errno::EINVAL   ? "no file system that this kernel knows"
                      : done.error() == Errno::ENODEV ? "no file system type to try"
                                                      : "it cannot be mounted";
    printk(KERN_ERR "VFS: Cannot mount root device \"%s\" (%s): error %d\n", name.text, device->name(),
           -static_cast<int>(done.error()));
    panic("VFS: Unable to mount root fs on %s (unknown-block(%u,%u)): %s", device->name(),
          dev_major(device->number()), dev_minor(device->number()), why);
}
