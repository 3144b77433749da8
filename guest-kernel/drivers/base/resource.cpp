// The trees of resources (drivers/base/resource.h).
#include "drivers/base/resource.h"

#include <new>

#include "sync/guarded.h"

namespace {

struct Resource {
    const char* name = nullptr;
    u64 start = 0, end = ~u64{0};
    Resource* child = nullptr;  // by address
    Resource* sibling = nullptr;

    bool holds(const Resource& other) const { return start <= other.start && other.end <= end; }
};

struct Trees {
    Resource roots[2];

    Result<void> insert(Resource& fresh, AddressSpace space) {
        Resource* in = &roots[static_cast<size_t>(space)];
        for (;;) {
            Resource** link = &in->child;
            while (*link && (*link)->end < fresh.start) link = &(*link)->sibling;
            Resource* next = *link;
            // Of two with the same range the later is the inner one.
            if (next && next->holds(fresh)) {
                in = next;
                continue;
            }
            Resource** last = link;
            while (*last && (*last)->start <= fresh.end) {
                if (!fresh.holds(**last)) return Errno::EBUSY;
                last = &(*last)->sibling;
            }
            Resource* after = *last;
            *last = nullptr;  // what lay within the new one goes below it
            fresh.child = last == link ? nullptr : next;
            fresh.sibling = after;
            *link = &fresh;
            return {};
        }
    }

    /// Counts `left` down along the tree in order.
    static const Resource* walk(const Resource* r, unsigned& left, unsigned& depth, unsigned level) {
        for (; r; r = r->sibling) {
            if (left-- == 0) {
                depth = level;
                return r;
            }
            if (const Resource* found = walk(r->child, left, depth, level + 1)) return found;
        }
        return nullptr;
    }
};
Guarded<Trees, LockRank::kKobjects> g_trees;

}  // namespace

Result<void> insert_resource(AddressSpace space, const char* name, u64 start, u64 end) {
    Resource* fresh = new (std::nothrow) Resource;
    if (!fresh) return Errno::ENOMEM;
    fresh->name = name;
    fresh->start = start;
    fresh->end = end;
    Result<void> result = g_trees.with([&](Trees& trees) { return trees.insert(*fresh, space); });
    if (!result.ok()) delete fresh;
    return result;
}

bool resource_row(AddressSpace space, unsigned index, ResourceRow* out) {
    const auto trees = g_trees.lock();
    const Resource* r = Trees::walk(trees->roots[static_cast<size_t>(space)].child, index, out->depth, 0);
    if (!r) return false;
    out->name = r->name;
    out->start = r->start;
    out->end = r->end;
    return true;
}
