// The areas of an address space, with the paths of their files.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/tasks.h"

namespace orrery {
namespace {

constexpr unsigned kMaxDepth = 256;  // of directories and mounts: guest data may be damaged

// What a RefPtr member points to: our kernel wraps pointers, Linux does not.
GuestObject pointee(const GuestObject& object) {
    return object.has("object_") && object.type()->kind != TypeKind::Pointer ? object["object_"] : object;
}

std::string name_text(const GuestObject& dentry) {
    return dentry["name_"]["bytes_"]["data_"].text(256);
}

// "/bin/busybox" from a Path (mount and dentry): up the directories, and where a file system's root is
// reached, on from the place where it is mounted.
std::string path_text(const GuestObject& path) {
    std::string text;
    GuestObject mount = pointee(path["mount"]);
    GuestObject dentry = pointee(path["dentry"]);
    for (unsigned depth = 0; depth < kMaxDepth && !dentry.null(); ++depth) {
        const bool at_root = !mount.null() && pointee(mount["root"]).value() == dentry.value();
        if (at_root) {
            const GuestObject place = mount["place_"];
            if (pointee(place["dentry"]).null()) break;
            dentry = pointee(place["dentry"]);
            mount = pointee(place["mount"]);
            continue;
        }
        const GuestObject parent = pointee(dentry["parent_"]);
        const std::string name = name_text(dentry);
        if (parent.null()) return text.empty() ? name : name == "/" ? text : name + text;
        text = fmt::format("/{}{}", name, text);
        dentry = parent;
    }
    return text.empty() ? "/" : text;
}

bool has_flag(const Type* flags, const char* name, u64 value) {
    for (const Enumerator& enumerator : flags->enumerators)
        if (enumerator.name == name) return (value & static_cast<u64>(enumerator.value)) != 0;
    return false;
}

}  // namespace

AreaInfo GuestTasks::area(const GuestObject& vma, const GuestObject& mm) const {
    AreaInfo area;
    area.start = vma["vm_start"].value();
    area.end = vma["vm_end"].value();
    const u64 flags = vma["vm_flags"].value();
    const Type* names = type("VmFlags");
    area.read = has_flag(names, "VM_READ", flags);
    area.write = has_flag(names, "VM_WRITE", flags);
    area.execute = has_flag(names, "VM_EXEC", flags);
    area.shared = has_flag(names, "VM_SHARED", flags);
    const GuestObject file = pointee(vma["vm_file"]);
    if (!file.null()) {
        area.offset = vma["vm_pgoff"].value() * 4096;
        try {
            area.name = path_text(file.has("path") ? file["path"] : file["f_path"]);
        } catch (const GuestReadError& error) {
            area.name = fmt::format("? ({})", error.what());
        }
        return area;
    }
    const u64 stack = mm["start_stack"].value();
    if (area.start <= mm["brk"].value() && area.end > mm["start_brk"].value() &&
        mm["start_brk"].value() != mm["brk"].value())
        area.name = "[heap]";
    else if (area.start <= stack && stack <= area.end)
        area.name = "[stack]";
    return area;
}

std::vector<AreaInfo> GuestTasks::areas(u64 mm_address, std::string* problem) const {
    std::vector<AreaInfo> areas;
    try {
        const GuestObject mm(memory_, type("mm_struct"), mm_address);
        const bool whole = for_each_listed(mm["vmas"]["head_"], type("vm_area_struct"), "node",
                                           [&](const GuestObject& vma) { areas.push_back(area(vma, mm)); });
        if (!whole) throw GuestReadError("the list of areas is damaged");
    } catch (const GuestReadError& error) {
        if (problem != nullptr) *problem = error.what();
    }
    return areas;
}

}  // namespace orrery
