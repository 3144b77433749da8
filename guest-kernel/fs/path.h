// Path: a place in the tree of mounts, that is a Dentry and the Mount through which it was reached.
#pragma once

#include "core/refcount.h"
#include "core/string_buf.h"

class Dentry;
class Mount;
class Inode;

struct Path {
    RefPtr<Mount> mount;
    RefPtr<Dentry> dentry;

    Path();
    Path(RefPtr<Mount> m, RefPtr<Dentry> d);
    Path(const Path&);
    Path(Path&&);
    Path& operator=(const Path&);
    Path& operator=(Path&&);
    ~Path();

    explicit operator bool() const { return static_cast<bool>(dentry); }
    bool operator==(const Path& other) const { return mount == other.mount && dentry == other.dentry; }
    Inode& inode() const;
};

/// The text of `path` as seen from `root` (getcwd(2), /proc): "/a/b"; " (deleted)" is appended for a name
/// that is gone; `*reachable` (if given) is false when `path` is not below `root`.
Result<KString> path_text(const Path& path, const Path& root, bool* reachable = nullptr);
