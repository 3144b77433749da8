// The threads that write back and take back pages (mm/kswapd.h).
#include "mm/kswapd.h"

#include "arch/x86_64/percpu.h"
#include "core/panic.h"
#include "fs/page_cache.h"
#include "fs/writeback.h"
#include "mm/buddy.h"
#include "mm/swap.h"
#include "mm/vmscan.h"
#include "sync/wait_queue.h"
#include "task/kthread.h"

namespace {

WaitQueue g_kswapd, g_flusher;
bool g_kswapd_wanted = false, g_flusher_wanted = false;
bool g_running = false;

u64 low_watermark() {
    return max<u64>(buddy_total_pages() / 64, 256);
}

bool take(bool& wanted) {
    return __atomic_exchange_n(&wanted, false, __ATOMIC_ACQ_REL);
}

[[noreturn]] void kswapd(void*) {
    for (;;) {
        (void)wait_event(g_kswapd, [] { return take(g_kswapd_wanted); });
        const u64 high = 2 * low_watermark();
        for (u64 free = buddy_free_pages(); free < high; free = buddy_free_pages()) {
            if (reclaim_pages(min<u64>(high - free, 256)) > 0) continue;
            // What is left may only be dirty.
            if (write_back_all(0, 1024) == 0) break;
        }
    }
}

[[noreturn]] void flusher(void*) {
    for (;;) {
        const u64 sleep = flusher_turn();
        (void)wait_event_timeout(
            g_flusher, [] { return take(g_flusher_wanted); }, sleep ? sleep : kNoTimeout);
    }
}

void wake(WaitQueue& queue, bool& wanted) {
    if (__atomic_exchange_n(&wanted, true, __ATOMIC_ACQ_REL)) return;
    queue.wake_all();
}

}  // namespace

void start_reclaim_threads() {
    if (!kthread_run(flusher, nullptr, "flush").ok() || !kthread_run(kswapd, nullptr, "kswapd0").ok())
        panic("no memory for the kernel's threads");
    wake_flusher = [] { wake(g_flusher, g_flusher_wanted); };
    __atomic_store_n(&g_running, true, __ATOMIC_RELEASE);
}

void note_free_pages(u64 free) {
    if (free >= low_watermark() || !__atomic_load_n(&g_running, __ATOMIC_RELAXED)) return;
    // Waking takes locks below the slab's and the page allocator's: whoever holds these is followed by another soon.
    if (this_cpu().lock_rank >= static_cast<u32>(LockRank::kWaitQueue)) return;
    if (__atomic_load_n(&page_cache_counts.pages, __ATOMIC_RELAXED) > 0 || swap_totals().free > 0)
        wake(g_kswapd, g_kswapd_wanted);
}

bool reclaim_for_allocation(unsigned order) {
    if (!__atomic_load_n(&g_running, __ATOMIC_RELAXED) || this_cpu().hardirq_depth != 0) return false;
    if (this_cpu().lock_rank >= static_cast<u32>(LockRank::kDirtyFiles)) return false;
    return shrink_page_cache(32ull << order) > 0;
}
