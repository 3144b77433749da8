// /sys/kernel/mm.
#pragma once

/// Makes it; after the tree of kernel objects is there.
void mm_sysfs_init();
