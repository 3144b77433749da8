// sync(2) and syncfs(2): everything, or one file system, onto stable storage.
#pragma once

#include "fs/inode.h"

/// Writes all dirty pages, lets every mounted file system finish, flushes every device. Errors go to those who ask by
/// fsync, as Linux has it.
void sync_everything();
/// EIO.
Result<void> sync_filesystem(SuperBlock& super);
