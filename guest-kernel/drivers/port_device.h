// /dev/port (mem(4)): the I/O port space as a file, a byte at each port number. For root only, as in Linux
// (CAP_SYS_RAWIO): drivers in user space, and tests that leave through isa-debug-exit.
#pragma once

void init_port_device();
