// File system types, the first root, mount(2) and umount2(2).
#include "fs/vfs.h"

#include "block/block_registry.h"
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/sync.h"

namespace {

FileSystemType* g_types = nullptr;

constexpr u64 kMountFlags =
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_NOSYMFOLLOW;

constexpr u64 kPropagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

// What the new mount keeps of mount(2)'s flags; relatime is the default.
u64 kept_flags(u64 flags) {
    u64 kept = flags & kMountFlags;
    if ((flags & (MS_NOATIME | MS_STRICTATIME)) == 0) kept |= MS_RELATIME;
    return kept;
}

Result<void> remount(const Path& where, u64 flags, const char* data) {
    u64 kept = kept_flags(flags);
    // How access times are kept stays, unless it is said.
    if ((flags & (kMountAtime | MS_STRICTATIME)) == 0)
        kept = (kept & ~kMountAtime) | (where.mount->flags & kMountAtime);
    TRY(check_mount_flags(where, kept));
    if ((flags & MS_BIND) == 0) TRY(remount_instance(*where.mount->sb, flags, data));
    return set_mount_flags(where, kept);
}

Result<void> bind(const char* source, const Path& where, u64 flags) {
    if (!source || *source == '\0') return Errno::EINVAL;
    return bind_mount(TRY(lookup_at(AT_FDCWD, source, kWalkFollow)), where, (flags & MS_REC) != 0);
}

/// mount --make-…: one type and MS_REC, nothing else.
Result<void> change_type(const Path& where, u64 flags) {
    const u64 type = flags & ~u64{MS_REC | MS_SILENT};
    if ((type & (type - 1)) != 0 || (type & ~kPropagation) != 0) return Errno::EINVAL;
    return change_propagation(where, type, (flags & MS_REC) != 0);
}

/// The instance on `device`, if it is mounted already, or a new one.
Result<RefPtr<SuperBlock>> mount_on_device(const FileSystemType& type, const char* source, u64 flags,
                                           const char* options) {
    if (!source || *source == '\0') return Errno::EINVAL;
    RefPtr<BlockDevice> device = TRY(block_device_at(source));
    const bool read_only = (flags & MS_RDONLY) != 0;
    if (!read_only && device->read_only()) return Errno::EACCES;
    for (RefPtr<Mount>& mount : TRY(list_mounts())) {
        if (!(mount->sb->mounted_device == device)) continue;
        if (strcmp(mount->sb->type, type.name) != 0 || mount->sb->read_only != read_only) return Errno::EBUSY;
        return RefPtr<SuperBlock>(mount->sb);
    }
    if (!device->claim()) return Errno::EBUSY;
    Result<RefPtr<SuperBlock>> made = type.mount_device(*device, flags, options);
    if (!made.ok()) {
        device->unclaim();
        return made.error();
    }
    RefPtr<SuperBlock> sb = made.release_value();
    sb->dev = device->number();
    sb->mounted_device = std::move(device);
    return sb;
}

}  // namespace

Result<void> remount_instance(SuperBlock& sb, u64 flags, const char* data) {
    const bool to_read_only = (flags & MS_RDONLY) != 0;
    if (!current_cred().has_in(sb.user_ns.get(), kCapSysAdmin)) return Errno::EPERM;
    if (!to_read_only && sb.mounted_device && sb.mounted_device->read_only()) return Errno::EROFS;
    if (to_read_only && !sb.read_only) TRY(sync_filesystem(sb));
    TRY(sb.remount(flags, data));
    sb.read_only = to_read_only;
    return {};
}

Result<RefPtr<SuperBlock>> make_instance(const FileSystemType& type, const char* source, u64 flags,
                                         const char* options) {
    if (!type.user_mount && !current_cred().has(kCapSysAdmin)) return Errno::EPERM;
    RefPtr<SuperBlock> sb = type.mount_device ? TRY(mount_on_device(type, source, flags, options))
                                              : TRY(type.mount(source, options));
    if (flags & MS_RDONLY) sb->read_only = true;
    return sb;
}

void register_filesystem(FileSystemType* type) {
    FileSystemType** link = &g_types;
    while (*link) link = &(*link)->next;
    *link = type;
}
FileSystemType* first_filesystem() {
    return g_types;
}
FileSystemType* find_filesystem(const char* name) {
    for (FileSystemType* t = g_types; t; t = t->next) {
        if (strcmp(t->name, name) == 0) return t;
    }
    return nullptr;
}

void mount_root(const FileSystemType& type, const char* options) {
    Result<RefPtr<SuperBlock>> super = type.mount(nullptr, options);
    if (!super.ok()) panic("VFS: no memory for the root file system");
    RefPtr<SuperBlock> sb = super.release_value();
    Result<RefPtr<Mount>> mount = Mount::make(sb, sb->root, type.name, 0);
    if (!mount.ok()) panic("VFS: no memory for the root mount");
    set_root_mount(mount.release_value());
}

Result<void> do_mount(const char* source, const char* target, const char* type, u64 flags, const char* data) {
    if (!may_mount()) return Errno::EPERM;
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL) flags &= ~MS_MGC_MSK;
    const Path where = TRY(lookup_at(AT_FDCWD, target, kWalkFollow));
    constexpr u64 kKnown = 0x7fffffff;  // MS_NOUSER is bit 31, and as Linux writes it all above
    if (flags & ~kKnown) return Errno::EINVAL;
    if (flags & MS_REMOUNT) return remount(where, flags, data);
    if (flags & MS_BIND) return bind(source, where, flags);
    if (flags & kPropagation) return change_type(where, flags);
    if (flags & MS_MOVE) {
        if (!source || *source == '\0') return Errno::EINVAL;
        return move_mount(TRY(lookup_at(AT_FDCWD, source, kWalkFollow)), where);
    }
    if (!type) return Errno::EINVAL;
    FileSystemType* fs = find_filesystem(type);
    if (!fs) return Errno::ENODEV;
    RefPtr<SuperBlock> sb = TRY(make_instance(*fs, source, flags, data));
    RefPtr<Mount> mount =
        TRY(Mount::make(sb, sb->root, source && *source ? source : "none", kept_flags(flags)));
    return attach_mount(std::move(mount), where);
}

Result<void> do_umount(const char* target, int flags) {
    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) return Errno::EINVAL;
    if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH))) return Errno::EINVAL;
    if (!may_mount()) return Errno::EPERM;
    const Path where = TRY(lookup_at(AT_FDCWD, target, (flags & UMOUNT_NOFOLLOW) ? 0 : kWalkFollow));
    return detach_mount(where, flags);
}

Result<KString> mount_options_text(const Path& at) {
    KString out;
    const Mount& m = *at.mount;
    TRY(out.append(m.read_only() ? "ro" : "rw"));
    if (m.flags & MS_NOSUID) TRY(out.append(",nosuid"));
    if (m.flags & MS_NODEV) TRY(out.append(",nodev"));
    if (m.flags & MS_NOEXEC) TRY(out.append(",noexec"));
    if (m.flags & MS_NOATIME) TRY(out.append(",noatime"));
    if (m.flags & MS_NODIRATIME) TRY(out.append(",nodiratime"));
    if (m.flags & MS_RELATIME) TRY(out.append(",relatime"));
    if (m.flags & MS_NOSYMFOLLOW) TRY(out.append(",nosymfollow"));
    TRY(m.sb->show_options(out));
    return out;
}
