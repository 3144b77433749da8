// sysfs's inodes: directories for kobjects and their named groups, files for attributes, symbolic links.
#include "fs/sysfs/sysfs.h"

#include "core/panic.h"
#include "drivers/base/kobject.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/text_file.h"
#include "fs/vfs.h"

namespace {

constexpr i64 kSysfsMagic = 0x62656572;
constexpr u64 kAttributeSize = 4096;  // what stat(2) says of a text attribute: its size is not known
// Positions in a directory: the dots, the attributes and named groups, then the tree's entries by their order.
constexpr loff_t kFirstAttribute = 2;
constexpr loff_t kFirstEntry = 1 << 16;
RefPtr<SuperBlock> g_sysfs;

u64 ino_of(u64 object, u32 what = 0) {
    return object << 12 | what;
}

/// Common ground: an inode belongs to a kobject and lives as long as that is in the tree.
class SysfsInode : public Inode {
  public:
    SysfsInode(Kobject& its_object, u32 what, u32 file_mode)
        : Inode(g_sysfs.get(), ino_of(its_object.number, what), file_mode), object(&its_object) {}
    i64 block_count() const override { return 0; }
    bool still_valid() override { return object->in_tree(); }

    const RefPtr<Kobject> object;
};

class TextAttribute final : public SysfsInode, public TextSource {
  public:
    TextAttribute(Kobject& of, u32 what, const Attribute& a)
        : SysfsInode(of, what, S_IFREG | a.mode), attribute_(a) {
        size = kAttributeSize;
    }
    Result<RefPtr<File>> open(int flags) override {
        // What an attribute cannot do not even root may ask for (Linux, fs/kernfs/file.c, kernfs_fop_open).
        const int access = flags & O_ACCMODE;
        if (access != O_RDONLY && (!(mode & 0222) || !attribute_.store)) return Errno::EACCES;
        if (access != O_WRONLY && (!(mode & 0444) || !attribute_.show)) return Errno::EACCES;
        return RefPtr<File>(TRY(make_ref<TextFile>(*this, *this)));
    }
    Result<void> show(KString& out) override {
        if (!object->in_tree()) return Errno::ENODEV;
        return attribute_.show(*object, out);
    }
    Result<void> store(const char* text, size_t length) override {
        if (!object->in_tree()) return Errno::ENODEV;
        return attribute_.store(*object, text, length);
    }
    Result<void> set_size(u64) override { return {}; }  // O_TRUNC by a shell's ">" changes nothing

  private:
    const Attribute& attribute_;
};

class BinaryFile final : public File {
  public:
    BinaryFile(Inode& file_inode, Kobject& of, const Attribute& a)
        : File(file_inode), object_(&of), attribute_(a) {}

    Result<size_t> read(IovIter& to, loff_t& pos) override {
        return move(pos, [&](u64 at, u8* chunk) -> Result<size_t> {
            const size_t n = TRY(attribute_.read(*object_, at, chunk, min(to.remaining(), kChunk)));
            if (to.copy_to(chunk, n) != n) return Errno::EFAULT;
            return size_t{n};
        });
    }
    Result<size_t> write(IovIter& from, loff_t& pos) override {
        return move(pos, [&](u64 at, u8* chunk) -> Result<size_t> {
            const size_t n = min(from.remaining(), kChunk);
            if (n == 0) return size_t{0};
            if (from.copy_from(chunk, n) != n) return Errno::EFAULT;
            return attribute_.write(*object_, at, chunk, n);
        });
    }

  private:
    static constexpr size_t kChunk = 512;

    /// Repeats `step(offset, buffer)` until it moves nothing.
    template <class Step>
    Result<size_t> move(loff_t& pos, Step step) {
        if (!object_->in_tree()) return Errno::ENODEV;
        u8 chunk[kChunk];
        size_t done = 0;
        for (;;) {
            Result<size_t> n = step(static_cast<u64>(pos), chunk);
            if (!n.ok()) return done ? Result<size_t>(done) : std::move(n);
            if (n.value() == 0) return size_t{done};
            done += n.value();
            pos += static_cast<loff_t>(n.value());
        }
    }
    const RefPtr<Kobject> object_;
    const Attribute& attribute_;
};

class BinaryAttribute final : public SysfsInode {
  public:
    BinaryAttribute(Kobject& of, u32 what, const Attribute& a)
        : SysfsInode(of, what, S_IFREG | a.mode), attribute_(a) {
        size = a.length ? a.length(of) : 0;
    }
    Result<RefPtr<File>> open(int flags) override {
        const int access = flags & O_ACCMODE;
        if (access != O_RDONLY && !attribute_.write) return Errno::EACCES;
        if (access != O_WRONLY && !attribute_.read) return Errno::EACCES;
        return RefPtr<File>(TRY(make_ref<BinaryFile>(*this, *object, attribute_)));
    }
    Result<void> set_size(u64) override { return {}; }

  private:
    const Attribute& attribute_;
};

class LinkInode final : public SysfsInode {
  public:
    LinkInode(Kobject& directory, Kobject& target, u32 what)
        : SysfsInode(directory, what, S_IFLNK | 0777), target_(&target) {}
    bool still_valid() override { return object->in_tree() && target_->in_tree(); }
    Result<KString> readlink() override { return target_->path_from(*object); }

  private:
    const RefPtr<Kobject> target_;
};

/// The number of an attribute or group within its object, for inode numbers.
u32 number_of(unsigned group, unsigned attribute) {
    return 1 + group * 256 + attribute;
}

Result<RefPtr<Inode>> make_attribute(Kobject& object, unsigned group, unsigned index) {
    const Attribute& a = object.group(group)->attributes[index];
    const u32 what = number_of(group, index + 1);
    if (a.binary()) return RefPtr<Inode>(TRY(make_ref<BinaryAttribute>(object, what, a)));
    return RefPtr<Inode>(TRY(make_ref<TextAttribute>(object, what, a)));
}

/// Calls visit(group, index, attribute) for the object's attributes of `group` until it answers true.
template <class Visit>
bool any_attribute(Kobject& object, unsigned group, Visit visit) {
    const AttributeGroup& g = *object.group(group);
    for (unsigned i = 0; g.attributes[i].name; i++) {
        if (g.shows(object, g.attributes[i]) && visit(i, g.attributes[i])) return true;
    }
    return false;
}

Result<RefPtr<Inode>> find_attribute(Kobject& object, unsigned group, const Name& name) {
    unsigned index = 0;
    const bool there = any_attribute(object, group, [&](unsigned i, const Attribute& a) {
        index = i;
        return name == a.name;
    });
    return there ? make_attribute(object, group, index) : Result<RefPtr<Inode>>(Errno::ENOENT);
}

/// Emits one name at position `at`. False: the reader has no more room.
bool offer(DirContext& context, loff_t at, const char* name, u64 ino, u32 type) {
    if (at < context.position) return true;
    context.position = at;
    if (!context.emit(Name(name), ino, dt_type(type))) return false;
    context.position = at + 1;
    return true;
}

bool list_attributes(DirContext& context, Kobject& object, unsigned group) {
    return !any_attribute(object, group, [&](unsigned i, const Attribute& a) {
        const u32 what = number_of(group, i + 1);
        return !offer(context, kFirstAttribute + what, a.name, ino_of(object.number, what), S_IFREG);
    });
}

/// A named group of which no attribute is visible is not there itself.
bool shows_group(Kobject& object, unsigned group) {
    return any_attribute(object, group, [](unsigned, const Attribute&) { return true; });
}

/// A named group of attributes.
class GroupDir final : public SysfsInode {
  public:
    GroupDir(Kobject& of, unsigned group)
        : SysfsInode(of, number_of(group, 0), S_IFDIR | 0755), group_(group) {
        nlink = 2;
    }
    bool still_valid() override { return SysfsInode::still_valid() && shows_group(*object, group_); }
    Result<RefPtr<Inode>> lookup(const Name& name) override { return find_attribute(*object, group_, name); }
    Result<void> iterate(DirContext& context) override {
        if (context.emit_dots(*context.dentry)) list_attributes(context, *object, group_);
        return {};
    }

  private:
    const unsigned group_;
};

class ObjectDir final : public SysfsInode {
  public:
    explicit ObjectDir(Kobject& of) : SysfsInode(of, 0, S_IFDIR | 0755) {}

    void getattr(KernelStat* out) override {
        nlink = 2 + object->child_count();
        for (unsigned g = 0; object->group(g); g++)
            nlink += object->group(g)->name && shows_group(*object, g);
        Inode::getattr(out);
    }
    Result<RefPtr<Inode>> lookup(const Name& name) override;
    Result<void> iterate(DirContext& context) override;
};

Result<RefPtr<Inode>> ObjectDir::lookup(const Name& name) {
    for (unsigned g = 0; object->group(g); g++) {
        if (object->group(g)->name) {
            if (name == object->group(g)->name && shows_group(*object, g))
                return RefPtr<Inode>(TRY(make_ref<GroupDir>(*object, g)));
            continue;
        }
        Result<RefPtr<Inode>> found = find_attribute(*object, g, name);
        if (found.ok() || found.error() != Errno::ENOENT) return found;
    }
    bool is_link;
    RefPtr<Kobject> target = object->find(name, &is_link);
    if (!target) return Errno::ENOENT;
    if (!is_link) return RefPtr<Inode>(TRY(make_ref<ObjectDir>(*target)));
    return RefPtr<Inode>(TRY(make_ref<LinkInode>(*object, *target, 2048 + (name.hash & 2047))));
}

Result<void> ObjectDir::iterate(DirContext& context) {
    if (!context.emit_dots(*context.dentry)) return {};
    for (unsigned g = 0; object->group(g); g++) {
        const char* group_name = object->group(g)->name;
        const u32 what = number_of(g, 0);
        if (!group_name) {
            if (!list_attributes(context, *object, g)) return {};
        } else if (shows_group(*object, g) && !offer(context, kFirstAttribute + what, group_name,
                                                     ino_of(object->number, what), S_IFDIR)) {
            return {};
        }
    }
    KobjectEntry entry;
    u64 from = context.position > kFirstEntry ? static_cast<u64>(context.position - kFirstEntry) : 0;
    for (; object->next_entry(from, &entry); from = entry.order + 1) {
        if (!offer(context, kFirstEntry + static_cast<loff_t>(entry.order), entry.name, ino_of(entry.number),
                   entry.is_link ? S_IFLNK : S_IFDIR)) {
            return {};
        }
    }
    return {};
}

Result<RefPtr<SuperBlock>> mount_sysfs(const char*, const char*) {
    return RefPtr<SuperBlock>(g_sysfs);
}
FileSystemType g_sysfs_type = {"sysfs", true, mount_sysfs, nullptr};

}  // namespace

void init_sysfs() {
    Result<RefPtr<SuperBlock>> super = make_ref<SuperBlock>("sysfs", kSysfsMagic);
    if (!super.ok()) panic("sysfs: no memory");
    g_sysfs = super.release_value();
    Result<RefPtr<ObjectDir>> root = make_ref<ObjectDir>(sysfs_root());
    if (!root.ok()) panic("sysfs: no memory");
    Result<RefPtr<Dentry>> dentry = Dentry::make_root(root.release_value());
    if (!dentry.ok()) panic("sysfs: no memory");
    g_sysfs->root = dentry.release_value();
    register_filesystem(&g_sysfs_type);
}
