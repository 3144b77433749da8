// What an open directory has read ahead, so that a reader with a small buffer does not have the same blocks hashed and
// sorted again at every call.
//
// Guarantees: names are handed on without the file system's lock, since the reader copies them to a program; after a
// change of the directory's names they are read again. Called with the directory's own lock held.
#pragma once

#include "core/vector.h"
#include "fs/file.h"

class Ext4Inode;

class Ext4DirReader final : private DirContext {
  public:
    /// As Inode::iterate.
    Result<void> read(Ext4Inode& directory, DirContext& context);

  private:
    struct Entry {
        loff_t position;
        u64 ino;
        u8 type;
        u8 length;
        u16 text;
    };
    static constexpr size_t kText = 0xffff;  // bytes of names that are kept, at most; a block's are less

    bool emit(const Name& name, u64 ino, u8 type) override;
    bool knows(const Ext4Inode& directory, loff_t at) const;
    Result<void> fill(Ext4Inode& directory, loff_t from);
    size_t first_from(loff_t at) const;

    Vec<Entry> entries_;  // those of the positions [start_, position)
    KString text_;
    loff_t start_ = 0;
    u64 names_version_ = 0;
    bool failed_ = false;
};
