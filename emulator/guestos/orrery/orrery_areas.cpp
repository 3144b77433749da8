// The areas of an address space, with the paths of their files.
#include <fmt/format.h>

#include "emulator/guestos/orrery/orrery_os.h"

namespace orrery {
namespace {

constexpr unsigned kMaxDepth = 256;  // of directories and mounts: guest data may be damaged

}  // namespace

// "/bin/busybox": up the directories, and where a file system's root is reached, on from the place where it
// is mounted.
std::string OrreryOs::path_text(const GuestMemory& memory, u64 file) const {
    std::string text;
    u64 mount = paths_.file_mount.value(memory, file);
    u64 dentry = paths_.file_dentry.value(memory, file);
    for (unsigned depth = 0; depth < kMaxDepth && dentry != 0; ++depth) {
        if (mount != 0 && paths_.mount_root.value(memory, mount) == dentry) {
            dentry = paths_.mount_on_dentry.value(memory, mount);
            mount = paths_.mount_on_mount.value(memory, mount);
            continue;
        }
        const u64 parent = paths_.dentry_parent.value(memory, dentry);
        const std::string name = paths_.dentry_name.text(memory, dentry, 256);
        if (parent == 0) return text.empty() ? name : name == "/" ? text : name + text;
        text = fmt::format("/{}{}", name, text);
        dentry = parent;
    }
    return text.empty() ? "/" : text;
}

AreaInfo OrreryOs::area(const GuestMemory& memory, u64 area, u64 space) const {
    AreaInfo info;
    info.start = paths_.area_start.value(memory, area);
    info.end = paths_.area_end.value(memory, area);
    const u64 flags = paths_.area_flags.value(memory, area);
    info.read = (flags & paths_.readable.value()) != 0;
    info.write = (flags & paths_.writable.value()) != 0;
    info.execute = (flags & paths_.executable.value()) != 0;
    info.shared = (flags & paths_.shared.value()) != 0;
    if (const u64 file = paths_.area_file.value(memory, area); file != 0) {
        info.offset = paths_.area_page_offset.value(memory, area) * 4096;
        try {
            info.name = path_text(memory, file);
        } catch (const GuestReadError& error) {
            info.name = fmt::format("? ({})", error.what());
        }
        return info;
    }
    const u64 heap_start = paths_.space_heap_start.value(memory, space);
    const u64 heap_end = paths_.space_heap_end.value(memory, space);
    const u64 stack = paths_.space_stack.value(memory, space);
    if (heap_start != heap_end && info.start <= heap_end && info.end > heap_start)
        info.name = "[heap]";
    else if (info.start <= stack && stack <= info.end)
        info.name = "[stack]";
    return info;
}

std::vector<AreaInfo> OrreryOs::areas(const GuestMemory& memory, u64 space, std::string* problem) const {
    std::vector<AreaInfo> areas;
    try {
        const bool whole =
            for_each_listed(memory, paths_.space_areas.address(memory, space), paths_.area_link,
                            [&](u64 address) { areas.push_back(area(memory, address, space)); });
        if (!whole) throw GuestReadError("the list of areas is damaged");
    } catch (const GuestReadError& error) {
        if (problem != nullptr) *problem = error.what();
    }
    return areas;
}

}  // namespace orrery
