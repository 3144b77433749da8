// TextFile: a file whose text is made when it is read, as procfs and sysfs have them.
//
// Guarantees: the text is made anew by each read that starts at the beginning, in one piece, so a reader never sees two
// moments mixed. A write hands over what was written at once, at most kMaxWrite bytes, terminated.
#pragma once

#include "fs/file.h"

/// What an inode with such files derives from as well.
class TextSource {
  public:
    virtual Result<void> show(KString& out) = 0;
    virtual Result<void> store(const char*, size_t) { return Errno::EIO; }

  protected:
    ~TextSource() = default;
};

class TextFile final : public File {
  public:
    static constexpr size_t kMaxWrite = 4096;
    /// `source` is part of `file_inode`.
    TextFile(Inode& file_inode, TextSource& source) : File(file_inode), source_(source) {}

    Result<size_t> read(IovIter& to, loff_t& pos) override;
    Result<size_t> write(IovIter& from, loff_t& pos) override;
    Result<loff_t> seek(loff_t offset, int whence) override;
    bool can_pwrite() const override { return false; }  // text made on reading is not written at positions

  private:
    struct SharedText : RefCounted {
        KString text;
    };
    TextSource& source_;
    RefPtr<SharedText> text_;
};
