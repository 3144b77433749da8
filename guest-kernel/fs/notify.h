// Telling of what happens to files: the VFS tells, inotify(7) listens.
//
// Guarantees: costs one load while nothing is watched. Events of one group come in the order in which Linux
// tells them: the directory's with the name first, then the file's own. A watch keeps its inode alive, until
// the file's last name and user are gone or its file system is unmounted.
#pragma once

#include "core/types.h"
#include "fs/name.h"
#include "fs/path.h"

class Inode;
class SuperBlock;

enum NotifyMask : u32 {  // IN_… of sys/inotify.h
    kInAccess = 0x1,
    kInModify = 0x2,
    kInAttrib = 0x4,
    kInCloseWrite = 0x8,
    kInCloseNowrite = 0x10,
    kInOpen = 0x20,
    kInMovedFrom = 0x40,
    kInMovedTo = 0x80,
    kInCreate = 0x100,
    kInDelete = 0x200,
    kInDeleteSelf = 0x400,
    kInMoveSelf = 0x800,
    kInAllEvents = 0xfff,
    kInUnmount = 0x2000,
    kInQOverflow = 0x4000,
    kInIgnored = 0x8000,
    kInOnlydir = 0x01000000,
    kInDontFollow = 0x02000000,
    kInExclUnlink = 0x04000000,
    kInMaskCreate = 0x10000000,
    kInMaskAdd = 0x20000000,
    kInIsdir = 0x40000000,
    kInOneshot = 0x80000000,
};

/// Something happened to what `path` names: told to its directory's watchers, then to its own.
void notify_path(const Path& path, u32 mask);
/// Something happened to the file itself, whatever its name.
void notify_inode(Inode& inode, u32 mask);
/// An entry of `directory` was made or removed; `child` is what it stood for.
void notify_entry(Inode& directory, const Name& name, const Inode& child, u32 mask, u32 cookie = 0);
/// A rename, as told to both directories, the replaced file (or null), and the moved one.
void notify_rename(Inode& from_dir, const Name& from, Inode& to_dir, const Name& to, Inode& moved,
                   Inode* replaced);
/// The last name and the last user are gone.
void notify_gone(Inode& inode);
/// The file system goes: IN_UNMOUNT, and no watch of it is left.
void notify_unmount(const SuperBlock& super);
