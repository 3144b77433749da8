// Files whose text is made on reading (fs/text_file.h).
#include "fs/text_file.h"

Result<size_t> TextFile::read(IovIter& to, loff_t& pos) {
    RefPtr<SharedText> text = text_;
    if (pos == 0 || !text) {
        text = TRY(make_ref<SharedText>());
        TRY(source_.show(text->text));
        text_ = text;
    }
    if (static_cast<u64>(pos) >= text->text.size()) return size_t{0};
    const size_t n = min(to.remaining(), text->text.size() - static_cast<size_t>(pos));
    const size_t moved = to.copy_to(text->text.c_str() + pos, n);
    if (moved == 0 && n > 0) return Errno::EFAULT;
    pos += static_cast<loff_t>(moved);
    return size_t{moved};
}

Result<size_t> TextFile::write(IovIter& from, loff_t& pos) {
    const size_t n = from.remaining();
    if (n >= kMaxWrite) return Errno::EINVAL;
    KString text;
    for (size_t done = 0; done < n;) {
        char chunk[256];
        const size_t part = min(n - done, sizeof(chunk));
        if (from.copy_from(chunk, part) != part) return Errno::EFAULT;
        TRY(text.append(chunk, part));
        done += part;
    }
    TRY(source_.store(text.c_str(), n));
    pos += static_cast<loff_t>(n);
    return size_t{n};
}

Result<loff_t> TextFile::seek(loff_t offset, int whence) {
    if (whence == SEEK_END) return Errno::EINVAL;  // the size is not known before reading
    return File::seek(offset, whence);
}
