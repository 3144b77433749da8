// The newc unpacker. Every field is checked against the archive's size before it is used.
#include "fs/initramfs.h"

#include "core/printk.h"
#include "core/vector.h"
#include "fs/cred.h"
#include "fs/file.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/vfs_ops.h"

namespace {

constexpr size_t kHeaderSize = 110;

struct Header {
    u32 ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize,
        check;
};

bool parse_hex8(const u8* text, u32* value) {
    u32 v = 0;
    for (int i = 0; i < 8; i++) {
        const u8 c = text[i];
        u32 digit;
        if (c >= '0' && c <= '9') {
            digit = c - u32{'0'};
        } else if (c >= 'a' && c <= 'f') {
            digit = c - u32{'a'} + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = c - u32{'A'} + 10;
        } else {
            return false;
        }
        v = v << 4 | digit;
    }
    *value = v;
    return true;
}

bool parse_header(const u8* at, Header* h) {
    if (memcmp(at, "070701", 6) != 0 && memcmp(at, "070702", 6) != 0) return false;
    u32* fields[] = {&h->ino,       &h->mode,     &h->uid,      &h->gid,      &h->nlink,
                     &h->mtime,     &h->filesize, &h->devmajor, &h->devminor, &h->rdevmajor,
                     &h->rdevminor, &h->namesize, &h->check};
    for (size_t i = 0; i < 13; i++) {
        if (!parse_hex8(at + 6 + 8 * i, fields[i])) return false;
    }
    return true;
}

// A file with several names comes once per name; the data may come with any of them (usually the last).
struct LinkedFile {
    u32 ino, devmajor, devminor;
    KString path;
};

class Unpacker {
  public:
    Result<void> entry(const Header& h, const char* name, const u8* data);

  private:
    Result<bool> link_to_earlier(const Header& h, const char* path);
    Result<void> write_data(const char* path, const u8* data, size_t size, u32 mode);
    Result<void> set_attributes(const Header& h, const char* path);
    Vec<LinkedFile> linked_;
};

Result<bool> Unpacker::link_to_earlier(const Header& h, const char* path) {
    if (h.nlink < 2) return false;
    for (LinkedFile& f : linked_) {
        if (f.ino == h.ino && f.devmajor == h.devmajor && f.devminor == h.devminor) {
            (void)vfs_unlink(AT_FDCWD, path);
            TRY(vfs_link(AT_FDCWD, f.path.c_str(), AT_FDCWD, path, 0));
            return true;
        }
    }
    TRY(linked_.push({h.ino, h.devmajor, h.devminor, TRY(KString::make(path))}));
    return false;
}

Result<void> Unpacker::write_data(const char* path, const u8* data, size_t size, u32 mode) {
    RefPtr<File> file = TRY(vfs_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
    loff_t position = 0;
    while (size > 0) {
        const size_t n = TRY(kernel_write(*file, data, size, position));
        data += n;
        size -= n;
    }
    return {};
}

Result<void> Unpacker::set_attributes(const Header& h, const char* path) {
    const Path place = TRY(lookup_at(AT_FDCWD, path, 0));
    TRY(vfs_chown(place, h.uid, h.gid));
    if (!S_ISLNK(h.mode)) TRY(vfs_chmod(place, h.mode & S_IALLUGO));
    const KernelTimespec times[2] = {{h.mtime, 0}, {h.mtime, 0}};
    return vfs_utimes(place, times);
}

/// Takes away what stands at `path` if it is of another type than what comes there (Linux, init/initramfs.c, clean_path).
void clean_path(const char* path, u32 mode) {
    Result<Path> there = lookup_at(AT_FDCWD, path, 0);
    if (!there.ok() || ((there.value().inode().mode ^ mode) & S_IFMT) == 0) return;
    (void)(there.value().inode().is_dir() ? vfs_rmdir(AT_FDCWD, path) : vfs_unlink(AT_FDCWD, path));
}

Result<void> Unpacker::entry(const Header& h, const char* name, const u8* data) {
    KString path = TRY(KString::make("/"));
    TRY(path.append(name));
    const char* p = path.c_str();
    switch (h.mode & S_IFMT) {
        case S_IFREG: {
            clean_path(p, h.mode);
            const bool linked = TRY(link_to_earlier(h, p));
            if (!linked || h.filesize > 0) TRY(write_data(p, data, h.filesize, h.mode & 0777));
            break;
        }
        case S_IFDIR: {
            Result<void> made = vfs_mkdir(AT_FDCWD, p, h.mode & S_IALLUGO);
            if (!made.ok() && made.error() != Errno::EEXIST) return made;
            break;
        }
        case S_IFLNK: {
            KString target = TRY(KString::make(reinterpret_cast<const char*>(data), h.filesize));
            (void)vfs_unlink(AT_FDCWD, p);
            TRY(vfs_symlink(target.c_str(), AT_FDCWD, p));
            break;
        }
        case S_IFCHR:
        case S_IFBLK:
        case S_IFIFO:
        case S_IFSOCK:
            if (!TRY(link_to_earlier(h, p))) {
                (void)vfs_unlink(AT_FDCWD, p);
                TRY(vfs_mknod(AT_FDCWD, p, h.mode, make_dev(h.rdevmajor, h.rdevminor)));
            }
            break;
        default:
            return Errno::EINVAL;
    }
    return set_attributes(h, p);
}

}  // namespace

Result<void> unpack_initramfs(const void* archive, size_t size) {
    const u8* bytes = static_cast<const u8*>(archive);
    Unpacker unpacker;
    size_t at = 0;
    size_t base = 0;  // where this archive begins: its alignment counts from there
    bool inside = false;
    while (at < size) {
        if (!inside) {
            if (bytes[at] == 0) {  // padding between archives
                at++;
                continue;
            }
            base = at;
            inside = true;
        }
        Header h{};
        if (size - at < kHeaderSize || !parse_header(bytes + at, &h)) return Errno::EINVAL;
        const size_t name_at = at + kHeaderSize;
        const u64 data_at = base + align_up(name_at - base + h.namesize, 4);
        if (h.namesize == 0 || h.namesize > PATH_MAX || data_at > size || h.filesize > size - data_at) {
            return Errno::EINVAL;
        }
        const char* name = reinterpret_cast<const char*>(bytes + name_at);
        if (name[h.namesize - 1] != '\0') return Errno::EINVAL;
        at = min<u64>(base + align_up(data_at - base + h.filesize, 4), size);
        if (strcmp(name, "TRAILER!!!") == 0) {
            unpacker = Unpacker();  // inode numbers start anew in the next archive
            inside = false;
            continue;
        }
        Result<void> made = unpacker.entry(h, name, bytes + data_at);
        if (!made.ok()) {
            printk(KERN_ERR "initramfs: %s: error %d\n", name, static_cast<int>(made.error()));
            return made;
        }
    }
    return {};
}
