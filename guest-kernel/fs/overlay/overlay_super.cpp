// Overlay instances: options, layers, statfs.
#include "core/string.h"
#include "fs/mount_options.h"
#include "fs/overlay/overlay.h"
#include "fs/sync.h"
#include "fs/vfs.h"

namespace {

Result<RefPtr<Dentry>> child_directory(Dentry& directory, const char* text) {
    const Name name(text);
    OvlRealGuard guard(directory.inode());
    if (RefPtr<Dentry> there = TRY(ovl_real_child(directory, name, true))) {
        if (there->inode().is_dir()) return there;
        return Errno::EINVAL;
    }
    RefPtr<Inode> made = TRY(directory.inode().mkdir(name, S_IFDIR));
    return Dentry::add(directory, name, std::move(made));
}

Result<RefPtr<SuperBlock>> mount_overlay(const char*, const char* options) {
    RefPtr<OvlSuper> super = TRY(make_ref<OvlSuper>());
    TRY(super->set_up(options));
    return RefPtr<SuperBlock>(super);
}
FileSystemType g_overlay_type = {"overlay", true, mount_overlay, nullptr};

}  // namespace

/// The directory `path`, with a mount of its own. EINVAL: an overlay upon an overlay.
Result<OvlLayer> OvlSuper::open_layer(const char* path) {
    const Path place = TRY(lookup_at(AT_FDCWD, path, kWalkFollow | kWalkDirectory));
    if (place.mount->sb->magic == kMagic) return Errno::EINVAL;
    OvlLayer layer;
    layer.mount =
        TRY(Mount::make(place.mount->sb, place.dentry, place.mount->source.c_str(), place.mount->flags));
    layer.root = place.dentry;
    return layer;
}

/// Paths parted by colons; a backslash takes a character's meaning away.
Result<void> OvlSuper::open_lowers(const char* text) {
    KString path;
    for (;; text++) {
        if (*text == '\\' && text[1] != '\0') {
            TRY(path.push(*++text));
            continue;
        }
        if (*text != ':' && *text != '\0') {
            TRY(path.push(*text));
            continue;
        }
        if (path.empty() || lowers.size() == kMaxLowers) return Errno::EINVAL;
        TRY(lowers.push(TRY(open_layer(path.c_str()))));
        path.clear();
        if (*text == '\0') return {};
    }
}

Result<void> OvlSuper::open_work(const char* path) {
    const Path place = TRY(lookup_at(AT_FDCWD, path, kWalkFollow | kWalkDirectory));
    if (!(place.mount->sb == upper.mount->sb)) return Errno::EINVAL;
    if (place.dentry->is_below(*upper.root) || upper.root->is_below(*place.dentry)) return Errno::EINVAL;
    work = TRY(child_directory(*place.dentry, "work"));
    return {};
}

void OvlSuper::give_devices() {
    const SuperBlock* first = has_upper() ? upper.mount->sb.get() : lowers[0].mount->sb.get();
    if (has_upper()) upper.dev = anonymous_device();
    for (size_t i = 0; i < lowers.size(); i++) {
        const SuperBlock* sb = lowers[i].mount->sb.get();
        one_file_system = one_file_system && sb == first;
        if (has_upper() && sb == upper.mount->sb.get()) lowers[i].dev = upper.dev;
        for (size_t j = 0; j < i && !lowers[i].dev; j++) {
            if (lowers[j].mount->sb.get() == sb) lowers[i].dev = lowers[j].dev;
        }
        if (!lowers[i].dev) lowers[i].dev = anonymous_device();
    }
}

dev_t OvlSuper::device_of(const SuperBlock& real) const {
    if (has_upper() && upper.mount->sb.get() == &real) return upper.dev;
    for (const OvlLayer& layer : lowers) {
        if (layer.mount->sb.get() == &real) return layer.dev;
    }
    return dev;
}

Result<void> OvlSuper::set_up(const char* options) {
    TRY(for_each_mount_option(options, [&](const MountOption& option) {
        KString* text = option.key == "lowerdir"   ? &lower_text_
                        : option.key == "upperdir" ? &upper_text_
                        : option.key == "workdir"  ? &work_text_
                                                   : nullptr;
        const Name value(option.value, option.value_length);
        if (!text) {
            return (option.key == "redirect_dir" && (value == "off" || value == "nofollow")) ||
                   (option.key == "index" && value == "off") ||
                   (option.key == "metacopy" && value == "off") || (option.key == "xino" && value == "off");
        }
        Result<KString> copy = KString::make(option.value, option.value_length);
        if (!copy.ok()) return false;
        *text = copy.release_value();
        return true;
    }));
    if (lower_text_.empty()) return Errno::EINVAL;
    if (!upper_text_.empty()) {
        if (work_text_.empty()) return Errno::EINVAL;
        upper = TRY(open_layer(upper_text_.c_str()));
        if (upper.mount->read_only()) return Errno::EINVAL;
        TRY(open_work(work_text_.c_str()));
    } else {
        read_only = true;
    }
    TRY(open_lowers(lower_text_.c_str()));
    if (!has_upper() && lowers.size() < 2) return Errno::EINVAL;
    give_devices();
    Vec<RefPtr<Dentry>> roots;
    for (const OvlLayer& layer : lowers) TRY(roots.push(layer.root));
    RefPtr<OvlInode> top = TRY(OvlInode::make(*this, upper.root, std::move(roots), nullptr, Name("/")));
    root = TRY(Dentry::make_root(std::move(top)));
    return {};
}

void OvlSuper::next_work_name(char (&name)[24]) {
    snprintf(name, sizeof(name), "#%llx", static_cast<unsigned long long>(next_work_++));
}

Result<void> OvlSuper::statfs(KernelStatfs* out) {
    TRY((has_upper() ? upper : lowers[0]).mount->sb->statfs(out));
    out->f_type = kMagic;
    out->f_fsid[0] = static_cast<i32>(dev);
    out->f_fsid[1] = 0;
    return {};
}

Result<void> OvlSuper::show_options(KString& out) {
    TRY(out.appendf(",lowerdir=%s", lower_text_.c_str()));
    return has_upper() ? out.appendf(",upperdir=%s,workdir=%s", upper_text_.c_str(), work_text_.c_str())
                       : Result<void>();
}

Result<void> OvlSuper::sync() {
    return has_upper() ? sync_filesystem(*upper.mount->sb) : Result<void>();
}

Result<void> OvlSuper::remount(u64 flags, const char*) {
    return has_upper() || (flags & MS_RDONLY) ? Result<void>() : Result<void>(Errno::EROFS);
}

void init_overlay() {
    register_filesystem(&g_overlay_type);
}
