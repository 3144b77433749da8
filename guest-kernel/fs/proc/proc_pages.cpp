// /proc/kpagecount and /proc/kpageflags: 64 bits for each page of RAM, by its number.
#include "fs/proc/proc_system.h"
#include "mm/buddy.h"
#include "mm/page.h"

namespace {

u64 count_word(const Page* page) {
    return page ? static_cast<u64>(max(page->mapcount, 0)) : 0;
}

u64 flags_word(const Page* page) {
    constexpr u64 kNoPage = 1ull << 20, kMapped = 1ull << 11;
    constexpr struct {
        u32 flag;
        u8 bit;
    } kBits[] = {
        {kPageDirty, 4}, {kPageSlab, 7},  {kPageBuddy, 10}, {kPageAnon, 12},     {kPageAnon, 14},
        {kPageHead, 15}, {kPageTail, 16}, {kPageTable, 26}, {kPageReserved, 32},
    };
    if (!page) return kNoPage;
    u64 word = page->mapcount > 0 ? kMapped : 0;
    for (const auto& b : kBits) {
        if (page->flags & b.flag) word |= 1ull << b.bit;
    }
    return word;
}

using WordOf = u64 (*)(const Page* page);

template <WordOf word_of>
class PageWords final : public File {
  public:
    using File::File;
    Result<size_t> read(IovIter& to, loff_t& at) override {
        if (at % 8 != 0 || to.remaining() % 8 != 0) return Errno::EINVAL;
        size_t done = 0;
        for (u64 pfn = static_cast<u64>(at) / 8; to.remaining() > 0 && pfn < buddy_max_pfn(); pfn++) {
            const u64 word = word_of(buddy_has_page(pfn) ? pfn_to_page(pfn) : nullptr);
            if (to.copy_to(&word, 8) != 8) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
            done += 8;
        }
        at += static_cast<loff_t>(done);
        return size_t{done};
    }
};

}  // namespace

Result<RefPtr<File>> open_kpagecount(Inode& inode) {
    return RefPtr<File>(TRY(make_ref<PageWords<count_word>>(inode)));
}
Result<RefPtr<File>> open_kpageflags(Inode& inode) {
    return RefPtr<File>(TRY(make_ref<PageWords<flags_word>>(inode)));
}
