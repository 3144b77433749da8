// Texts about memory as a whole, for /proc and for the node in /sys (proc_memory.cpp).
#pragma once

#include "fs/proc/proc.h"

Result<void> show_meminfo(KString& out);
Result<void> show_vmstat(KString& out);
Result<void> show_zoneinfo(KString& out);
Result<void> show_buddyinfo(KString& out);
Result<void> show_pagetypeinfo(KString& out);
Result<void> show_slabinfo(KString& out);
/// /sys/devices/system/node/node0/{meminfo,vmstat}.
Result<void> show_node_meminfo(KString& out);
Result<void> show_node_vmstat(KString& out);
