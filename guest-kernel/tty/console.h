// The console terminals: ttyS0 (the first serial port) and hvc0 (virtio-console), and /dev/console, which is
// whichever of them the command line's last `console=` names (Linux,
// Documentation/admin-guide/serial-console).
#pragma once

#include "core/result.h"
#include "core/types.h"
#include "drivers/tty_driver.h"

/// Registers `driver` as the terminal `name` ("ttyS0", "hvc0"), creates its device node in devtmpfs, and
/// makes it /dev/console when it is the preferred console or the first one. Call after init_vfs().
Result<void> console_tty_register(TtyDriver& driver, const char* name, u32 major, u32 minor, bool preferred);

/// The serial console in one step: ttyS0 (4:64), preferred.
void console_tty_init(TtyDriver& driver);
