// The memory devices (mem(4), null(4), full(4), random(4)): major 1: null 3, zero 5, full 7, random 8,
// urandom 9, kmsg 11.
#pragma once

#include "fs/chrdev.h"

void init_mem_devices();
/// Adds /dev/port (minor 4), whose files `open` makes: a machine with an I/O port space registers it.
void register_port_device(Result<RefPtr<File>> (*open)(Inode& inode, int flags));
