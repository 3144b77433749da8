// The console terminals: ttyS0 (the first serial port) and hvc0 (virtio-console), and /dev/console, which is
// whichever of them the command line's last `console=` names (Linux,
// Documentation/admin-guide/serial-console).
#pragma once

#include "core/result.h"
#include "core/types.h"
#include "drivers/base/device.h"
#include "drivers/tty_driver.h"

struct tty_struct;

/// The class of all terminals, /sys/class/tty.
DeviceClass& tty_class();

/// A hardware terminal as a device.
class TtyDevice final : public Device {
  public:
    explicit TtyDevice(TtyDriver& its_driver) : tty_driver(its_driver) {}
    TtyDriver& tty_driver;
};

/// Registers `driver` as the terminal `name` ("ttyS0", "hvc0"), adds its device, and makes it
/// /dev/console when it is the preferred console or the first one. Call after init_terminals().
Result<void> console_tty_register(TtyDriver& driver, const char* name, u32 major, u32 minor, bool preferred);

/// The class, /dev/tty and /dev/console; before any terminal is registered.
void init_terminals();
/// The registered terminals in their order; null beyond the last.
tty_struct* registered_terminal(size_t i);
