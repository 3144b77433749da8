// What the kernel's portable parts expect of the rest of the kernel, on the host.
#include "tests/unit/kernel/shim/shim.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>

#include "arch/x86_64/percpu.h"
#include "core/kmalloc.h"
#include "core/printk.h"
#include "drivers/base/device.h"
#include "drivers/mem_devices.h"
#include "fs/hugetlbfs/hugetlbfs.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/sysfs/sysfs.h"
#include "fs/tmpfs/devtmpfs.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/buddy.h"
#include "mm/memory_object.h"
#include "mm/user_ptr.h"
#include "tty/console.h"
#include "tty/pty.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wunused-private-field"  // fields that only the real locks use
#endif

namespace {

struct State {
    task_struct task;
    RefPtr<SignalStruct> signal;
    RefPtr<SighandStruct> sighand;
    std::vector<shim::Sent> signals;
    std::function<bool()> on_sleep;
    shim::JobControl job_control;
    u64 now = 1'000'000'000;
    u64 bad_start = 0, bad_end = 0;
    bool woken = false;
};
State* g = nullptr;
size_t g_pages = 0;
std::vector<LockRank> g_held;

void rank_lock(LockRank rank, bool nested) {
    if (!g_held.empty() && (nested ? g_held.back() > rank : g_held.back() >= rank)) {
        std::fprintf(stderr, "lock rank %d taken under %d\n", int(rank), int(g_held.back()));
        std::abort();
    }
    g_held.push_back(rank);
}
void rank_unlock(LockRank rank) {
    for (size_t i = g_held.size(); i-- > 0;) {
        if (g_held[i] == rank) {
            g_held.erase(g_held.begin() + static_cast<long>(i));
            return;
        }
    }
    std::abort();
}

}  // namespace

Result<RefPtr<TmpfsInode>> make_nameless_hugetlbfs_file(unsigned, bool) {  // a host without such pages
    return Errno::ENOMEM;
}

// mm
void* kmalloc(size_t size) {
    return std::malloc(size ? size : 1);
}
void* kzalloc(size_t size) {
    return std::calloc(1, size ? size : 1);
}
void kfree(const void* memory) {
    std::free(const_cast<void*>(memory));
}
Page* alloc_page(u32) {
    Page* p = new Page;
    p->memory = static_cast<u8*>(std::calloc(1, kPageSize));
    g_pages++;
    return p;
}
void page_get(Page* page) {
    page->refcount++;
}
void page_put(Page* page) {
    if (--page->refcount > 0) return;
    std::free(page->memory);
    delete page;
    g_pages--;
}
MemoryCounts memory_counts() {
    return {16384, 8192, 0, 0, 0, 0};
}
u64 buddy_total_pages() {
    return memory_counts().total;
}
u64 buddy_free_pages() {
    return memory_counts().free;
}
void unmap_mapping_range(MemoryObject&, u64, u64, bool) {}
void write_protect_mappings(MemoryObject&, u64) {}
CpuData& this_cpu() {
    static CpuData cpu;
    return cpu;
}

namespace {
// How many of `n` bytes at `address` a program may touch.
size_t reachable(u64 address, size_t n) {
    if (address < 4096 || !access_ok(address, n)) return 0;
    if (address < g->bad_end && address + n > g->bad_start) {
        return address >= g->bad_start ? 0 : g->bad_start - address;
    }
    return n;
}
}  // namespace
size_t copy_from_user_keep(void* to, u64 from, size_t n) {
    const size_t good = reachable(from, n);
    if (good) memcpy(to, reinterpret_cast<const void*>(from), good);
    return n - good;
}
size_t copy_from_user(void* to, u64 from, size_t n) {
    const size_t left = copy_from_user_keep(to, from, n);
    memset(static_cast<u8*>(to) + (n - left), 0, left);
    return left;
}
size_t copy_to_user(u64 to, const void* from, size_t n) {
    const size_t good = reachable(to, n);
    if (good) memcpy(reinterpret_cast<void*>(to), from, good);
    return n - good;
}
size_t clear_user(u64 to, size_t n) {
    const size_t good = reachable(to, n);
    if (good) memset(reinterpret_cast<void*>(to), 0, good);
    return n - good;
}
Result<size_t> strncpy_from_user(char* to, u64 from, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (copy_from_user(to + i, from + i, 1)) return Errno::EFAULT;
        if (to[i] == '\0') return size_t{i};
    }
    return Errno::ENAMETOOLONG;
}

// core
void panic(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::vfprintf(stderr, format, args);
    va_end(args);
    std::abort();
}
void bug(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "BUG: %s at %s:%d\n", condition, file, line);
    std::abort();
}
void printk(const char* format, ...) {
    static const bool shown = std::getenv("ORRERY_SHOW_PRINTK") != nullptr;
    if (!shown) return;
    va_list args;
    va_start(args, format);
    std::vprintf(format, args);
    va_end(args);
}
bool log_read(u64, LogRecord*) {
    return false;
}
u64 log_first_sequence() {
    return 0;
}
u64 log_next_sequence() {
    return 0;
}
int console_loglevel = 7;

// time
u64 ktime_get_ns() {
    return g->now;
}
u64 ktime_get_real_ns() {
    return 1'700'000'000ull * kNsPerSec + g->now++;
}

// sync: one task, so a lock that is held is a deadlock
void SpinLock::lock() {
    BUG_ON(holder_);
    rank_lock(rank_, false);
    holder_ = 1;
}
void SpinLock::unlock() {
    BUG_ON(!holder_);
    rank_unlock(rank_);
    holder_ = 0;
}
u64 SpinLock::lock_irqsave() {
    lock();
    return 0;
}
void SpinLock::unlock_irqrestore(u64) {
    unlock();
}
void Mutex::lock() {
    BUG_ON(owner_);
    rank_lock(rank_, false);
    owner_ = current();
}
void Mutex::lock_nested() {
    BUG_ON(owner_);
    rank_lock(rank_, true);
    owner_ = current();
}
void Mutex::unlock() {
    BUG_ON(!owner_);
    rank_unlock(rank_);
    owner_ = nullptr;
}
void WaitQueue::wake_all(u32 events) {
    for (WaitEntry& e : entries_) {
        if (e.func) e.func(&e, events);
        if (e.task) g->woken = true;
    }
}
void WaitQueue::wake_one(u32 events) {
    wake_all(events);
}
void WaitQueue::add(WaitEntry* entry) {
    entries_.push_back(entry);
}
void WaitQueue::remove(WaitEntry* entry) {
    entry->node.remove();
}
void WaitQueue::prepare(WaitEntry* entry, u32) {
    if (!entry->node.linked()) entries_.push_back(entry);
}
void WaitQueue::finish(WaitEntry* entry) {
    entry->node.remove();
}
namespace wait_detail {
bool sleep_until(u64 deadline) {
    // Only what waits for a device, as a page fault does, sleeps with locks held.
    BUG_ON(!g_held.empty() && (g_held.back() < LockRank::kMm || is_spin_rank(g_held.back())));
    if (g->on_sleep && g->on_sleep()) return true;
    if (deadline != kNoTimeout) {
        g->now = max(g->now, deadline);
        return false;
    }
    g->task.work.set(kWorkSignal);  // nothing will ever come: end the wait
    return true;
}
u64 deadline_after(u64 ns) {
    return ns == kNoTimeout ? kNoTimeout : g->now + ns;
}
bool interrupted(u32 state) {
    return state == kInterruptible && signal_pending(&g->task);
}
}  // namespace wait_detail

PollWaiter::~PollWaiter() {
    for (unsigned i = 0; i < used_; i++) inline_entries_[i].queue->remove(&inline_entries_[i].wait);
}
bool PollWaiter::on_wake(WaitEntry* entry, u32) {
    static_cast<PollWaiter*>(entry->data)->triggered_ = true;
    return true;
}
void PollWaiter::add(WaitQueue& queue) {
    BUG_ON(used_ == 8);
    Entry& e = inline_entries_[used_++];
    e.queue = &queue;
    e.wait.func = on_wake;
    e.wait.data = this;
    queue.add(&e.wait);
}
Result<void> PollWaiter::wait(u64 deadline) {
    while (!triggered_) {
        if (signal_pending(&g->task)) return Errno::ERESTARTSYS;
        if (!wait_detail::sleep_until(deadline)) return Errno::ETIMEDOUT;
    }
    triggered_ = false;
    return {};
}

// sched
void cond_resched() {}

// task
SignalStruct::~SignalStruct() = default;  // no timers here
task_struct* current() {
    return &g->task;
}
bool fatal_signal_pending(const task_struct*) {
    return false;
}
void task_get(task_struct*) {}
void task_put(task_struct*) {}
// There is one PID namespace here.
pid_t global_pid(pid_t nr) {
    return nr;
}
pid_t own_view(pid_t global) {
    return global;
}
TaskRef find_task_by_vpid(pid_t pid) {
    return find_task_by_pid(pid);
}
TaskRef find_task_by_pid(pid_t pid) {
    return TaskRef(pid == g->task.pid ? &g->task : nullptr);
}
pid_t task_pgrp(const task_struct* t) {
    return t->signal->pgrp;
}
pid_t task_session(const task_struct* t) {
    return t->signal->session;
}
bool is_orphaned_pgrp(pid_t) {
    return g->job_control.orphaned;
}
bool session_has_pgrp(pid_t, pid_t) {
    return g->job_control.group_in_session;
}
void for_each_process_in_session(pid_t session, void (*visit)(task_struct*, void*), void* data) {
    if (g->signal->session == session) visit(&g->task, data);
}
Result<void> send_signal_pgrp(pid_t pgrp, int sig) {
    g->signals.push_back({pgrp, 0, sig});
    return {};
}
Result<void> send_signal_process(task_struct* t, int sig) {
    g->signals.push_back({0, t->pid, sig});
    return {};
}
bool is_signal_blocked_or_ignored(const task_struct*, int) {
    return g->job_control.blocked_or_ignored;
}
void set_temporary_sigmask(SigSet) {}
void finish_temporary_sigmask(bool) {}

namespace shim {

World::World() {
    g = new State;
    g->signal = make_ref<SignalStruct>().release_value();
    g->sighand = make_ref<SighandStruct>().release_value();
    g->task.pid = g->task.tgid = 100;
    g->task.signal = g->signal.get();
    g->task.sighand = g->sighand.get();
    g->signal->session = g->signal->pgrp = 100;
    for (RlimitPair& l : g->signal->rlimits) l = {kRlimInfinity, kRlimInfinity};
    g->signal->rlimits[kRlimitNofile] = {1024, 4096};
    static bool started = false;
    if (!started) {
        init_tmpfs();
        mount_root(rootfs_type, "mode=755");
        init_devtmpfs();
        init_devices();
        init_sysfs();
        init_mem_devices();
        init_terminals();
        init_ptys();
    }
    started = true;
    // A fresh tmpfs is this test's root.
    g->task.fs = FsStruct::make().release_value().leak();
    g->task.files = FilesStruct::make().release_value().leak();
    if (do_mount("root", "/", "tmpfs", 0, nullptr).is_error()) std::abort();
    const Path root = topmost(root_path());
    g->task.fs->set_root(root);
    g->task.fs->set_cwd(root);
}

World::~World() {
    g->task.files->unref();
    const Path root = g->task.fs->root();
    g->task.fs->set_root(root_path());
    g->task.fs->set_cwd(root_path());
    (void)detach_mount(root, true);
    g->task.fs->unref();
    g->task.cred.groups.reset();
    delete g;
    g = nullptr;
}

task_struct& task() {
    return g->task;
}
std::vector<Sent>& signals() {
    return g->signals;
}
void on_sleep(std::function<bool()> action) {
    g->on_sleep = std::move(action);
}
void interrupt(bool on) {
    g->task.work.assign(kWorkSignal, on);
}
void advance_clock(u64 ns) {
    g->now += ns;
}
void fault_at(const void* start, const void* end) {
    g->bad_start = reinterpret_cast<u64>(start);
    g->bad_end = reinterpret_cast<u64>(end);
}
size_t pages_in_use() {
    return g_pages;
}
JobControl& job_control() {
    return g->job_control;
}

Errno make_file(const char* path, const std::string& text, u32 mode) {
    Result<RefPtr<File>> file = vfs_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!file.ok()) return file.error();
    loff_t at = 0;
    if (text.empty()) return Errno::OK;
    return error_of(kernel_write(*file.value(), text.data(), text.size(), at));
}

std::string read_file(const char* path) {
    Result<RefPtr<File>> file = vfs_open(path, O_RDONLY, 0);
    if (!file.ok()) throw std::runtime_error(std::string("cannot open ") + path);
    std::string out;
    char chunk[777];
    loff_t at = 0;
    for (;;) {
        Result<size_t> n = kernel_read(*file.value(), chunk, sizeof(chunk), at);
        if (!n.ok()) throw std::runtime_error("cannot read");
        if (n.value() == 0) return out;
        out.append(chunk, n.value());
    }
}

namespace {
struct Names final : DirContext {
    std::vector<std::string> names;
    bool emit(const Name& name, u64, u8) override {
        names.emplace_back(name.text, name.length);
        return true;
    }
};
}  // namespace

std::vector<std::string> list_dir(const char* path) {
    Result<RefPtr<File>> dir = vfs_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (!dir.ok()) throw std::runtime_error("cannot open directory");
    Names names;
    names.dentry = dir.value()->path.dentry.get();
    if (dir.value()->iterate(names).is_error()) throw std::runtime_error("cannot list");
    return names.names;
}

}  // namespace shim
CallLayout call_layout() {
    return CallLayout::kNative;
}

u64 next_namespace_ino() {
    static u64 last = 0xf0000001;
    return ++last;
}
