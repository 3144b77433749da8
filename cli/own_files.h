// Where Orrery's own files are: its kernel, the images, the kernel's sources. In a build they lie beside the program (and
// the sources above); installed, in share/orrery beside its bin/. What comes from Debian's packages, Linux's images and
// the Debian disk, an installed Orrery makes at the first use, by share/orrery/images/make-images, in the user's cache folder
// ($XDG_CACHE_HOME/orrery, else ~/.cache/orrery); in a build, targets make them.
#pragma once

#include <string>
#include <vector>

namespace orrery {

/// The path of "guest-kernel.elf" or "images/initramfs.cpio", whether it is there or not.
std::string own_file(const std::string& name);

/// The folder with bzImage, vmlinux and initramfs.cpio (docs/linux.md). Throws UsageError if they are not there and
/// cannot be made.
std::string linux_images();

/// The same folder, made or not.
std::string linux_images_if_made();

/// The Debian disk (docs/linux.md), `--disk @debian`. Throws UsageError as linux_images does.
std::string debian_disk();

/// Folders in which a recording's images may be found again.
std::vector<std::string> image_directories();

/// The folder that holds guest-kernel/ with our kernel's sources; "" if there is none.
std::string source_directory();

}  // namespace orrery
