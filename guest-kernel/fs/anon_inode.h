// Inodes that no file system lists: pipes, epoll, eventfd, timerfd.
#pragma once

#include "fs/inode.h"

constexpr i64 kPipefsMagic = 0x50495045;

/// A new inode of the hidden instance "pipefs" or "anon_inodefs", owned by the calling task.
Result<RefPtr<Inode>> make_anon_inode(const char* fs_type, u32 mode);
