// /proc/PID/uid_map, gid_map, setgroups: the ids of a process's user namespace (user_namespaces(7)).
//
// Guarantees: a map is written once, as a whole; who may write what is Linux's rule (new_idmap_permitted).
#include "fs/cred.h"
#include "fs/proc/proc.h"

namespace {

// Bare: it orders the writing of any map and of setgroups.
Mutex g_writing{LockRank::kIdMaps};

RefPtr<UserNamespace> namespace_of(task_struct& task) {
    return RefPtr<UserNamespace>(&get_task_cred(&task).ns());
}

enum class Ids { kUser, kGroup, kProject };
constexpr Capability capability_for(Ids ids) {
    return ids == Ids::kUser ? kCapSetuid : kCapSetgid;
}
IdMap& map_of(UserNamespace& ns, Ids ids) {
    return ids == Ids::kUser ? ns.uids : ids == Ids::kGroup ? ns.gids : ns.projects;
}
u32 shown_in(UserNamespace& ns, Ids ids, u32 kernel_id) {
    return ns.is_first() ? kernel_id : map_of(ns, ids).up(kernel_id);
}

/// The second column is in terms of the reader's namespace, or of the one around if that is the same.
template <Ids ids>
Result<void> show_map(KString& out, task_struct& task, const ProcView&) {
    const RefPtr<UserNamespace> ns = namespace_of(task);
    if (ns->is_first()) return out.appendf("%10u %10u %10u\n", 0u, 0u, kNoId);
    UserNamespace* reader = &current_cred().ns();
    if (reader == ns.get()) reader = reader->parent;
    const IdMap& map = map_of(*ns, ids);
    if (!map.is_set()) return {};
    for (const IdExtent& e : map.extents())
        TRY(out.appendf("%10u %10u %10u\n", e.first, shown_in(*reader, ids, e.lower), e.count));
    return {};
}

/// One number of a line, with the blanks in front of it. False at anything else.
bool take_number(const char*& at, const char* end, u32* number) {
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    u64 value = 0;
    const char* start = at;
    for (; at < end && *at >= '0' && *at <= '9' && value <= kNoId; at++)
        value = value * 10 + static_cast<u64>(*at - '0');
    *number = static_cast<u32>(value);
    return at > start && value <= kNoId;
}

bool overlap(u32 a, u32 a_count, u32 b, u32 b_count) {
    return a <= b + (b_count - 1) && b <= a + (a_count - 1);
}

/// The lines of a map, as written: `lower` still in terms of the namespace around. EINVAL.
Result<Vec<IdExtent>> parse(const char* text, size_t size) {
    Vec<IdExtent> extents;
    for (const char *at = text, *end = text + size; at < end; at++) {
        const char* line_end = at;
        while (line_end < end && *line_end != '\n') line_end++;
        IdExtent e;
        if (!take_number(at, line_end, &e.first) || !take_number(at, line_end, &e.lower) ||
            !take_number(at, line_end, &e.count)) {
            return Errno::EINVAL;
        }
        while (at < line_end && (*at == ' ' || *at == '\t')) at++;
        if (at != line_end || e.first == kNoId || e.lower == kNoId) return Errno::EINVAL;
        if (e.first + e.count <= e.first || e.lower + e.count <= e.lower) return Errno::EINVAL;
        for (const IdExtent& other : extents) {
            if (overlap(e.first, e.count, other.first, other.count) ||
                overlap(e.lower, e.count, other.lower, other.count)) {
                return Errno::EINVAL;
            }
        }
        if (extents.size() == kMaxIdExtents) return Errno::EINVAL;
        TRY(extents.push(e));
    }
    if (extents.empty()) return Errno::EINVAL;
    return extents;
}

/// May the caller give `ns` this map?
bool is_permitted(const UserNamespace& ns, Ids ids, const Vec<IdExtent>& extents) {
    const Credentials& cred = current_cred();
    if (extents.size() == 1 && extents[0].count == 1 && cred.euid == ns.creator_uid) {
        if (ids == Ids::kUser && ns.parent->kernel_uid(extents[0].lower) == cred.euid) return true;
        if (ids == Ids::kGroup && !ns.setgroups_allowed &&
            ns.parent->kernel_gid(extents[0].lower) == cred.egid) {
            return true;
        }
    }
    return ids == Ids::kProject || cred.has_in(ns.parent, capability_for(ids));
}

template <Ids ids>
Result<void> store_map(task_struct& task, const char* text, size_t size) {
    constexpr size_t kLongest = 4096;
    const RefPtr<UserNamespace> ns = namespace_of(task);
    const Credentials& cred = current_cred();
    if (ns->is_first()) return Errno::EPERM;
    if (&cred.ns() != ns.get() && &cred.ns() != ns->parent) return Errno::EPERM;
    if (size >= kLongest) return Errno::EINVAL;
    MutexGuard guard(g_writing);
    IdMap& map = map_of(*ns, ids);
    if (map.is_set() || (ids != Ids::kProject && !cred.has_in(ns.get(), kCapSysAdmin))) return Errno::EPERM;
    Vec<IdExtent> extents = TRY(parse(text, size));
    if (!is_permitted(*ns, ids, extents)) return Errno::EPERM;
    for (IdExtent& e : extents) {
        if (!ns->parent->is_first()) e.lower = map_of(*ns->parent, ids).down(e.lower, e.count);
        if (e.lower == kNoId) return Errno::EPERM;
    }
    map.set(std::move(extents));
    return {};
}

Result<void> show_setgroups(KString& out, task_struct& task, const ProcView&) {
    return out.append(namespace_of(task)->setgroups_allowed ? "allow\n" : "deny\n");
}

Result<void> store_setgroups(task_struct& task, const char* text, size_t size) {
    const RefPtr<UserNamespace> ns = namespace_of(task);
    if (!current_cred().has_in(ns.get(), kCapSysAdmin)) return Errno::EACCES;
    while (size && (text[size - 1] == '\n' || text[size - 1] == ' ')) size--;
    const bool allow = size == 5 && memcmp(text, "allow", 5) == 0;
    if (!allow && !(size == 4 && memcmp(text, "deny", 4) == 0)) return Errno::EINVAL;
    MutexGuard guard(g_writing);
    if (allow) return ns->setgroups_allowed ? Result<void>() : Result<void>(Errno::EPERM);
    if (ns->is_first() || ns->gids.is_set()) return Errno::EPERM;
    ns->setgroups_allowed = false;
    return {};
}

}  // namespace

const ProcPidFile kProcIdMapFiles[] = {
    {"uid_map", 0644, show_map<Ids::kUser>, store_map<Ids::kUser>, ProcPidPlace::kBoth},
    {"gid_map", 0644, show_map<Ids::kGroup>, store_map<Ids::kGroup>, ProcPidPlace::kBoth},
    {"projid_map", 0644, show_map<Ids::kProject>, store_map<Ids::kProject>, ProcPidPlace::kBoth},
    {"setgroups", 0644, show_setgroups, store_setgroups, ProcPidPlace::kBoth},
    {nullptr, 0, nullptr},
};
