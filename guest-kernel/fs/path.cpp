// Path's members, and the text of a path.
#include "fs/path.h"

#include "fs/dentry.h"
#include "fs/mount.h"

Path::Path() = default;
Path::Path(RefPtr<Mount> m, RefPtr<Dentry> d) : mount(std::move(m)), dentry(std::move(d)) {}
Path::Path(const Path&) = default;
Path::Path(Path&&) = default;
Path& Path::operator=(const Path&) = default;
Path& Path::operator=(Path&&) = default;
Path::~Path() = default;

Inode& Path::inode() const {
    return dentry->inode();
}

namespace {

// Puts "/name" in front of the text being built from the right end of a buffer.
struct Backwards {
    KString bytes;
    Result<void> prepend(const char* text, size_t length) {
        KString joined = TRY(KString::make(text, length));
        TRY(joined.append(bytes.c_str(), bytes.size()));
        bytes = std::move(joined);
        return {};
    }
};

}  // namespace

Result<KString> path_text(const Path& path, const Path& root, bool* reachable) {
    if (reachable) *reachable = true;
    if (path.dentry->is_detached()) {
        Name label = path.dentry->name();
        return KString::make(label.text, label.length);
    }
    const bool deleted = !path.dentry->is_root() && !path.dentry->hashed();
    Backwards text;
    Path at = path;
    while (!(at == root)) {
        if (at.dentry == at.mount->root) {
            Path up = at.mount->mountpoint();
            if (!up) {  // the top of a tree of mounts that does not lead to `root`
                if (reachable && at.mount->detached()) *reachable = false;
                if (reachable && !(at == root)) *reachable = false;
                break;
            }
            at = std::move(up);
            continue;
        }
        Name name = at.dentry->name();
        TRY(text.prepend(name.text, name.length));
        TRY(text.prepend("/", 1));
        at.dentry = at.dentry->parent();
    }
    if (text.bytes.empty()) TRY(text.bytes.append("/"));
    if (deleted) TRY(text.bytes.append(" (deleted)"));
    return std::move(text.bytes);
}
