// Size limits, access times, set-ID bits.
#include "fs/size_limit.h"

#include "fs/cred.h"
#include "fs/xattr.h"

namespace {

constexpr u64 kMaxFileSize = ~0ull >> 1;  // the largest loff_t

Result<void> too_big() {
    (void)send_signal_process(current(), kSigXfsz);
    return Errno::EFBIG;
}

bool not_after(const timespec64& a, const timespec64& b) {
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

}  // namespace

Result<void> limit_write_size(IovIter& from, loff_t position) {
    const u64 at = static_cast<u64>(position);
    const u64 limit = task_rlimit(kRlimitFsize);
    if (at >= limit) return too_big();
    if (at >= kMaxFileSize) return Errno::EFBIG;
    from.truncate(min(limit, kMaxFileSize) - at);
    return {};
}

Result<void> check_file_size(u64 size) {
    return size > task_rlimit(kRlimitFsize) ? too_big() : Result<void>();
}

void update_atime(Inode& inode) {
    constexpr i64 kDay = 24 * 60 * 60;
    const timespec64 now = ns_to_timespec(ktime_get_real_ns());
    if (not_after(inode.atime, inode.mtime) || not_after(inode.atime, inode.ctime) ||
        now.tv_sec - inode.atime.tv_sec >= kDay) {
        inode.atime = now;
        (void)inode.attributes_changed(true);
    }
}

void drop_set_ids(Inode& inode) {
    drop_file_capabilities(inode);
    if ((inode.mode & (S_ISUID | S_ISGID)) == 0 || current_cred().has(kCapFsetid)) return;
    inode.mode &= ~S_ISUID;
    if (inode.mode & S_IXGRP) inode.mode &= ~S_ISGID;
}
