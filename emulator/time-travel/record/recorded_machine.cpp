#include "emulator/time-travel/record/recorded_machine.h"

#include <xxhash.h>

#include <filesystem>

#include "devices/pc_board.h"
#include "emulator/machine/boot/multiboot.h"
#include "emulator/machine/image_files.h"
#include "emulator/machine/version.h"

namespace orrery {

namespace {

std::string absolute(const std::string& path) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::absolute(path, error);
    return error ? path : found.lexically_normal().string();
}

RecordedImage describe(const std::string& role, const BootImage& file) {
    RecordedImage image;
    image.role = role;
    image.name = file.name;
    image.path = absolute(file.name);
    image.size = file.bytes.size();
    image.hash = hash_of_bytes(file.bytes);
    return image;
}

void describe_disks(Machine& machine, bool embed, RecordedMachine& to) {
    for (const auto& made : machine.board().disks()) {
        Disk& disk = made->disk();
        if (disk.mode() == Disk::Mode::ReadWrite && !embed)
            throw RecordingError(disk.image().path() +
                                 ": a run that writes a disk in place can be recorded only with --embed, "
                                 "which keeps the disk as it is now");
        RecordedImage image;
        image.role = "disk";
        image.name = disk.image().path();
        image.path = absolute(image.name);
        image.size = disk.size();
        image.hash = disk.identity();
        to.images.push_back(std::move(image));
    }
}

}  // namespace

u64 hash_of_bytes(std::span<const u8> bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

size_t RecordedMachine::find(const std::string& role) const {
    size_t i = 0;
    while (i < images.size() && images[i].role != role) ++i;
    return i;
}

RecordedMachine describe_machine(Machine& machine, const RecordingRequest& request) {
    RecordedMachine made;
    made.version = program_version();
    made.config = machine.config();
    made.command_line = request.images.command_line;
    made.arguments = request.images.arguments;
    made.extra_initrd = request.images.extra_initrd;
    made.command = request.command;
    BootImages without = request.images;
    without.extra_initrd.clear();
    const GuestFiles files = read_images(without);
    made.images.push_back(describe("kernel", files.kernel));
    if (files.initrd) made.images.push_back(describe("initrd", *files.initrd));
    for (const GuestModule& module : files.modules) {
        made.images.push_back(describe("module", module.image));
        made.images.back().text = module.text;
    }
    describe_disks(machine, request.embed, made);
    if (!request.snapshot.empty())
        made.images.push_back(describe("snapshot", read_boot_image(request.snapshot)));
    for (RecordedImage& image : made.images) image.embedded = request.embed;
    // These are small, and may never have been files.
    for (const FwCfgFile& file : made.config.test_devices.fw_cfg_files) {
        RecordedImage image = describe("file", {file.name, file.bytes});
        image.path.clear();
        image.embedded = true;
        made.images.push_back(std::move(image));
    }
    return made;
}

}  // namespace orrery
