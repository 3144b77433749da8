// devtmpfs: the tmpfs in which the kernel itself keeps a node for every device it has. One instance, however
// often it is mounted; user land may add, change and remove nodes in it.
#pragma once

#include "fs/inode.h"

void init_devtmpfs();
/// Makes the node `name` ("null", "pts/ptmx": directories are made as needed). `mode` carries the type.
Result<void> devtmpfs_create_node(const char* name, u32 mode, dev_t device);
/// Takes the node away, unless something else stands there by now.
void devtmpfs_remove_node(const char* name, dev_t device);
Result<void> devtmpfs_create_link(const char* name, const char* target);
Result<void> devtmpfs_create_dir(const char* name);
