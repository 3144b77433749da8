#include "emulator/machine/image_files.h"

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/multiboot.h"

namespace orrery {

GuestFiles read_images(const BootImages& images) {
    GuestFiles files;
    files.kernel = read_boot_image(images.kernel);
    if (is_multiboot(files.kernel)) {
        if (!images.extra_initrd.empty())
            throw BootError(images.kernel + ": is a multiboot kernel: it would not run the command after --");
        files.arguments = images.arguments;
        if (!images.initrd.empty()) files.modules = read_modules(images.initrd);
        return files;
    }
    files.command_line = images.command_line;
    if (images.initrd.empty()) return files;
    files.initrd = read_boot_image(images.initrd);
    append_archive(files, images.extra_initrd);
    return files;
}

void append_archive(GuestFiles& files, std::span<const u8> archive) {
    if (!files.initrd || archive.empty()) return;
    std::vector<u8>& bytes = files.initrd->bytes;
    // Each archive begins at a multiple of four bytes.
    while (bytes.size() % 4 != 0) bytes.push_back(0);
    bytes.insert(bytes.end(), archive.begin(), archive.end());
}

}  // namespace orrery
