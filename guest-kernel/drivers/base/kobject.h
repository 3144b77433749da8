// Kobject: an object that the kernel shows in /sys, and the tree of them (Linux, Documentation/core-api/kobject.rst).
//
// A kobject is a directory: its attributes are files, its children directories, and its links lead to other kobjects.
// sysfs (fs/sysfs) shows exactly this tree and knows nothing else.
//
// Guarantees: a child keeps its parent alive, and a parent its children until they are removed. Of one name there is one
// entry. An entry that stays is met exactly once by whoever walks the entries, whatever comes and goes meanwhile. Names,
// parents and entries are guarded by one spin lock (LockRank::kKobjects), under which nothing is called; attributes are
// fixed before the object is added.
#pragma once

#include "abi/stat.h"
#include "core/list.h"
#include "core/refcount.h"
#include "core/string_buf.h"
#include "fs/name.h"

class Kobject;

/// A file of a kobject. Text attributes have show and store, binary ones read and write. What is null is not there: the
/// mode says the same.
struct Attribute {
    const char* name;
    u32 mode;  ///< permissions alone
    Result<void> (*show)(Kobject& object, KString& out) = nullptr;
    Result<void> (*store)(Kobject& object, const char* text, size_t size) = nullptr;
    Result<size_t> (*read)(Kobject& object, u64 offset, u8* out, size_t size) = nullptr;
    Result<size_t> (*write)(Kobject& object, u64 offset, const u8* bytes, size_t size) = nullptr;
    u64 (*length)(Kobject& object) = nullptr;  ///< binary: as stat(2) shows it; null: not known, 0
    bool binary() const { return read || write; }
};

/// Attributes up to one without a name. With a name of its own a group is a subdirectory.
struct AttributeGroup {
    const char* name;
    const Attribute* attributes;
    /// False: this object has no such attribute. Null: it has all of them.
    bool (*visible)(Kobject& object, const Attribute& attribute) = nullptr;
    bool shows(Kobject& object, const Attribute& a) const { return !visible || visible(object, a); }
};

/// An entry as whoever lists a directory sees it.
struct KobjectEntry {
    u64 order;  ///< where it stands; the next one has a greater one
    char name[256];
    u64 number;  ///< of the kobject it leads to
    bool is_link;
};

class Kobject : public RefCounted {
  public:
    static constexpr unsigned kMaxGroups = 8;

    Kobject();
    ~Kobject() override;

    /// Names it; before it is added. ENAMETOOLONG beyond 255 bytes.
    __attribute__((format(printf, 2, 3))) Result<void> set_name(const char* format, ...);
    /// Before user space runs, or before it is added. BUG when there are more than kMaxGroups.
    void add_group(const AttributeGroup& group);
    /// Puts it below `parent`. EEXIST when the name is taken, ENOENT when the parent has been removed, ENOMEM.
    Result<void> add_to(Kobject& parent);
    /// Takes it, all below it, and the links to these, out of the tree. It lives on while somebody holds it.
    void remove();
    /// A link in this directory. EEXIST, ENOENT, ENOMEM.
    Result<void> add_link(const char* name, Kobject& target);
    void remove_link(const char* name);

    const char* name() const { return name_.c_str(); }  ///< fixed once it is in the tree
    RefPtr<Kobject> parent() const;
    bool in_tree() const;
    /// What `name` leads to, a child or a link's target; null if nothing does.
    RefPtr<Kobject> find(const Name& name, bool* is_link) const;
    RefPtr<Kobject> find_child(const char* name) const;
    /// The first entry whose order is at least `from`. False: there is none.
    bool next_entry(u64 from, KobjectEntry* out) const;
    u32 child_count() const;

    const AttributeGroup* group(unsigned i) const { return i < group_count_ ? groups_[i] : nullptr; }

    /// "/devices/virtual/mem/null"; the root's is empty.
    Result<KString> path() const;
    /// The text of a link that stands in `directory` and leads here: "../../devices/…".
    Result<KString> path_from(const Kobject& directory) const;

    const u64 number;  ///< unique, from 1

  private:
    struct Entry;
    friend struct KobjectTree;
    Result<void> insert(const char* name, Kobject& target, bool is_link);

    KString name_;
    RefPtr<Kobject> parent_;
    bool in_tree_ = false;
    ListNode entries_;  // a circle of Entry
    const AttributeGroup* groups_[kMaxGroups] = {};
    unsigned group_count_ = 0;
};

/// The tree's root: /sys itself.
Kobject& sysfs_root();
/// A plain directory `name` below `parent`: the one there is, or a new one. At boot: panics when memory is short.
Kobject& kobject_directory(Kobject& parent, const char* name);
/// The first word of what was written to an attribute, as a number: EINVAL if it is none (base 0 knows 0x).
Result<u64> attribute_number(const char* text, size_t size, u64 most);
/// Was `word` written, with or without a newline (sysfs_streq)?
bool attribute_is(const char* text, size_t size, const char* word);
