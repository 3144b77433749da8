// User namespaces (user_namespaces(7)): whose ids stand for which of the kernel's, and who has what rights over what.
//
// Guarantees: the kernel keeps and compares ids of the first namespace ("kernel ids"); they are translated where a
// program names or sees one. A map is written once and read without a lock.
#pragma once

#include "core/result.h"
#include "core/vector.h"
#include "task/namespace.h"

/// `count` ids from `first` on stand for the kernel's from `lower` on.
struct IdExtent {
    u32 first = 0, lower = 0, count = 0;
};
constexpr size_t kMaxIdExtents = 340;
constexpr u32 kNoId = ~0u, kShownOverflowId = 65534;

class IdMap {
  public:
    /// The kernel's id, or kNoId.
    u32 down(u32 id) const;
    /// The whole of `count` ids from `id` on, if one extent has them all; or kNoId.
    u32 down(u32 id, u32 count) const;
    u32 up(u32 kernel_id) const;
    bool is_set() const { return __atomic_load_n(&set_, __ATOMIC_ACQUIRE); }
    const Vec<IdExtent>& extents() const { return extents_; }
    void set(Vec<IdExtent> extents);

  private:
    Vec<IdExtent> extents_;
    bool set_ = false;
};

struct UserNamespace final : Namespace {
    /// The first.
    explicit UserNamespace(u64 number) : Namespace(number) {}
    UserNamespace(u64 number, UserNamespace& outer, UserCounts* payer, uid_t creator, gid_t creators_group);
    ~UserNamespace() override;
    UserNamespace* const parent = nullptr;  ///< null: it is the first. Holds a reference
    const u32 level = 0;
    const uid_t creator_uid = 0;  ///< kernel ids of who made it
    const gid_t creator_gid = 0;
    IdMap uids, gids, projects;
    bool setgroups_allowed = true;                      ///< /proc/PID/setgroups
    u32 max[static_cast<int>(CountedNs::kCount)] = {};  ///< /proc/sys/user

    bool is_first() const { return parent == nullptr; }
    u32 kernel_uid(u32 uid) const { return is_first() ? uid : uids.down(uid); }
    u32 kernel_gid(u32 gid) const { return is_first() ? gid : gids.down(gid); }
    /// What the kernel's id is called here; kNoId if it is not mapped.
    u32 uid_here(u32 id) const { return is_first() ? id : uids.up(id); }
    u32 gid_here(u32 id) const { return is_first() ? id : gids.up(id); }
    /// The same, with the overflow id for what is not mapped.
    u32 shown_uid(u32 id) const { return shown(uid_here(id), id); }
    u32 shown_gid(u32 id) const { return shown(gid_here(id), id); }

  private:
    static u32 shown(u32 here, u32 id) { return here == kNoId && id != kNoId ? kShownOverflowId : here; }
};
constexpr u32 kMaxUserLevels = 32;
UserNamespace& init_user_namespace();
/// Is `inner` `outer`, or somewhere inside it?
bool is_user_ns_within(const UserNamespace& inner, const UserNamespace& outer);

/// The limits of the first namespace: half of the threads that there may be.
void init_namespace_limits(u32 each);
/// Counts one more namespace of `kind` for the user `uid` in `ns`, and for who made that, and so on outwards. ENOSPC
/// beyond a limit, ENOMEM. What is answered goes to the Namespace, or back by uncharge_namespace.
Result<UserCounts*> charge_namespace(UserNamespace& ns, uid_t uid, CountedNs kind);
void uncharge_namespace(UserCounts* counts, CountedNs kind);
