// The memory devices (mem(4), null(4), full(4), random(4)): major 1: null 3, zero 5, full 7, random 8, urandom 9,
// kmsg 11.
#pragma once

void init_mem_devices();
