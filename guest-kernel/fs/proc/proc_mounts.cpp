// /proc/mounts (/proc/PID/mounts) and /proc/PID/mountinfo.
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/mount.h"
#include "fs/proc/proc.h"
#include "fs/vfs.h"

namespace {

// Blanks and backslashes would break the columns: as octal (getmntent(3)).
Result<void> append_escaped(KString& out, const char* text) {
    for (; *text; text++) {
        if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\\') {
            TRY(out.appendf("\\%03o", static_cast<unsigned>(static_cast<u8>(*text))));
        } else {
            TRY(out.push(*text));
        }
    }
    return {};
}

// The optional fields (proc_pid_mountinfo(5)).
Result<void> append_propagation(KString& out, const Mount& m) {
    if (m.peer_group()) TRY(out.appendf(" shared:%u", m.peer_group()));
    if (const u32 master = m.master_group()) {
        TRY(out.appendf(" master:%u", master));
        const u32 dominating = dominating_group(m);
        if (dominating && dominating != master) TRY(out.appendf(" propagate_from:%u", dominating));
    }
    return m.unbindable() ? out.append(" unbindable") : Result<void>();
}

// Calls line(mount, place's text) for every mount below the caller's root.
template <class Line>
Result<void> for_each_visible(Line line) {
    const Path root = current()->fs->root();
    Vec<RefPtr<Mount>> mounts = TRY(list_mounts());
    for (RefPtr<Mount>& m : mounts) {
        bool reachable = true;
        KString where = TRY(path_text(Path(m, m->root), root, &reachable));
        if (reachable) TRY(line(*m, where.c_str()));
    }
    return {};
}

}  // namespace

Result<void> show_mounts(KString& out) {
    return for_each_visible([&](Mount& m, const char* where) -> Result<void> {
        TRY(append_escaped(out, m.source.c_str()));
        TRY(out.append(" "));
        TRY(append_escaped(out, where));
        KString options = TRY(mount_options_text(Path(RefPtr<Mount>(&m), m.root)));
        return out.appendf(" %s %s 0 0\n", m.sb->type, options.c_str());
    });
}

Result<void> show_mountstats(KString& out) {
    return for_each_visible([&](Mount& m, const char* where) -> Result<void> {
        TRY(out.append("device "));
        TRY(append_escaped(out, m.source.c_str()));
        TRY(out.append(" mounted on "));
        TRY(append_escaped(out, where));
        return out.appendf(" with fstype %s\n", m.sb->type);
    });
}

Result<void> show_mountinfo(KString& out) {
    return for_each_visible([&](Mount& m, const char* where) -> Result<void> {
        const Path place = m.mountpoint();
        TRY(out.appendf("%u %u %u:%u ", m.id, place ? place.mount->id : m.id, dev_major(m.sb->dev),
                        dev_minor(m.sb->dev)));
        const Path top(RefPtr<Mount>(&m), m.sb->root);
        // The part of the file system that this mount shows: its root as seen from the file system's own.
        KString inside = TRY(path_text(Path(RefPtr<Mount>(&m), m.root), Path(RefPtr<Mount>(&m), m.root)));
        if (!(m.root == m.sb->root)) {
            inside = KString();
            KString text;
            for (RefPtr<Dentry> d = m.root; d && !d->is_root(); d = d->parent()) {
                KString joined = TRY(KString::make("/"));
                const Name name = d->name();
                TRY(joined.append(name.text, name.length));
                TRY(joined.append(text.c_str(), text.size()));
                text = std::move(joined);
            }
            inside = std::move(text);
        }
        TRY(append_escaped(out, inside.c_str()));
        TRY(out.append(" "));
        TRY(append_escaped(out, where));
        KString options = TRY(mount_options_text(top));
        TRY(out.appendf(" %s", options.c_str()));
        TRY(append_propagation(out, m));
        TRY(out.appendf(" - %s ", m.sb->type));
        TRY(append_escaped(out, m.source.c_str()));
        return out.appendf(" %s\n", m.sb->read_only ? "ro" : "rw");
    });
}
