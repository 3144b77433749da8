// overlayfs: several directory trees seen as one (Linux, Documentation/filesystems/overlayfs.rst). The lower ones are only
// read; the upper one takes the changes: a file is copied up before it is changed, a removed name of a lower tree is hidden by
// a whiteout (a character device 0/0), a directory that hides what lies below has the attribute trusted.overlay.opaque.
//
// An OvlInode knows the real dentries that it stands for. An open file works through one of the real inode, so data and
// mappings are the real file system's own.
//
// Guarantees: what is not named below an upper directory is never changed. A name that changes is changed by one operation of
// the upper file system, prepared in the work directory, so that a power cut leaves the old or the new.
// Locks: an inode's own (kOverlay: directories and files), then one for all changes of an instance (kOverlayChange), then the
// real inodes'. An upper dentry is set once and stays; lower ones are fixed.
#pragma once

#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "sync/guarded.h"

class OvlSuper;

class OvlInode final : public Inode {
  public:
    /// `upper_dentry` may be null; `lower_dentries` from the topmost on. Not both empty.
    static Result<RefPtr<OvlInode>> make(OvlSuper& super, RefPtr<Dentry> upper_dentry,
                                         Vec<RefPtr<Dentry>> lower_dentries, OvlInode* parent,
                                         const Name& name);
    ~OvlInode() override;

    Result<RefPtr<Inode>> lookup(const Name& name) override;
    Result<RefPtr<Inode>> mknod(const Name& name, u32 new_mode, dev_t device) override;
    Result<RefPtr<Inode>> mkdir(const Name& name, u32 new_mode) override;
    Result<RefPtr<Inode>> symlink(const Name& name, const char* target) override;
    Result<void> link(const Name& name, Inode& existing) override;
    Result<void> unlink(const Name& name, Inode& victim) override;
    Result<void> rmdir(const Name& name, Inode& victim) override;
    Result<void> rename(const Name& from, Inode& moved, Inode& to_dir, const Name& to, Inode* victim,
                        u32 flags) override;
    Result<KString> readlink() override { return real().inode().readlink(); }
    Result<RefPtr<File>> open(int flags) override;
    Result<void> set_size(u64 new_size) override;
    void getattr(KernelStat* out) override;
    const timespec64* birth_time() const override { return real().inode().birth_time(); }
    Result<void> may_setattr() override;
    Result<void> attributes_changed(bool lazily) override;
    Result<void> sync(bool data_only) override;
    Result<size_t> getxattr(const char* name, void* buffer, size_t buffer_size) override;
    Result<void> setxattr(const char* name, const void* value, size_t value_size, int flags) override;
    Result<void> removexattr(const char* name) override;
    Result<void> listxattr(KString& names) override;
    i64 block_count() const override { return real().inode().block_count(); }

    /// What it stands for: the upper one, or the topmost lower one.
    Dentry& real() const { return upper() ? *upper() : *lowers_[0]; }
    Dentry* upper() const { return __atomic_load_n(&upper_, __ATOMIC_ACQUIRE); }
    const Vec<RefPtr<Dentry>>& lowers() const { return lowers_; }
    /// A directory that shows more than its upper one.
    bool is_merged() const { return is_dir() && lowers_.size() + (upper() ? 1 : 0) > 1; }
    bool has_lower() const { return !lowers_.empty(); }

    ListNode table_node;  ///< under OvlSuper::inodes_

  private:
    friend class OvlSuper;
    OvlInode(OvlSuper& super, u64 number, u32 file_mode);
    OvlSuper& ovl() const;

    // The real attributes: as they were last taken over.
    void take_attributes();
    Result<void> give_attributes(Inode& to, bool lazily);

    // Copying up (overlay_copy_up.cpp). EROFS, ENOSPC, ENOMEM, EIO, EINTR.
    Result<void> copy_up(bool with_data = true);
    Result<void> copy_up_locked(bool with_data = true);
    Result<void> copy_up_one(bool with_data);
    Result<RefPtr<Dentry>> copy_regular(Dentry& dir, bool with_data);
    Result<RefPtr<Dentry>> copy_other(Dentry& dir);
    Result<RefPtr<Inode>> make_like(Inode& dir, const Name& name);
    Result<void> copy_attributes(Inode& to);
    void set_upper(RefPtr<Dentry> dentry);

    // Names (overlay_dir.cpp), with OvlSuper::changes held.
    template <class Make>
    Result<RefPtr<Inode>> create(const Name& name, Make make);
    template <class Make>
    Result<RefPtr<Dentry>> create_real(const Name& name, bool hides_lower, Make make);
    Result<bool> is_in_lowers(const Name& name);
    Result<void> remove(const Name& name, OvlInode& victim);
    Result<void> put_whiteout(Dentry& dir, const Name& name, const RefPtr<Dentry>& there);
    Result<void> require_empty();
    bool is_below(const OvlInode& other) const;
    void gone();

    Dentry* upper_ = nullptr;  // a reference; set once
    Vec<RefPtr<Dentry>> lowers_;
    RefPtr<OvlInode> parent_;  // where it is copied up to, with its name; under OvlSuper::changes
    KString name_;
    bool unlinked_ = false;
    struct Attributes {
        u32 mode = 0, uid = 0, gid = 0;
        timespec64 atime{}, mtime{}, ctime{};
    };
    Attributes taken_;  // under `lock`

  protected:
    void unref_last() override;
};

/// One of the trees.
struct OvlLayer {
    RefPtr<Mount> mount;  ///< of its own, so that the place it was found at may be unmounted
    RefPtr<Dentry> root;
    dev_t dev = 0;  ///< st_dev of its files where the layers lie on several file systems
};

class OvlSuper final : public SuperBlock {
  public:
    static constexpr i64 kMagic = 0x794c7630;
    static constexpr size_t kMaxLowers = 500;
    OvlSuper() : SuperBlock("overlay", kMagic) {}

    /// `options`: lowerdir=A:B…, upperdir=, workdir=. EINVAL, and what the paths' look-ups answer.
    Result<void> set_up(const char* options);
    Result<void> statfs(KernelStatfs* out) override;
    Result<void> show_options(KString& out) override;
    Result<void> sync() override;
    Result<void> remount(u64 flags, const char* data) override;

    bool has_upper() const { return static_cast<bool>(upper.root); }
    /// st_dev of a file that lies on `real`.
    dev_t device_of(const SuperBlock& real) const;
    /// A name in the work directory that is not there; with `changes` held.
    void next_work_name(char (&name)[24]);

    /// The inode that stands for the upper file `real`; null: none does so far.
    RefPtr<OvlInode> find(const Inode& real);
    void enter(OvlInode& inode);

    OvlLayer upper;
    Vec<OvlLayer> lowers;
    RefPtr<Dentry> work;
    bool one_file_system = true;
    Mutex changes{LockRank::kOverlayChange};  // bare: over changes as a whole

  private:
    friend class OvlInode;
    Result<OvlLayer> open_layer(const char* path);
    Result<void> open_lowers(const char* text);
    Result<void> open_work(const char* path);
    void give_devices();

    KString lower_text_, upper_text_, work_text_;
    u64 next_work_ = 0;
    using Inodes = List<OvlInode, &OvlInode::table_node>;
    Guarded<Inodes, LockRank::kInodeTable> inodes_;  // files with an upper one
};

inline OvlInode::OvlInode(OvlSuper& super, u64 number, u32 file_mode)
    : Inode(&super, number, file_mode, LockRank::kOverlay) {}
inline OvlSuper& OvlInode::ovl() const {
    return *static_cast<OvlSuper*>(sb);
}

/// An entry of a merged directory.
struct OvlEntry {
    KString name;
    u64 ino = 0;
    u32 hash = 0;
    u8 type = 0;
    bool whiteout = false;
    bool lowest = false;
    int next = -1;  // in its bucket
};
/// The names that `directory` shows, whiteouts among them, each once. Takes the real directories' locks.
Result<void> ovl_read_merged(OvlInode& directory, Vec<OvlEntry>& out);
/// An open overlay file; opened for writing, the inode has been copied up.
Result<RefPtr<File>> ovl_open_regular(OvlInode& inode, int flags);
/// An open overlay directory.
Result<RefPtr<File>> ovl_open_directory(OvlInode& directory);

// Real directories (overlay_real.cpp).
bool ovl_is_whiteout(const Inode& inode);
bool ovl_is_opaque(Inode& directory);
Result<void> ovl_set_opaque(Inode& directory);
/// The entry, or null. `locked`: the directory's lock is held.
Result<RefPtr<Dentry>> ovl_real_child(Dentry& directory, const Name& name, bool locked = false);
/// Removes it; of a directory first the whiteouts in it. The directory's lock is held.
Result<void> ovl_remove_real(Dentry& directory, const Name& name, const RefPtr<Dentry>& victim);
/// Removes the whiteouts that a directory holds.
Result<void> ovl_clear_whiteouts(Dentry& directory);
/// Is it one of overlayfs's own attributes?
bool ovl_is_own_xattr(const char* name);

/// Holds a real inode's lock, below others of its rank in an order that the overlay guarantees.
class OvlRealGuard {
  public:
    explicit OvlRealGuard(Inode& inode) : inode_(inode) { inode_.lock.lock_nested(); }
    ~OvlRealGuard() { inode_.lock.unlock(); }
    OvlRealGuard(const OvlRealGuard&) = delete;
    OvlRealGuard& operator=(const OvlRealGuard&) = delete;

  private:
    Inode& inode_;
};

void init_overlay();
