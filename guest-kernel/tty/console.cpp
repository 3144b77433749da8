// Registration of hardware terminals, and the two nodes that stand for another one: /dev/tty (5:0), the
// calling process's controlling terminal, and /dev/console (5:1).
#include "tty/console.h"

#include "core/panic.h"
#include "fs/chrdev.h"
#include "fs/cred.h"
#include "tty/tty_file.h"

namespace {

constexpr size_t kMaxTerminals = 8;
constexpr size_t kQueueBytes = 64 * 1024;  // as much type-ahead as Linux buffers
constexpr u32 kTtyAuxMajor = 5;

tty_struct* g_terminals[kMaxTerminals];
size_t g_count = 0;
tty_struct* g_console = nullptr;

Result<RefPtr<File>> open_terminal(Inode& inode, tty_struct& tty, int flags, bool as_console) {
    if (tty.exclusive && !current_cred().has(kCapSysAdmin)) return Errno::EBUSY;
    RefPtr<File> file = TRY(make_ref<TtyFile>(inode, tty, as_console));
    if ((flags & O_NOCTTY) == 0 && !as_console) tty_maybe_set_controlling(tty);
    return file;
}

Result<RefPtr<File>> open_hardware(Inode& inode, int flags) {
    tty_struct* tty = find_tty(inode.rdev);
    return tty ? open_terminal(inode, *tty, flags, false) : Result<RefPtr<File>>(Errno::ENXIO);
}

Result<RefPtr<File>> open_alias(Inode& inode, int flags) {
    const bool as_console = dev_minor(inode.rdev) == 1;
    tty_struct* tty = as_console ? g_console : current_tty();
    if (!tty) return as_console ? Errno::ENODEV : Errno::ENXIO;
    return open_terminal(inode, *tty, flags | (as_console ? 0 : O_NOCTTY), as_console);
}

// What /dev/console stands for (Linux, Documentation/ABI/testing/sysfs-tty).
Result<void> show_active(Kobject&, KString& out) {
    return g_console ? out.appendf("%s\n", g_console->name.c_str()) : Result<void>();
}
constexpr Attribute kConsoleAttributes[] = {
    {"active", 0444, show_active},
    {nullptr, 0},
};
constexpr AttributeGroup kConsoleGroup = {nullptr, kConsoleAttributes};

DeviceClass g_tty_class("tty");
CharDevice g_alias = {"tty", kTtyAuxMajor, 0, 2, open_alias, nullptr};
CharDevice g_hardware[kMaxTerminals];

}  // namespace

tty_struct* find_tty(dev_t number) {
    for (size_t i = 0; i < g_count; i++) {
        if (g_terminals[i]->number == number) return g_terminals[i];
    }
    return nullptr;
}

DeviceClass& tty_class() {
    return g_tty_class;
}

tty_struct* registered_terminal(size_t i) {
    return i < g_count ? g_terminals[i] : nullptr;
}

void init_terminals() {
    class_register(g_tty_class);
    register_chrdev(&g_alias);
    device_create(g_tty_class, nullptr, make_dev(kTtyAuxMajor, 0), 0666, "tty");
    device_create(g_tty_class, nullptr, make_dev(kTtyAuxMajor, 1), 0600, "console").add_group(kConsoleGroup);
}

Result<void> console_tty_register(TtyDriver& driver, const char* name, u32 major, u32 minor, bool preferred) {
    if (g_count == kMaxTerminals) return Errno::ENOSPC;
    tty_struct* tty = TRY(tty_struct::make(driver, name, make_dev(major, minor), kQueueBytes));
    CharDevice& device = g_hardware[g_count];
    device = {"ttyS", major, minor, 1, open_hardware, nullptr};
    if (major != 4) device.name = "hvc";
    register_chrdev(&device);
    g_terminals[g_count++] = tty;
    if (preferred || !g_console) g_console = tty;
    RefPtr<TtyDevice> shown = TRY(make_ref<TtyDevice>(driver));
    TRY(shown->set_name("%s", name));
    shown->device_class = &g_tty_class;
    shown->up = RefPtr<Device>(driver.device());
    shown->number = tty->number;
    if (const AttributeGroup* group = driver.attributes()) shown->add_group(*group);
    return device_add(*shown);
}
