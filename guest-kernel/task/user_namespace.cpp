// User namespaces: maps of ids, the counts of namespaces (task/user_namespace.h).
#include "task/user_namespace.h"

#include <utility>

#include "core/list.h"
#include "sync/spinlock.h"
#include "task/credentials.h"

/// How many namespaces one user of one user namespace has. In a list while it counts anything.
struct UserCounts {
    ListNode node;
    UserNamespace* ns = nullptr;  ///< holds a reference
    uid_t uid = 0;
    u32 refs = 0;
    u32 count[static_cast<int>(CountedNs::kCount)] = {};
    UserCounts* outer = nullptr;  ///< of who made `ns`
};

namespace {

UserNamespace g_first(0xeffffffd);
// Bare: references of counts are taken and given back under it, all levels at once.
SpinLock g_lock{LockRank::kUserCounts};
List<UserCounts, &UserCounts::node> g_counts;

UserCounts* find_counts(const UserNamespace& ns, uid_t uid) {
    for (UserCounts& c : g_counts) {
        if (c.ns == &ns && c.uid == uid) return &c;
    }
    return nullptr;
}

/// Gives a reference back; what nobody refers to any more is put into `gone`.
void drop(UserCounts* counts, List<UserCounts, &UserCounts::node>& gone) {
    while (counts && --counts->refs == 0) {
        counts->node.remove();
        gone.push_back(counts);
        counts = counts->outer;
    }
}

void free_all(List<UserCounts, &UserCounts::node>& gone) {
    while (UserCounts* counts = gone.pop_front()) {
        counts->ns->unref();
        delete counts;
    }
}

/// The counts of `uid` in `ns` with a reference, and those further out. ENOMEM.
Result<UserCounts*> get_counts(UserNamespace& ns, uid_t uid) {
    UserCounts* outer = ns.parent ? TRY(get_counts(*ns.parent, ns.creator_uid)) : nullptr;
    auto* fresh = new (std::nothrow) UserCounts;
    List<UserCounts, &UserCounts::node> gone;
    UserCounts* found;
    {
        IrqGuard guard(g_lock);
        found = find_counts(ns, uid);
        if (found || !fresh) {
            drop(outer, gone);  // the one that is there has its own
        } else {
            fresh->ns = &ns;
            fresh->uid = uid;
            fresh->outer = outer;
            ns.ref();
            g_counts.push_back(fresh);
            found = std::exchange(fresh, nullptr);
        }
        if (found) found->refs++;
    }
    free_all(gone);
    delete fresh;
    if (!found) return Errno::ENOMEM;
    return found;
}

void put_counts(UserCounts* counts) {
    List<UserCounts, &UserCounts::node> gone;
    {
        IrqGuard guard(g_lock);
        drop(counts, gone);
    }
    free_all(gone);
}

}  // namespace

Namespace::Namespace(u64 number, UserNamespace* owner_ns, UserCounts* payer, CountedNs counted)
    : ino(number),
      owner(owner_ns && !owner_ns->is_first() ? owner_ns : nullptr),
      payer_(payer),
      counted_(counted) {
    if (owner) owner->ref();
}

Namespace::~Namespace() {
    if (payer_) uncharge_namespace(payer_, counted_);
    if (owner) owner->unref();
}

UserNamespace::UserNamespace(u64 number, UserNamespace& outer, UserCounts* payer, uid_t creator,
                             gid_t creators_group)
    : Namespace(number, &outer, payer, CountedNs::kUser),
      parent(&outer),
      level(outer.level + 1),
      creator_uid(creator),
      creator_gid(creators_group),
      setgroups_allowed(outer.setgroups_allowed) {
    parent->ref();
    for (u32& limit : max) limit = 0x7fffffff;
}

UserNamespace::~UserNamespace() {
    if (parent) parent->unref();
}

UserNamespace& init_user_namespace() {
    return g_first;
}

bool is_user_ns_within(const UserNamespace& inner, const UserNamespace& outer) {
    const UserNamespace* ns = &inner;
    while (ns->level > outer.level) ns = ns->parent;
    return ns == &outer;
}

// user_namespaces(7), "Capabilities".
bool Credentials::has_in(const UserNamespace* target, Capability cap) const {
    const UserNamespace& own = ns();
    for (const UserNamespace* at = target ? target : &init_user_namespace(); at->level >= own.level;
         at = at->parent) {
        if (at == &own) return has_here(cap);
        if (at->parent == &own && at->creator_uid == euid) return true;
        if (!at->parent) return false;
    }
    return false;
}

void Credentials::enter_user_ns(RefPtr<UserNamespace> fresh) {
    securebits = 0;
    cap_inheritable = cap_ambient = 0;
    cap_permitted = cap_effective = cap_bset = kAllCaps;
    user_ns = fresh->is_first() ? nullptr : std::move(fresh);
}

u32 IdMap::down(u32 id, u32 count) const {
    if (!is_set()) return kNoId;
    for (const IdExtent& e : extents_) {
        if (id >= e.first && id - e.first < e.count && count <= e.count - (id - e.first))
            return e.lower + (id - e.first);
    }
    return kNoId;
}

u32 IdMap::down(u32 id) const {
    return down(id, 1);
}

u32 IdMap::up(u32 kernel_id) const {
    if (!is_set()) return kNoId;
    for (const IdExtent& e : extents_) {
        if (kernel_id >= e.lower && kernel_id - e.lower < e.count) return e.first + (kernel_id - e.lower);
    }
    return kNoId;
}

void IdMap::set(Vec<IdExtent> extents) {
    extents_ = std::move(extents);
    __atomic_store_n(&set_, true, __ATOMIC_RELEASE);
}

void init_namespace_limits(u32 each) {
    for (u32& limit : g_first.max) limit = each;
}

Result<UserCounts*> charge_namespace(UserNamespace& ns, uid_t uid, CountedNs kind) {
    UserCounts* const counts = TRY(get_counts(ns, uid));
    const int k = static_cast<int>(kind);
    bool full = false;
    {
        IrqGuard guard(g_lock);
        for (const UserCounts* c = counts; c; c = c->outer) full |= c->count[k] >= c->ns->max[k];
        for (UserCounts* c = counts; c && !full; c = c->outer) c->count[k]++;
    }
    if (!full) return counts;
    put_counts(counts);
    return Errno::ENOSPC;
}

void uncharge_namespace(UserCounts* counts, CountedNs kind) {
    {
        IrqGuard guard(g_lock);
        for (UserCounts* c = counts; c; c = c->outer) c->count[static_cast<int>(kind)]--;
    }
    put_counts(counts);
}
