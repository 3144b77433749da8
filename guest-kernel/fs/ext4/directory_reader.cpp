// Reading an ext4 directory piece by piece (directory_reader.h).
#include "fs/ext4/directory_reader.h"

#include "fs/ext4/directory.h"

bool Ext4DirReader::emit(const Name& name, u64 ino, u8 type) {
    if (text_.size() + name.length > kText) return false;
    const Entry entry{position, ino, type, static_cast<u8>(name.length), static_cast<u16>(text_.size())};
    failed_ = failed_ || !text_.append(name.text, name.length).ok() || !entries_.push(entry).ok();
    return !failed_;
}

bool Ext4DirReader::knows(const Ext4Inode& directory, loff_t at) const {
    return names_version_ == directory.names_version && start_ <= at && at < position;
}

Result<void> Ext4DirReader::fill(Ext4Inode& directory, loff_t from) {
    entries_.clear();
    text_.clear();
    start_ = position = from;
    failed_ = false;
    MutexGuard guard(directory.fs().lock);
    names_version_ = directory.names_version;
    const Result<void> filled = Ext4Directory(directory).iterate(*this);
    if (filled.ok() && !failed_) return {};
    position = start_;  // nothing is known
    return filled.ok() ? Errno::ENOMEM : filled.error();
}

size_t Ext4DirReader::first_from(loff_t at) const {
    size_t low = 0, high = entries_.size();
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (entries_[middle].position < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

Result<void> Ext4DirReader::read(Ext4Inode& directory, DirContext& context) {
    for (;;) {
        if (!knows(directory, context.position)) {
            TRY(fill(directory, context.position));
            if (entries_.empty()) {
                context.position = position;
                return {};
            }
        }
        for (size_t i = first_from(context.position); i < entries_.size(); i++) {
            const Entry& e = entries_[i];
            context.position = e.position;
            if (!context.emit(Name(text_.c_str() + e.text, e.length), e.ino, e.type)) return {};
        }
        context.position = position;
    }
}
