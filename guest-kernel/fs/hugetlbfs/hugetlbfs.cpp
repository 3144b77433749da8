// hugetlbfs (fs/hugetlbfs/hugetlbfs.h).
//
// Guarantees: as in the header. `size=` limits what the files of an instance may hold, in huge pages.
#include "fs/hugetlbfs/hugetlbfs.h"

#include "core/panic.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/file.h"
#include "fs/mount_options.h"
#include "mm/hugetlb_area.h"
#include "sched/sched.h"

namespace {

class HugetlbfsSuper final : public TmpfsSuper {
  public:
    HugetlbfsSuper(RefPtr<TmpfsQuota> limits, unsigned page_order)
        : TmpfsSuper("hugetlbfs", std::move(limits), kHugetlbfsMagic), order(page_order) {}
    static Result<RefPtr<SuperBlock>> mount(const char* options);
    Result<void> statfs(KernelStatfs* out) override;
    Result<void> show_options(KString& out) override;
    Result<void> remount(u64 flags, const char* data) override;

    unsigned order;              ///< of its pages
    RefPtr<HugetlbLimit> limit;  ///< size=; may be null

  protected:
    TmpfsInode* make_inode(u32 new_mode) override;

  private:
    static constexpr i64 kHugetlbfsMagic = 0x958458f6;
    Result<void> parse(const char* options);
    bool parse_page_size(const MountOption& option);
};

class HugetlbInode final : public TmpfsInode {
  public:
    HugetlbInode(HugetlbfsSuper& super_block, u32 new_mode) : TmpfsInode(super_block, new_mode) {}

    MemoryObject* memory_object() override { return data.get(); }
    Result<RefPtr<File>> open(int flags) override;
    Result<void> set_size(u64 new_size) override;
    void getattr(KernelStat* out) override;
    i64 block_count() const override {
        return data ? static_cast<i64>(data->page_count() * (leaf_size(data->reserve->order) / 512)) : 0;
    }
    u64 page_size() const { return leaf_size(data->reserve->order); }

    RefPtr<HugetlbObject> data;  ///< regular files

  protected:
    Result<void> make_data() override {
        auto& instance = static_cast<HugetlbfsSuper&>(super());
        data = TRY(make_hugetlb_object(instance.order, 0, instance.limit));
        return {};
    }
};

class HugetlbFile final : public File {
  public:
    explicit HugetlbFile(HugetlbInode& file_inode) : File(file_inode) {}

    Result<size_t> read(IovIter& to, loff_t& pos) override;
    bool has_write() const override { return false; }
    Result<loff_t> seek(loff_t offset, int whence) override {
        inode->size = node().data->size();
        return File::seek(offset, whence);
    }
    Result<void> allocate(int mode, loff_t offset, loff_t length) override;

  private:
    HugetlbInode& node() const { return static_cast<HugetlbInode&>(*inode); }
};

Result<size_t> HugetlbFile::read(IovIter& to, loff_t& pos) {
    HugetlbObject& data = *node().data;
    const unsigned order = data.reserve->order;
    size_t done = 0;
    while (to.remaining() > 0 && static_cast<u64>(pos) < data.size()) {
        const u64 at = static_cast<u64>(pos), in_page = at & ~kPageMask;
        const size_t n = min<u64>(min<u64>(kPageSize - in_page, data.size() - at), to.remaining());
        size_t moved;
        if (Page* head = data.peek_huge(at >> kPageShift >> order)) {
            const Page* page = head + (at >> kPageShift & ((1ull << order) - 1));
            moved = to.copy_to(static_cast<u8*>(page_address(page)) + in_page, n);
            page_put(head);
        } else {
            moved = to.zero(n);
        }
        done += moved;
        pos += static_cast<loff_t>(moved);
        if (moved < n) return done == 0 ? Result<size_t>(Errno::EFAULT) : Result<size_t>(size_t{done});
        cond_resched();
    }
    return size_t{done};
}

Result<void> HugetlbFile::allocate(int mode, loff_t offset, loff_t length) {
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) return Errno::EOPNOTSUPP;
    HugetlbInode& file = node();
    HugetlbObject& data = *file.data;
    const u64 size = file.page_size();
    const unsigned shift = data.reserve->order + kPageShift;
    const u64 from = static_cast<u64>(offset), to = from + static_cast<u64>(length);
    const MutexGuard guard(file.lock);
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        if (file.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return Errno::EPERM;
        const u64 first = align_up(from, size), last = align_down(to, size);
        if (last > first) data.punch(first >> shift, last >> shift);
        return {};
    }
    if (file.seals & F_SEAL_GROW && to > data.size()) return Errno::EPERM;
    const u64 before = data.size();
    data.grow(align_up(to, size));
    Result<void> filled;
    for (u64 index = from >> shift; filled.ok() && index < align_up(to, size) >> shift; index++) {
        Result<Page*> page = data.get_huge(index);
        if (page.ok())
            page_put(page.value());
        else
            filled = page.error() == Errno::ENOMEM ? Errno::ENOSPC : page.error();
        if (signal_pending(current())) filled = Errno::EINTR;
    }
    if (!filled.ok()) data.set_size(before);
    file.size = data.size();
    file.touch_ctime();
    return filled;
}

Result<RefPtr<File>> HugetlbInode::open(int flags) {
    if (!is_regular()) return TmpfsInode::open(flags);
    return RefPtr<File>(TRY(make_ref<HugetlbFile>(*this)));
}

Result<void> HugetlbInode::set_size(u64 new_size) {
    if (!is_regular()) return Inode::set_size(new_size);
    if (new_size & (page_size() - 1)) return Errno::EINVAL;
    const u64 before = data->size();
    if (new_size < before ? seals & F_SEAL_SHRINK : new_size > before && seals & F_SEAL_GROW)
        return Errno::EPERM;
    data->set_size(new_size);
    size = new_size;
    touch_mtime();
    return {};
}

void HugetlbInode::getattr(KernelStat* out) {
    if (data) size = data->size();  // a mapping may have extended it
    TmpfsInode::getattr(out);
    out->st_blksize = static_cast<i64>(leaf_size(static_cast<HugetlbfsSuper&>(super()).order));
}

Result<RefPtr<HugetlbfsSuper>> make_super(unsigned order) {
    RefPtr<TmpfsQuota> limits = TRY(make_ref<TmpfsQuota>());
    return make_ref<HugetlbfsSuper>(limits, order);
}

TmpfsInode* HugetlbfsSuper::make_inode(u32 new_mode) {
    return new (std::nothrow) HugetlbInode(*this, new_mode);
}

Result<void> HugetlbfsSuper::parse(const char* options) {
    u64 bytes = 0;
    TRY(for_each_mount_option(options, [&](const MountOption& option) {
        if (option.key == "size")
            return size_given = option.parse_size(hugetlb_counts(order).total * leaf_size(order), &bytes);
        if (option.key == "nr_inodes") return inodes_given = option.parse_size(0, &quota->max_inodes);
        if (option.key == "pagesize") return parse_page_size(option);
        return parse_owner(option);
    }));
    if (size_given) limit = TRY(make_ref<HugetlbLimit>(bytes >> kPageShift >> order));
    return {};
}

bool HugetlbfsSuper::parse_page_size(const MountOption& option) {
    u64 size = 0;
    if (!option.parse_size(0, &size) || size == 0 || size & (size - 1)) return false;
    const Result<unsigned> known = hugetlb_order_of(static_cast<unsigned>(__builtin_ctzll(size)));
    if (known.ok()) order = known.value();
    return known.ok();
}

Result<RefPtr<SuperBlock>> HugetlbfsSuper::mount(const char* options) {
    RefPtr<HugetlbfsSuper> super = TRY(make_super(hugetlb_default_order()));
    super->root_mode = 0755;
    super->root_uid = current_cred().fsuid;
    super->root_gid = current_cred().fsgid;
    TRY(super->parse(options));
    return with_root(std::move(super));
}

Result<void> HugetlbfsSuper::statfs(KernelStatfs* out) {
    TRY(SuperBlock::statfs(out));
    out->f_bsize = static_cast<i64>(leaf_size(order));
    if (!size_given) return {};
    out->f_blocks = limit->max;
    out->f_bfree = out->f_bavail = limit->max - min(limit->in_use(), limit->max);
    return {};
}

Result<void> HugetlbfsSuper::show_options(KString& out) {
    using ull = unsigned long long;
    if (root_uid != 0) TRY(out.appendf(",uid=%u", root_uid));
    if (root_gid != 0) TRY(out.appendf(",gid=%u", root_gid));
    if (root_mode != 0755) TRY(out.appendf(",mode=%o", root_mode));
    if (inodes_given) TRY(out.appendf(",nr_inodes=%llu", static_cast<ull>(quota->max_inodes)));
    TRY(out.appendf(",pagesize=%lluM", static_cast<ull>(leaf_size(order) >> 20)));
    if (size_given) TRY(out.appendf(",size=%llu", static_cast<ull>(limit->max * leaf_size(order))));
    return {};
}

Result<void> HugetlbfsSuper::remount(u64, const char*) {
    return Errno::EINVAL;
}

Result<RefPtr<SuperBlock>> mount_hugetlbfs(const char*, const char* options) {
    return HugetlbfsSuper::mount(options);
}

// Of files without a name; never shut down: mappings may outlive every process.
RefPtr<HugetlbfsSuper> nameless[2];

FileSystemType hugetlbfs_type = {"hugetlbfs", true, mount_hugetlbfs, nullptr};

}  // namespace

Result<RefPtr<TmpfsInode>> make_nameless_hugetlbfs_file(unsigned shift, bool sealable) {
    const unsigned order = shift ? TRY(hugetlb_order_of(shift)) : hugetlb_default_order();
    const RefPtr<HugetlbfsSuper>& super = nameless[order == kPudOrder];
    RefPtr<TmpfsInode> inode = TRY(super->new_inode(S_IFREG | 0777, nullptr));
    inode->uid = current_cred().fsuid;
    inode->gid = current_cred().fsgid;
    inode->nlink = 0;
    if (sealable) inode->seals = 0;
    return inode;
}

void init_hugetlbfs() {
    for (const unsigned order : kHugetlbOrders) {
        Result<RefPtr<HugetlbfsSuper>> super = make_super(order);
        if (!super.ok()) panic("no memory for hugetlbfs");
        nameless[order == kPudOrder] = std::move(super.value());
    }
    register_filesystem(&hugetlbfs_type);
}
