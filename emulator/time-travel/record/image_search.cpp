#include "emulator/time-travel/record/image_search.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "devices/image_file.h"
#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/image_files.h"
#include "emulator/time-travel/record/recording_reader.h"

namespace orrery {

namespace {

namespace fs = std::filesystem;

constexpr u64 kLargestInMemory = u64{4} << 30;  // bytes of an image that is no disk

// The places where an image may lie, the likeliest first.
std::vector<std::string> places(const RecordedImage& image, const std::vector<std::string>& directories) {
    std::vector<std::string> found;
    if (image.path.empty()) return found;
    found.push_back(image.path);
    const std::string base = fs::path(image.path).filename();
    const size_t images = image.path.rfind("/images/");
    std::vector<std::string> tails = {"/" + base, "/images/" + base};
    if (images != std::string::npos) tails.push_back(image.path.substr(images));
    for (const std::string& directory : directories)
        for (const std::string& tail : tails) found.push_back(fmt::format("{}{}", directory, tail));
    return found;
}

bool same_file(const RecordedImage& image, const std::string& path) {
    try {
        if (image.is_disk()) {
            ImageFile disk(path, false);
            return disk.size() == image.size && disk.identity() == image.hash;
        }
        std::error_code error;
        if (fs::file_size(path, error) != image.size || error) return false;
        return hash_of_bytes(read_boot_image(path).bytes) == image.hash;
    } catch (const BootError&) {
    } catch (const DiskError&) {
    }
    return false;
}

class Finder {
  public:
    Finder(const Recording& recording, const RecordedMachine& machine,
           const std::vector<std::string>& directories)
        : recording_(recording), machine_(machine), directories_(directories) {}

    // As a file. A disk that the machine writes is always a copy.
    std::string path(size_t index, FoundImages& found) const {
        if (is_embedded(index)) {
            found.holders.push_back(std::make_unique<TemporaryFile>());
            unpack(index, *found.holders.back());
            return found.holders.back()->path();
        }
        const RecordedImage& image = machine_.images[index];
        bool there = false;
        for (const std::string& place : places(image, directories_)) {
            if (same_file(image, place)) return place;
            there = there || access(place.c_str(), F_OK) == 0;
        }
        const std::string kind = image.role == "file" ? "file for fw_cfg" : image.role;
        throw RecordingError(recording_.path + ": its " + kind + " " + image.path +
                             (there ? " is not what it was when it was recorded" : " is not there"));
    }

    BootImage bytes(size_t index, FoundImages& found) const {
        const RecordedImage& image = machine_.images[index];
        BootImage read{image.name, {}};
        if (!is_embedded(index)) {
            read.bytes = read_boot_image(path(index, found)).bytes;
            return read;
        }
        if (image.size > kLargestInMemory) damaged(image);
        read.bytes.resize(image.size);
        read_image_pieces(recording_, index, [&](u64 offset, std::span<const u8> piece) {
            check(image, offset, piece.size());
            std::copy(piece.begin(), piece.end(), read.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        });
        if (hash_of_bytes(read.bytes) != image.hash) damaged(image);
        return read;
    }

  private:
    // One whose pieces did not all get into the file is looked for like any other.
    bool is_embedded(size_t index) const {
        return machine_.images[index].embedded && recording_.images_complete;
    }

    [[noreturn]] void damaged(const RecordedImage& image) const {
        throw RecordingError(recording_.path + ": is damaged: its " + image.role + " " + image.name, true);
    }

    void check(const RecordedImage& image, u64 offset, u64 size) const {
        if (offset > image.size || size > image.size - offset) damaged(image);
    }

    void unpack(size_t index, TemporaryFile& to) const {
        const RecordedImage& image = machine_.images[index];
        to.resize(image.size);
        read_image_pieces(recording_, index, [&](u64 offset, std::span<const u8> piece) {
            check(image, offset, piece.size());
            to.write(offset, piece);
        });
        if (!same_file(image, to.path())) damaged(image);
    }

    const Recording& recording_;
    const RecordedMachine& machine_;
    std::vector<std::string> directories_;
};

}  // namespace

TemporaryFile::TemporaryFile() {
    const char* directory = std::getenv("TMPDIR");
    std::string name = std::string(directory != nullptr ? directory : "/tmp") + "/orrery-XXXXXX";
    file_ = mkostemp(name.data(), 02000000 /* O_CLOEXEC */);
    if (file_ < 0) throw RecordingError(name + ": " + std::strerror(errno));
    unlink(name.c_str());
}

TemporaryFile::~TemporaryFile() {
    close(file_);
}

void TemporaryFile::resize(u64 size) {
    if (ftruncate(file_, static_cast<off_t>(size)) != 0)
        throw RecordingError(std::string("an embedded image cannot be unpacked: ") + std::strerror(errno));
}

void TemporaryFile::write(u64 offset, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0)
            throw RecordingError(std::string("an embedded image cannot be unpacked: ") +
                                 std::strerror(errno));
        offset += static_cast<u64>(count);
        bytes = bytes.subspan(static_cast<size_t>(count));
    }
}

FoundImages find_images(const Recording& recording, const RecordedMachine& machine,
                        const std::vector<std::string>& directories) {
    std::vector<std::string> all = {fs::path(recording.path).parent_path().string()};
    if (all[0].empty()) all[0] = ".";
    all.insert(all.end(), directories.begin(), directories.end());
    const Finder finder(recording, machine, all);
    FoundImages found;
    found.files.command_line = machine.command_line;
    found.files.arguments = machine.arguments;
    for (size_t i = 0; i < machine.images.size(); ++i) {
        const RecordedImage& image = machine.images[i];
        if (image.role == "kernel") {
            found.kernel = finder.path(i, found);
            found.files.kernel = {image.name, read_boot_image(found.kernel).bytes};
        } else if (image.role == "initrd") {
            found.files.initrd = finder.bytes(i, found);
        } else if (image.role == "module") {
            found.files.modules.push_back({finder.bytes(i, found), image.text});
        } else if (image.role == "file") {
            found.fw_cfg_files.push_back({image.name, finder.bytes(i, found).bytes});
        } else if (image.role == "snapshot") {
            found.snapshot = finder.path(i, found);
        } else if (image.is_disk()) {
            found.disks.push_back(finder.path(i, found));
        }
    }
    append_archive(found.files, machine.extra_initrd);
    return found;
}

}  // namespace orrery
