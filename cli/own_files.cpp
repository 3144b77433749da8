#include "cli/own_files.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "cli/guest_options.h"

namespace orrery {

namespace {

bool readable(const std::string& path) {
    return access(path.c_str(), R_OK) == 0;
}

std::string program_directory() {
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return ".";
    const std::string program(path, static_cast<size_t>(length));
    return program.substr(0, program.rfind('/'));
}

std::string maker() {
    return program_directory() + "/../share/orrery/images/make-images";
}

bool is_installed() {
    return readable(maker());
}

// The folder for what is made: images/linux/… and images/debian.img are below it. "" where the user has no home.
std::string made_directory() {
    if (!is_installed()) return program_directory();
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache == '/') return std::string(cache) + "/orrery";
    const char* home = std::getenv("HOME");
    return home != nullptr && *home == '/' ? std::string(home) + "/.cache/orrery" : "";
}

// Runs the maker with its output on our standard error; returns whether it has ended well.
bool make(const std::string& what, const std::string& directory) {
    fmt::print(stderr, "orrery: making {}, once, in {}…\n", what, directory);
    std::string program = maker(), word = what, folder = directory;
    char* const arguments[] = {program.data(), word.data(), folder.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t child = 0;
    const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    return error == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The path of what `make-images WHAT` leaves under `name`, made now where it can be.
std::string made(const char* option, const std::string& what, const std::string& name, const char* target) {
    const std::string directory = made_directory();
    if (directory.empty())
        throw UsageError(fmt::format("{}: HOME is not set: where may images be kept?", option));
    std::string path = directory + "/" + name;
    if (readable(path)) return path;
    if (!is_installed())
        throw UsageError(fmt::format("{}: {} is not there: build the target {}", option, path, target));
    if (!make(what, directory) || !readable(path))
        throw UsageError(fmt::format("{}: {} could not be made", option, path));
    return path;
}

}  // namespace

std::string own_file(const std::string& name) {
    return program_directory() + (is_installed() ? "/../share/orrery/" : "/") + name;
}

std::string linux_images() {
    const std::string kernel =
        made("--linux", "linux", "images/linux/bzImage", "linux-images (./run --linux)");
    return kernel.substr(0, kernel.rfind('/'));
}

std::string linux_images_if_made() {
    return made_directory() + "/images/linux";
}

std::string debian_disk() {
    return made("--disk @debian", "debian", "images/debian.img", "debian-image");
}

std::vector<std::string> image_directories() {
    const std::string own = own_file("guest-kernel.elf");
    return {own.substr(0, own.rfind('/')), made_directory()};
}

std::string source_directory() {
    const std::string above = is_installed() ? own_file("") : program_directory() + "/..";
    return readable(above + "/guest-kernel") ? above : "";
}

}  // namespace orrery
