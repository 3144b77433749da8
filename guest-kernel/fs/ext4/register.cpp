// ext4 as mount(2) sees it, and the commits that nobody asks for.
#include "fs/ext4/register.h"

#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4.h"
#include "fs/writeback.h"
#include "time/clock.h"

namespace {

/// The mounted instances. A bare list of pointers under a sleeping lock: an instance leaves it before it dies.
struct Instances {
    Vec<Ext4Super*> all;
};
Guarded<Instances, LockRank::kExt4Instances> g_instances;

template <const char* const& type>
Result<RefPtr<SuperBlock>> mount_device(BlockDevice& device, u64 flags, const char* options) {
    return Ext4Super::mount(type, RefPtr<BlockDevice>(&device), (flags & MS_RDONLY) != 0, options);
}

constexpr const char* kExt4 = "ext4";
constexpr const char* kExt3 = "ext3";
constexpr const char* kExt2 = "ext2";

Result<RefPtr<SuperBlock>> no_device(const char*, const char*) {
    return Errno::ENODEV;
}

FileSystemType g_types[] = {{kExt3, false, no_device, nullptr, mount_device<kExt3>},
                            {kExt2, false, no_device, nullptr, mount_device<kExt2>},
                            {kExt4, false, no_device, nullptr, mount_device<kExt4>}};

/// Commits every instance whose time has come.
u64 commit_turn() {
    const u64 now = ktime_get_ns();
    u64 next = now + u64{Ext4Options::kDefaultCommit} * kNsPerSec;
    const auto instances = g_instances.lock();
    for (Ext4Super* super : instances->all) next = min(next, super->commit_if_due(now));
    return next > now ? next - now : 1;
}
FlusherWork g_commits = {commit_turn, nullptr};

}  // namespace

Result<void> Ext4Super::enter_instance() {
    const auto instances = g_instances.lock();
    TRY(instances->all.push(this));
    entered_ = true;
    return {};
}

void Ext4Super::leave_instances() {
    if (!entered_) return;
    const auto instances = g_instances.lock();
    for (size_t i = 0; i < instances->all.size(); i++) {
        if (instances->all[i] != this) continue;
        instances->all.erase(i);
        break;
    }
    entered_ = false;
}

/// Commits a transaction that is older than commit= says. When it should be looked at again.
u64 Ext4Super::commit_if_due(u64 now) {
    const u64 interval = u64{options.commit_seconds} * kNsPerSec;
    if (now - last_commit_ns_ >= interval) {
        last_commit_ns_ = now;
        (void)commit();
    }
    return last_commit_ns_ + interval;
}

void init_ext4() {
    init_checksums();
    for (FileSystemType& type : g_types) register_filesystem(&type);
    register_flusher_work(&g_commits);
}
