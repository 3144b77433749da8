// The root file system on a disk: root=, rootfstype=, rootflags=, ro, rw (Linux, Documentation/admin-guide/
// kernel-parameters.txt).
#pragma once

/// Is there a root= on the command line?
bool root_device_wanted();
/// Mounts it and makes it the root, with devtmpfs on /dev. What is wrong is logged, and is a panic.
void mount_root_device();
