// Reading a merged directory: each name once, from the topmost layer that has it.
#include "fs/file.h"
#include "fs/overlay/overlay.h"

namespace {

/// Collects one layer's names below those of the layers above it.
class Merger final : public DirContext {
  public:
    explicit Merger(Vec<OvlEntry>& out) : entries_(out) {
        for (int& head : buckets_) head = -1;
    }
    bool emit(const Name& name, u64 ino, u8 type) override {
        if (name.is_dot() || name.is_dotdot() || has(name)) return true;
        result = add(name, ino, type);
        return result.ok();
    }
    void begin_layer(const Dentry& directory, bool is_lowest) {
        dentry = &directory;
        position = 0;
        lowest_ = is_lowest;
        first_of_layer = entries_.size();
    }

    Result<void> result;
    size_t first_of_layer = 0;

  private:
    static constexpr u32 kBuckets = 256;

    bool has(const Name& name) const {
        for (int i = buckets_[name.hash % kBuckets]; i >= 0; i = entries_[static_cast<size_t>(i)].next) {
            const OvlEntry& e = entries_[static_cast<size_t>(i)];
            if (e.hash == name.hash && Name(e.name.c_str(), e.name.size()) == name) return true;
        }
        return false;
    }
    Result<void> add(const Name& name, u64 ino, u8 type) {
        OvlEntry entry;
        entry.name = TRY(KString::make(name.text, name.length));
        entry.ino = ino;
        entry.hash = name.hash;
        entry.type = type;
        entry.lowest = lowest_;
        int& head = buckets_[name.hash % kBuckets];
        entry.next = head;
        TRY(entries_.push(std::move(entry)));
        head = static_cast<int>(entries_.size()) - 1;
        return {};
    }

    Vec<OvlEntry>& entries_;
    int buckets_[kBuckets];
    bool lowest_ = false;
};

class OvlDirectoryFile final : public File {
  public:
    explicit OvlDirectoryFile(OvlInode& directory) : File(directory) {}

    // The names are those of the time when reading began: positions stay what they were while others are removed.
    Result<void> iterate(DirContext& context) override {
        if (context.position == 0 || !read_) {
            entries_.clear();
            TRY(ovl_read_merged(static_cast<OvlInode&>(*inode), entries_));
            read_ = true;
        }
        if (!context.emit_dots(*context.dentry)) return {};
        // The lowest layer's first, as Linux has them.
        const size_t count = entries_.size();
        for (size_t i = static_cast<size_t>(context.position - 2); i < 2 * count; i++) {
            const OvlEntry& e = entries_[i % count];
            if (!e.whiteout && e.lowest == (i < count)) {
                context.position = static_cast<loff_t>(i) + 2;
                if (!context.emit(Name(e.name.c_str(), e.name.size()), e.ino, e.type)) return {};
            }
            context.position = static_cast<loff_t>(i) + 3;
        }
        return {};
    }

  private:
    Vec<OvlEntry> entries_;  // under the directory's lock
    bool read_ = false;
};

}  // namespace

Result<void> ovl_read_merged(OvlInode& directory, Vec<OvlEntry>& out) {
    Merger merger(out);
    const size_t layers = directory.lowers().size();
    for (size_t i = 0; i <= layers; i++) {
        Dentry* real = i == 0 ? directory.upper() : directory.lowers()[i - 1].get();
        if (!real) continue;
        OvlRealGuard guard(real->inode());
        merger.begin_layer(*real, i > 0 && i == layers);
        TRY(real->inode().iterate(merger));
        TRY(std::move(merger.result));
        for (size_t e = merger.first_of_layer; e < out.size(); e++) {
            if (out[e].type != dt_type(S_IFCHR)) continue;
            RefPtr<Dentry> child =
                TRY(ovl_real_child(*real, Name(out[e].name.c_str(), out[e].name.size()), true));
            out[e].whiteout = child && ovl_is_whiteout(child->inode());
        }
    }
    return {};
}

Result<RefPtr<File>> ovl_open_directory(OvlInode& directory) {
    return RefPtr<File>(TRY(make_ref<OvlDirectoryFile>(directory)));
}
