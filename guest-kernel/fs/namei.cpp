// The path walk.
#include "fs/namei.h"

#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "mm/user_ptr.h"

Result<KString> copy_path(u64 user_address) {
    char* buffer = static_cast<char*>(kmalloc(PATH_MAX));
    if (!buffer) return Errno::ENOMEM;
    Result<size_t> length = strncpy_from_user(buffer, user_address, PATH_MAX);
    if (!length.ok()) {
        kfree(buffer);
        return length.error();
    }
    Result<KString> text = KString::make(buffer, length.value());
    kfree(buffer);
    return text;
}

Result<RefPtr<Dentry>> lookup_child(const RefPtr<Dentry>& directory, const Name& name, bool locked) {
    if (RefPtr<Dentry> cached = Dentry::find(*directory, name)) {
        if (cached->inode().still_valid()) return cached;
        cached->drop();
    }
    Inode& dir = directory->inode();
    if (!locked) dir.lock.lock();
    // Another task may have entered it while we waited for the lock: add() gives back the one that is there.
    Result<RefPtr<Inode>> found = dir.lookup(name);
    Result<RefPtr<Dentry>> entry = found.ok() ? Dentry::add(*directory, name, found.release_value())
                                              : Result<RefPtr<Dentry>>(found.error());
    if (!locked) dir.lock.unlock();
    return entry;
}

Result<void> PathWalk::set_text(KString text) {
    text_ = std::move(text);
    rest_ = text_.c_str();
    if (*rest_ != '/') return {};
    if (resolve_ & kResolveBeneath) return Errno::EXDEV;
    if ((resolve_ & kResolveNoXdev) && !(root_.mount == at_.mount)) return Errno::EXDEV;
    at_ = root_;
    return {};
}

Result<void> PathWalk::begin(Path start, const char* path, u32 flags, u32 resolve) {
    const size_t length = strlen(path);
    if (length >= PATH_MAX) return Errno::ENAMETOOLONG;
    if (length == 0 && (flags & kWalkEmpty) == 0) return Errno::ENOENT;
    resolve_ = resolve;
    root_ = (resolve & (kResolveBeneath | kResolveInRoot)) ? start : current()->fs->root();
    at_ = std::move(start);
    return set_text(TRY(KString::make(path, length)));
}

// Takes the next component off the text. False at the end.
Result<bool> PathWalk::next_component(Name* component) {
    while (*rest_ == '/') rest_++;
    if (*rest_ == '\0') return false;
    const char* end = rest_;
    while (*end != '/' && *end != '\0') end++;
    const size_t length = static_cast<size_t>(end - rest_);
    if (length > NAME_MAX) return Errno::ENAMETOOLONG;
    *component = Name(rest_, length);
    rest_ = end;
    return true;
}

Path PathWalk::parent_of(const Path& path) const {
    Path at = path;
    for (;;) {
        if (at == root_) return at;
        if (!(at.dentry == at.mount->root)) break;
        Path below = at.mount->mountpoint();
        if (!below) return at;
        at = std::move(below);
    }
    RefPtr<Dentry> up = at.dentry->parent();
    if (!up) return at;
    at.dentry = std::move(up);
    return topmost(std::move(at));
}

Result<Path> PathWalk::step(const Name& name) {
    if (name.is_dot()) return Path(at_);
    if (name.is_dotdot() && (resolve_ & kResolveBeneath) && at_ == root_) return Errno::EXDEV;
    Path next;
    if (name.is_dotdot()) {
        next = parent_of(at_);
    } else {
        RefPtr<Dentry> child = TRY(lookup_child(at_.dentry, name));
        next = topmost(Path(at_.mount, std::move(child)));
    }
    if ((resolve_ & kResolveNoXdev) && !(next.mount == at_.mount)) return Errno::EXDEV;
    return next;
}

Result<void> PathWalk::to_parent() {
    bool any = false;
    kind_ = *rest_ == '/' ? Last::kRoot : Last::kDot;
    trailing_slash_ = false;
    name_ = Name();
    for (;;) {
        Name component;
        if (!TRY(next_component(&component))) break;
        if (any) {
            // There is more: what was last so far is a directory on the way, its links are followed.
            Path next = TRY(step(name_));
            if (next.inode().is_symlink()) {
                // The text from here on, with this component, goes behind the link's target.
                rest_ = component.text;
                any = false;
                name_ = Name();
                TRY(follow(next));
                kind_ = *rest_ == '/' ? Last::kRoot : Last::kDot;
                continue;
            }
            at_ = std::move(next);
        }
        if (!at_.inode().is_dir()) return Errno::ENOTDIR;
        TRY(inode_permission(at_.inode(), kMayExec));
        name_ = component;
        any = true;
    }
    if (any) {
        kind_ = name_.is_dot() ? Last::kDot : name_.is_dotdot() ? Last::kDotDot : Last::kName;
        trailing_slash_ = name_.text[name_.length] == '/';
    }
    return {};
}

Result<Path> PathWalk::last() {
    switch (kind_) {
        case Last::kName:
        case Last::kDotDot:
            return step(name_);
        case Last::kDot:
        case Last::kRoot:
            break;
    }
    return Path(at_);
}

Result<void> PathWalk::follow(const Path& link) {
    if (++links_ > kMaxSymlinks || (resolve_ & kResolveNoSymlinks)) return Errno::ELOOP;
    if (link.mount->flags & MS_NOSYMFOLLOW) return Errno::ELOOP;
    Path magic = TRY(link.inode().follow_magic());
    const char* after = rest_;
    if (magic) {
        if (resolve_ & kResolveNoMagiclinks) return Errno::ELOOP;
        if (resolve_ & (kResolveBeneath | kResolveInRoot)) return Errno::EXDEV;
        if ((resolve_ & kResolveNoXdev) && !(magic.mount == at_.mount)) return Errno::EXDEV;
        at_ = std::move(magic);
        KString text = TRY(KString::make(after));
        text_ = std::move(text);
        rest_ = text_.c_str();
        // A trailing text such as "/x" stays relative to where the link led.
        while (*rest_ == '/') rest_++;
        trailing_slash_ = trailing_slash_ && *rest_ == '\0';
        finished_ = *rest_ == '\0';
        kind_ = Last::kDot;
        return {};
    }
    KString target = TRY(link.inode().readlink());
    if (target.empty()) return Errno::ENOENT;
    if (*after != '\0') {
        if (*after != '/') TRY(target.append("/"));
        TRY(target.append(after));
    } else if (trailing_slash_) {
        TRY(target.append("/"));  // what the link leads to must be a directory too
    }
    return set_text(std::move(target));
}

Result<Path> walk_start(int dirfd, const char* path) {
    if (*path == '/') return current()->fs->root();
    if (dirfd == AT_FDCWD) return current()->fs->cwd();
    RefPtr<File> file = TRY(get_file_or_path(dirfd));
    if (*path != '\0' && !file->inode->is_dir()) return Errno::ENOTDIR;
    return Path(file->path);
}

Result<Path> lookup_path(const Path& start, const char* path, u32 flags, u32 resolve) {
    PathWalk walk;
    TRY(walk.begin(start, path, flags, resolve));
    if (*path == '\0') {  // the place itself, a symbolic link too
        if ((flags & kWalkDirectory) && !start.inode().is_dir()) return Errno::ENOTDIR;
        return Path(start);
    }
    for (;;) {
        TRY(walk.to_parent());
        Path place = TRY(walk.last());
        if (place.inode().is_symlink() && ((flags & kWalkFollow) || walk.trailing_slash())) {
            const bool slash = walk.trailing_slash();
            TRY(walk.follow(place));
            if (!walk.finished()) continue;
            if ((slash || (flags & kWalkDirectory)) && !walk.here().inode().is_dir()) return Errno::ENOTDIR;
            return Path(walk.here());
        }
        if ((walk.trailing_slash() || (flags & kWalkDirectory)) && !place.inode().is_dir())
            return Errno::ENOTDIR;
        return place;
    }
}

Result<Path> lookup_at(int dirfd, const char* path, u32 flags) {
    Path start = TRY(walk_start(dirfd, path));
    return lookup_path(start, path, flags);
}
