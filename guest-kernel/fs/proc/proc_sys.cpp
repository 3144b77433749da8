// /proc/sys: the kernel's settings (sysctl(8)).
#include "core/printk.h"
#include "core/random.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/inotify.h"
#include "fs/proc/proc.h"
#include "ipc/ipc.h"
#include "ipc/mqueue.h"
#include "sched/sched.h"
#include "task/aslr.h"
#include "task/coredump.h"
#include "task/namespaces.h"
#include "task/pid.h"
#include "task/uts.h"

namespace {

Result<void> show_hostname(KString& out) {
    return out.appendf("%s\n", current_uts().nodename);
}
Result<void> show_domainname(KString& out) {
    return out.appendf("%s\n", current_uts().domainname);
}

Result<void> store_name(char* field, size_t field_size, const char* text, size_t size) {
    if (!current_cred().has_in(current()->nsproxy->uts->owner, kCapSysAdmin)) return Errno::EPERM;
    if (size > 0 && text[size - 1] == '\n') size--;
    size = min(size, field_size - 1);
    memcpy(field, text, size);
    field[size] = '\0';
    return {};
}
Result<void> store_hostname(const char* text, size_t size) {
    return store_name(current_uts().nodename, sizeof(KUtsname::nodename), text, size);
}
Result<void> store_domainname(const char* text, size_t size) {
    return store_name(current_uts().domainname, sizeof(KUtsname::domainname), text, size);
}

Result<void> show_osrelease(KString& out) {
    return out.appendf("%s\n", init_uts.release);
}
Result<void> show_ostype(KString& out) {
    return out.appendf("%s\n", init_uts.sysname);
}
Result<void> show_version(KString& out) {
    return out.appendf("%s\n", init_uts.version);
}
Result<void> show_pid_max(KString& out) {
    return out.appendf("%d\n", kPidMax);
}
Result<void> show_printk(KString& out) {
    return out.appendf("%d\t4\t1\t7\n", console_loglevel);
}
Result<void> store_printk(const char* text, size_t) {
    if (text[0] < '0' || text[0] > '9') return Errno::EINVAL;
    console_loglevel = text[0] - '0';
    return {};
}
Result<void> show_pipe_max(KString& out) {
    return out.append("1048576\n");
}
Result<void> show_file_max(KString& out) {
    return out.append("9223372036854775807\n");
}

// A version 4 UUID (RFC 4122, section 4.4).
Result<void> format_uuid(KString& out, u8 (&b)[16]) {
    b[6] = static_cast<u8>((b[6] & 0x0f) | 0x40);
    b[8] = static_cast<u8>((b[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) TRY(out.push('-'));
        TRY(out.appendf("%02x", static_cast<unsigned>(b[i])));
    }
    return out.push('\n');
}
Result<void> show_uuid(KString& out) {
    u8 bytes[16];
    get_random_bytes(bytes, sizeof(bytes));
    return format_uuid(out, bytes);
}
Result<void> show_boot_id(KString& out) {
    static u8 boot_id[16];
    static bool made = false;
    if (!made) get_random_bytes(boot_id, sizeof(boot_id));
    made = true;
    return format_uuid(out, boot_id);
}

// A setting that is a number of 32 bits, at most `limit`.
template <u32& value>
Result<void> show_number(KString& out) {
    return out.appendf("%u\n", __atomic_load_n(&value, __ATOMIC_RELAXED));
}
template <u32& value, u32 limit = 0x7fffffff>
Result<void> store_number(const char* text, size_t size) {
    char digits[16];
    if (size > 0 && text[size - 1] == '\n') size--;
    u64 given;
    if (size == 0 || size >= sizeof(digits)) return Errno::EINVAL;
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (!parse_u64(digits, 10, &given) || given > limit) return Errno::EINVAL;
    __atomic_store_n(&value, static_cast<u32>(given), __ATOMIC_RELAXED);
    return {};
}

// A limit of the reader's IPC namespace.
template <auto limit>
Result<void> show_ipc(KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(current_ipc().*limit));
}
template <auto limit, u64 highest>
Result<void> store_ipc(const char* text, size_t size) {
    char digits[24];
    if (size > 0 && text[size - 1] == '\n') size--;
    u64 given;
    if (size == 0 || size >= sizeof(digits)) return Errno::EINVAL;
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (!parse_u64(digits, 10, &given) || given > highest) return Errno::EINVAL;
    auto& field = current_ipc().*limit;
    __atomic_store_n(&field, static_cast<std::remove_reference_t<decltype(field)>>(given), __ATOMIC_RELAXED);
    return {};
}
template <auto limit, u64 highest>
constexpr ProcEntry ipc_entry(const char* name) {
    return {name, S_IFREG | 0644, show_ipc<limit>, store_ipc<limit, highest>};
}
Result<void> show_sem(KString& out) {
    const IpcNamespace& ns = current_ipc();
    return out.appendf("%u\t%u\t%u\t%u\n", ns.semmsl, ns.semmns, ns.semopm, ns.semmni);
}

// A real-time task's share of each period: not more than all of it.
Result<void> show_rt_period(KString& out) {
    return out.appendf("%u\n", sched_rt_period_us);
}
Result<void> store_rt_period(const char* text, size_t size) {
    const i64 given = TRY(parse_signed(text, size));
    if (given <= 0 || given > 0x7fffffff || given < sched_rt_runtime_us) return Errno::EINVAL;
    __atomic_store_n(&sched_rt_period_us, static_cast<u32>(given), __ATOMIC_RELAXED);
    return {};
}
Result<void> show_rt_runtime(KString& out) {
    return out.appendf("%d\n", sched_rt_runtime_us);
}
Result<void> store_rt_runtime(const char* text, size_t size) {
    const i64 given = TRY(parse_signed(text, size));
    if (given < -1 || given > i64{sched_rt_period_us}) return Errno::EINVAL;
    __atomic_store_n(&sched_rt_runtime_us, static_cast<i32>(given), __ATOMIC_RELAXED);
    return {};
}

/// A number that this kernel is built with.
template <u64 value>
Result<void> show_constant(KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(value));
}
// Names in the cache: all that are not in use; Linux's further numbers (age limit, wanted, negative) have no like here.
Result<void> show_dentry_state(KString& out) {
    const u32 unused = Dentry::unused_count();
    return out.appendf("%u\t%u\t45\t0\t0\t0\n", unused, unused);
}

constexpr ProcEntry kRandom[] = {
    {"boot_id", S_IFREG | 0444, show_boot_id},
    {"entropy_avail", S_IFREG | 0444, show_constant<256>},  // bits: the generator is seeded at boot
    {"poolsize", S_IFREG | 0444, show_constant<256>},
    {"uuid", S_IFREG | 0444, show_uuid},
    {nullptr, 0},
};
constexpr ProcEntry kKernel[] = {
    {"cap_last_cap", S_IFREG | 0444, show_constant<kCapLast>},
    {"core_pattern", S_IFREG | 0644, show_core_pattern, set_core_pattern},
    {"core_uses_pid", S_IFREG | 0644, show_number<core_uses_pid>, store_number<core_uses_pid, 1>},
    {"domainname", S_IFREG | 0644, show_domainname, store_domainname},
    {"hostname", S_IFREG | 0644, show_hostname, store_hostname},
    ipc_entry<&IpcNamespace::msgmax, 0x7fffffff>("msgmax"),
    ipc_entry<&IpcNamespace::msgmnb, 0x7fffffff>("msgmnb"),
    ipc_entry<&IpcNamespace::msgmni, kIpcMaxIndex>("msgmni"),
    {"ngroups_max", S_IFREG | 0444, show_constant<65536>},
    {"osrelease", S_IFREG | 0444, show_osrelease},
    {"ostype", S_IFREG | 0444, show_ostype},
    {"overflowgid", S_IFREG | 0444, show_constant<65534>},
    {"overflowuid", S_IFREG | 0444, show_constant<65534>},
    {"pid_max", S_IFREG | 0444, show_pid_max},
    {"printk", S_IFREG | 0644, show_printk, store_printk},
    {"random", S_IFDIR | 0555, nullptr, nullptr, kRandom},
    {"randomize_va_space", S_IFREG | 0644, show_number<randomize_va_space>,
     store_number<randomize_va_space, 2>},
    {"sched_rt_period_us", S_IFREG | 0644, show_rt_period, store_rt_period},
    {"sched_rt_runtime_us", S_IFREG | 0644, show_rt_runtime, store_rt_runtime},
    {"sem", S_IFREG | 0444, show_sem},
    ipc_entry<&IpcNamespace::shmall, ~0ull>("shmall"),
    ipc_entry<&IpcNamespace::shmmax, ~0ull>("shmmax"),
    ipc_entry<&IpcNamespace::shmmni, kIpcMaxIndex>("shmmni"),
    {"tainted", S_IFREG | 0444, show_constant<0>},
    {"unprivileged_userns_clone", S_IFREG | 0644, show_number<unprivileged_userns_clone>,
     store_number<unprivileged_userns_clone>},
    {"version", S_IFREG | 0444, show_version},
    {nullptr, 0},
};

constexpr ProcEntry kInotify[] = {
    {"max_queued_events", S_IFREG | 0644, show_number<inotify_max_queued_events>,
     store_number<inotify_max_queued_events>},
    {"max_user_instances", S_IFREG | 0644, show_number<inotify_max_user_instances>,
     store_number<inotify_max_user_instances>},
    {"max_user_watches", S_IFREG | 0644, show_number<inotify_max_user_watches>,
     store_number<inotify_max_user_watches>},
    {nullptr, 0},
};
constexpr ProcEntry kMqueue[] = {
    {"msg_max", S_IFREG | 0644, show_number<mqueue_msg_max>, store_number<mqueue_msg_max, 65536>},
    {"msgsize_max", S_IFREG | 0644, show_number<mqueue_msgsize_max>,
     store_number<mqueue_msgsize_max, 16 << 20>},
    {"queues_max", S_IFREG | 0644, show_number<mqueue_queues_max>, store_number<mqueue_queues_max>},
    {nullptr, 0},
};
constexpr ProcEntry kFs[] = {
    {"dentry-state", S_IFREG | 0444, show_dentry_state},
    {"file-max", S_IFREG | 0444, show_file_max},
    {"mqueue", S_IFDIR | 0555, nullptr, nullptr, kMqueue},
    {"inotify", S_IFDIR | 0555, nullptr, nullptr, kInotify},
    {"pipe-max-size", S_IFREG | 0444, show_pipe_max},
    {nullptr, 0},
};

}  // namespace

const ProcEntry kProcSysEntries[] = {
    {"fs", S_IFDIR | 0555, nullptr, nullptr, kFs},
    {"kernel", S_IFDIR | 0555, nullptr, nullptr, kKernel},
    {"user", S_IFDIR | 0555, nullptr, nullptr, kProcSysUserEntries},
    {"vm", S_IFDIR | 0555, nullptr, nullptr, kProcSysVmEntries},
    {nullptr, 0},
};
