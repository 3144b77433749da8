#include "emulator/machine/boot/boot_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "emulator/machine/boot/boot_error.h"

namespace orrery {

namespace {

// Closes a file descriptor at the end of its scope.
struct File {
    explicit File(int opened) : fd(opened) {}
    ~File() {
        if (fd >= 0) close(fd);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd;
};

[[noreturn]] void fail(const std::string& path, const char* why) {
    throw BootError(path + ": " + why);
}

}  // namespace

BootImage read_boot_image(const std::string& path) {
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.fd < 0) fail(path, std::strerror(errno));
    struct stat status;
    if (fstat(file.fd, &status) != 0) fail(path, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) fail(path, "is a directory");
    if (!S_ISREG(status.st_mode)) fail(path, "is not a regular file");
    if (status.st_size == 0) fail(path, "is empty");
    BootImage image{path, std::vector<u8>(static_cast<size_t>(status.st_size))};
    size_t done = 0;
    while (done < image.bytes.size()) {
        const ssize_t count = read(file.fd, image.bytes.data() + done, image.bytes.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(path, std::strerror(errno));
        if (count == 0) fail(path, "became shorter while it was read");
        done += static_cast<size_t>(count);
    }
    return image;
}

}  // namespace orrery
