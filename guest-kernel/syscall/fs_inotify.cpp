// inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2).
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/inotify.h"
#include "fs/namei.h"
#include "syscall/fs_syscalls.h"

namespace {

struct Instance {
    RefPtr<File> file;
    InotifyFile* queue;
};

Result<Instance> instance_of(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    InotifyFile* queue = file->as_inotify_file();
    if (!queue) return Errno::EINVAL;
    return Instance{std::move(file), queue};
}

}  // namespace

SysResult sys_inotify_init1(int flags) {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return Errno::EINVAL;
    return long{TRY(current()->files->install(TRY(make_inotify(flags)), (flags & O_CLOEXEC) != 0))};
}

SysResult sys_inotify_init() {
    return sys_inotify_init1(0);
}

SysResult sys_inotify_add_watch(int fd, UserString path, u32 mask) {
    constexpr u32 kKnown = kInAllEvents | kInUnmount | kInQOverflow | kInIgnored | kInOnlydir |
                           kInDontFollow | kInExclUnlink | kInMaskCreate | kInMaskAdd | kInIsdir | kInOneshot;
    if ((mask & kKnown) == 0 || (mask & ~kKnown)) return Errno::EINVAL;
    TRY(get_file(fd));
    if ((mask & kInMaskAdd) && (mask & kInMaskCreate)) return Errno::EINVAL;
    const Instance instance = TRY(instance_of(fd));
    KString text = TRY(copy_path(path.address()));
    const u32 walk = (mask & kInDontFollow ? 0 : kWalkFollow) | (mask & kInOnlydir ? kWalkDirectory : 0);
    const Path place = TRY(lookup_at(AT_FDCWD, text.c_str(), walk));
    TRY(inode_permission(place.inode(), kMayRead));
    return long{TRY(instance.queue->add_watch(place.inode(), mask))};
}

SysResult sys_inotify_rm_watch(int fd, int wd) {
    const Instance instance = TRY(instance_of(fd));
    TRY(instance.queue->remove_watch(wd));
    return 0L;
}
