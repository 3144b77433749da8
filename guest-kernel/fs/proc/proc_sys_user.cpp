// /proc/sys/user: how many namespaces each user of the reader's user namespace may have (namespaces(7)).
#include "core/string_buf.h"
#include "fs/cred.h"
#include "fs/proc/proc.h"

namespace {

template <CountedNs kind>
u32& limit() {
    return current_cred().ns().max[static_cast<int>(kind)];
}

template <CountedNs kind>
Result<void> show(KString& out) {
    return out.appendf("%u\n", __atomic_load_n(&limit<kind>(), __ATOMIC_RELAXED));
}

template <CountedNs kind>
Result<void> store(const char* text, size_t size) {
    constexpr u64 kMost = 0x7fffffff;
    if (!current_cred().has_here(kCapSysResource)) return Errno::EPERM;
    char number[16] = {};
    while (size && text[size - 1] == '\n') size--;
    u64 value;
    if (size >= sizeof(number)) return Errno::EINVAL;
    memcpy(number, text, size);
    if (!parse_u64(number, 10, &value) || value > kMost) return Errno::EINVAL;
    __atomic_store_n(&limit<kind>(), static_cast<u32>(value), __ATOMIC_RELAXED);
    return {};
}

template <CountedNs kind>
constexpr ProcEntry entry(const char* name) {
    return {name, S_IFREG | 0644, show<kind>, store<kind>};
}

}  // namespace

const ProcEntry kProcSysUserEntries[] = {
    entry<CountedNs::kCgroup>("max_cgroup_namespaces"),
    entry<CountedNs::kIpc>("max_ipc_namespaces"),
    entry<CountedNs::kMnt>("max_mnt_namespaces"),
    entry<CountedNs::kNet>("max_net_namespaces"),
    entry<CountedNs::kPid>("max_pid_namespaces"),
    entry<CountedNs::kTime>("max_time_namespaces"),
    entry<CountedNs::kUser>("max_user_namespaces"),
    entry<CountedNs::kUts>("max_uts_namespaces"),
    {nullptr, 0},
};
