#include "emulator/machine/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace orrery {

namespace {

// To be written as it is: what is there is no regular file, or may be somebody's open one (/dev/stdout).
bool is_direct(const std::string& path) {
    struct stat there;
    if (path.starts_with("/dev/") || path.starts_with("/proc/")) return true;
    return stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode);
}

// The permissions that open() would give a new file.
mode_t new_mode() {
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path), name_(path) {
    if (is_direct(path)) {
        file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (file_ < 0) fail(errno);
        return;
    }
    std::error_code missing;
    const std::filesystem::path real = std::filesystem::canonical(path, missing);
    if (!missing) name_ = real.string();
    struct stat there;
    const bool exists = stat(name_.c_str(), &there) == 0;
    if (exists && access(name_.c_str(), W_OK) != 0) fail(errno);
    part_ = name_ + ".XXXXXX";
    file_ = mkostemp(part_.data(), O_CLOEXEC);
    if (file_ < 0) {
        part_.clear();
        fail(errno);
    }
    // Not to be relied on: some file systems have no permissions.
    if (fchmod(file_, exists ? there.st_mode & 07777 : new_mode()) != 0) errno = 0;
}

OutputFile::~OutputFile() {
    if (file_ >= 0) close(file_);
    if (!part_.empty()) unlink(part_.c_str());
}

void OutputFile::fail(int error) const {
    throw OutputError(path_ + ": cannot be written: " + std::strerror(error));
}

void OutputFile::write(std::span<const u8> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail(count < 0 ? errno : ENOSPC);
        bytes = bytes.subspan(static_cast<size_t>(count));
    }
}

void OutputFile::write(std::string_view text) {
    write(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

void OutputFile::commit() {
    const int file = std::exchange(file_, -1);
    if (close(file) != 0) fail(errno);
    if (part_.empty()) return;
    if (rename(part_.c_str(), name_.c_str()) != 0) fail(errno);
    part_.clear();
}

void OutputFile::check(const std::string& path) {
    if (!is_direct(path)) return static_cast<void>(OutputFile(path));
    if (access(path.c_str(), F_OK) == 0 && access(path.c_str(), W_OK) != 0)
        throw OutputError(path + ": cannot be written: " + std::strerror(errno));
    struct stat there;
    if (stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode))
        throw OutputError(path + ": cannot be written: " + std::strerror(EISDIR));
}

}  // namespace orrery
