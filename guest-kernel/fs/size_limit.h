// Small rules every file system with data shares: RLIMIT_FSIZE, access times, set-ID bits lost by writing.
#pragma once

#include "fs/inode.h"
#include "fs/iov_iter.h"

/// Shortens a write at `position` to what RLIMIT_FSIZE and the largest offset allow; EFBIG (with SIGXFSZ)
/// when nothing is left.
Result<void> limit_write_size(IovIter& from, loff_t position);
/// May a file be made `size` long? EFBIG (with SIGXFSZ).
Result<void> check_file_size(u64 size);
/// Sets the access time as `relatime` does: when it is not newer than the others, or older than a day.
void update_atime(Inode& inode);
/// A write by an unprivileged task takes set-user-ID, and set-group-ID where the group may execute, away.
void drop_set_ids(Inode& inode);
