// Virtio block devices: /dev/vda and on (Virtual I/O Device specification 1.1, section 5.2).
#pragma once

/// Finds them among the PCI functions, and registers each with its partitions.
void init_virtio_blk();
