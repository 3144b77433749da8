// Path walk: from a path's text to a Path (path_resolution(7)).
//
// Guarantees: every directory on the way is checked for search permission; ".." never leaves the caller's
// root; at most kMaxSymlinks links are followed (ELOOP); components over 255 bytes and paths over 4095 answer
// ENAMETOOLONG; "" answers ENOENT unless kWalkEmpty.
#pragma once

#include "fs/mount.h"

constexpr u32 kWalkFollow = 1;     ///< follow a link in the last component
constexpr u32 kWalkDirectory = 2;  ///< ENOTDIR when the result is not a directory
constexpr u32 kWalkEmpty = 4;      ///< "" means the start itself (AT_EMPTY_PATH)

/// openat2(2): what a walk may not do (RESOLVE_…). Broken: EXDEV, links ELOOP.
enum Resolve : u32 {
    kResolveNoXdev = 1,
    kResolveNoMagiclinks = 2,
    kResolveNoSymlinks = 4,
    kResolveBeneath = 8,  ///< nothing above the start
    kResolveInRoot = 16,  ///< the start is the root
    kResolveCached = 32,
};

/// A walk in progress: where it stands, and what text is left.
class PathWalk {
  public:
    enum class Last : u8 {
        kName,    ///< an ordinary last component: name()
        kDot,     ///< "." or the start itself
        kDotDot,  ///< ".."
        kRoot,    ///< the path was "/" alone
    };

    /// `start` is where a relative path begins.
    Result<void> begin(Path start, const char* path, u32 flags, u32 resolve = 0);
    /// Goes on to the directory of the last component.
    Result<void> to_parent();
    /// The last component's place, not following a link. ENOENT.
    Result<Path> last();
    /// Replaces the last component by what the link `link` leads to; call to_parent() again afterwards,
    /// unless finished().
    Result<void> follow(const Path& link);

    bool finished() const { return finished_; }  ///< a magic link led straight to the result: here()
    const Path& here() const { return at_; }     ///< after to_parent(): the directory
    Last kind() const { return kind_; }
    const Name& name() const { return name_; }
    bool trailing_slash() const { return trailing_slash_; }

  private:
    Result<Path> step(const Name& name);
    Path parent_of(const Path& path) const;
    Result<bool> next_component(Name* component);
    Result<void> set_text(KString text);

    Path root_;
    Path at_;
    KString text_;
    const char* rest_ = "";
    Name name_;
    Last kind_ = Last::kDot;
    bool trailing_slash_ = false;
    bool finished_ = false;
    int links_ = 0;
    u32 resolve_ = 0;
};

/// Where a path relative to `dirfd` starts: the working directory for AT_FDCWD. EBADF, ENOTDIR (when `path`
/// is relative and the descriptor is no directory).
Result<Path> walk_start(int dirfd, const char* path);

/// The place that `path` names. Errors of path_resolution(7).
Result<Path> lookup_path(const Path& start, const char* path, u32 flags, u32 resolve = 0);
Result<Path> lookup_at(int dirfd, const char* path, u32 flags);

/// One name in `directory`, through the cache; mounts are not crossed. ENOENT. Takes the directory's lock
/// unless `locked`.
Result<RefPtr<Dentry>> lookup_child(const RefPtr<Dentry>& directory, const Name& name, bool locked = false);

/// A program's path argument, copied in. EFAULT, ENAMETOOLONG.
Result<KString> copy_path(u64 user_address);
