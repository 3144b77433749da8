// The list of page caches with dirty pages (fs/writeback.h).
#include "fs/writeback.h"

#include "core/vector.h"
#include "fs/page_lru.h"
#include "mm/buddy.h"
#include "sched/sched.h"
#include "sync/guarded.h"
#include "task/task.h"
#include "time/clock.h"

WritebackLimits writeback_limits;
void (*wake_flusher)() = nullptr;

namespace {

struct DirtyFiles {
    List<PageCache, &PageCache::dirty_node> list;  // in the order in which they became dirty
    u64 next_order = 1;
};
Guarded<DirtyFiles, LockRank::kDirtyFiles> g_dirty;

/// Keeps a page cache's owner alive.
class Held {
  public:
    Held() = default;
    explicit Held(PageCache* cache) : cache_(cache) {}
    Held(Held&& other) : cache_(other.cache_) { other.cache_ = nullptr; }
    Held& operator=(Held&& other) {
        std::swap(cache_, other.cache_);
        return *this;
    }
    ~Held() {
        if (cache_) cache_->owner().unref();
    }
    PageCache* get() const { return cache_; }

  private:
    PageCache* cache_ = nullptr;
};

/// What became dirty up to now, at least `age_ns` ago. What is put back on the list is not among it.
struct Due {
    u64 order;
    u64 until;
    explicit Due(u64 age_ns) : order(g_dirty.lock()->next_order) {
        const u64 now = ktime_get_ns();
        until = now >= age_ns ? now - age_ns : 0;
    }
};

/// Takes the first cache off the list that is due.
Held take_dirty(const Due& due) {
    const auto dirty = g_dirty.lock();
    for (PageCache& cache : dirty->list) {
        if (cache.dirtied_ns > due.until || cache.dirty_order >= due.order) break;
        if (!cache.owner().try_ref()) continue;  // about to die: it sees to its pages itself
        cache.dirty_node.remove();
        return Held(&cache);
    }
    return Held();
}

}  // namespace

void note_dirty(PageCache& cache) {
    const auto dirty = g_dirty.lock();
    if (cache.dirty_node.linked()) return;
    cache.dirtied_ns = ktime_get_ns();
    cache.dirty_order = dirty->next_order++;
    dirty->list.push_back(&cache);
}

void forget_dirty(PageCache& cache) {
    const auto dirty = g_dirty.lock();
    if (cache.dirty_node.linked()) cache.dirty_node.remove();
}

DirtyThresholds dirty_thresholds() {
    const WritebackLimits& l = writeback_limits;
    const u64 available = buddy_free_pages() + __atomic_load_n(&page_cache_counts.pages, __ATOMIC_RELAXED);
    DirtyThresholds t;
    t.background = l.dirty_background_bytes ? l.dirty_background_bytes >> kPageShift
                                            : available * l.dirty_background_ratio / 100;
    t.limit = l.dirty_bytes ? l.dirty_bytes >> kPageShift : available * l.dirty_ratio / 100;
    t.limit = max<u64>(t.limit, 16);
    if (t.background >= t.limit) t.background = t.limit / 2;
    return t;
}

u64 write_back_all(u64 age_ns, u64 limit) {
    const Due due(age_ns);
    u64 begun = 0;
    while (begun < limit) {
        Held held = take_dirty(due);
        PageCache* cache = held.get();
        if (!cache) break;
        begun += cache->write_back(0, ~0ull, false, limit - begun);
        // What is left is held back, or was dirtied meanwhile; its time begins anew.
        if (cache->dirty_count() > 0) note_dirty(*cache);
    }
    return begun;
}

void sync_all_pages() {
    const Due due(0);
    Vec<Held> begun;
    for (;;) {
        Held held = take_dirty(due);
        PageCache* cache = held.get();
        if (!cache) break;
        cache->write_back(0, ~0ull, true);
        if (cache->dirty_count() > 0) note_dirty(*cache);
        if (begun.reserve(begun.size() + 1).ok())
            (void)begun.push(std::move(held)).ok();
        else
            cache->wait_range(0, ~0ull);
    }
    for (Held& held : begun) held.get()->wait_range(0, ~0ull);
}

void balance_dirty_pages(PageCache& cache) {
    const DirtyThresholds t = dirty_thresholds();
    const auto under_way = [] {
        return __atomic_load_n(&page_cache_counts.dirty, __ATOMIC_RELAXED) +
               __atomic_load_n(&page_cache_counts.writeback, __ATOMIC_RELAXED);
    };
    if (under_way() <= t.background) return;
    if (wake_flusher) wake_flusher();
    if (under_way() <= t.limit) return;
    // Who dirties pages writes them: its own first, then others'.
    constexpr u64 kBatch = 1024;
    if (cache.write_back(0, ~0ull, false, kBatch) == 0 && !(current()->flags & PF_LOCAL_THROTTLE))
        write_back_all(0, kBatch);
    cache.wait_range(0, ~0ull);
}

namespace {
FlusherWork* g_work = nullptr;  // set at boot
}

void register_flusher_work(FlusherWork* work) {
    work->next = g_work;
    g_work = work;
}

u64 flusher_turn() {
    const WritebackLimits& l = writeback_limits;
    constexpr u64 kCentisecond = kNsPerSec / 100;
    write_back_all(l.dirty_expire_centisecs * kCentisecond);
    while (__atomic_load_n(&page_cache_counts.dirty, __ATOMIC_RELAXED) > dirty_thresholds().background) {
        if (write_back_all(0, 1024) == 0) break;
        cond_resched();
    }
    u64 next = l.dirty_writeback_centisecs * kCentisecond;
    for (FlusherWork* work = g_work; work; work = work->next) next = min(next, work->turn());
    return next;
}
