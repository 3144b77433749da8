// Random changes of a tree under /mnt, made through the VFS and in a model beside it. Include after shim.h.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/kernel/ext4_disk.h"

namespace ext4_test {

/// A generator of its own: the same numbers everywhere.
class Dice {
  public:
    explicit Dice(u32 seed) : state_(seed * 2654435761u + 1) {}
    u32 roll(u32 below) {
        state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
        return static_cast<u32>(state_ >> 33) % below;
    }

  private:
    u64 state_;
};

class Workload {
  public:
    /// Called when a file's content is promised to survive ("path", "content"), and when that ends ("path").
    std::function<void(const std::string&, const std::string&)> promised;
    std::function<void(const std::string&)> broken;

    explicit Workload(u32 seed) : dice_(seed) { dirs_.push_back("/mnt"); }

    void step() {
        switch (dice_.roll(15)) {
            case 0:
            case 1:
            case 2:
                return create();
            case 3:
            case 4:
                return write_part();
            case 5:
                return truncate();
            case 6:
                return rename();
            case 7:
                return remove();
            case 8:
                return link();
            case 9:
                return make_dir();
            case 10:
                return remove_dir();
            case 11:
                return symlink();
            case 12:
                return sync_file();
            case 13:
                return punch();
            default:
                return attribute();
        }
    }

    /// Is the tree what the model says?
    void check() {
        for (const auto& [path, data] : files_) {
            INFO(path);
            CHECK((read_file(path) == *data));
        }
        for (const auto& [path, target] : links_) {
            INFO(path);
            CHECK(lookup_at(AT_FDCWD, path.c_str(), 0).value().inode().readlink().value() == target.c_str());
        }
        for (const auto& [path, value] : attributes_) {
            char text[300];
            Result<size_t> got = lookup_at(AT_FDCWD, path.c_str(), 0)
                                     .value()
                                     .inode()
                                     .getxattr("user.note", text, sizeof(text));
            INFO(path);
            CHECK((got.ok() && std::string(text, got.value()) == value));
        }
        std::map<std::string, size_t> entries;
        for (const std::string& dir : dirs_) entries[dir] = dir == "/mnt" ? 3 : 2;
        const auto count = [&](const std::string& path) { entries[path.substr(0, path.rfind('/'))]++; };
        for (const auto& f : files_) count(f.first);
        for (const auto& l : links_) count(l.first);
        for (const std::string& dir : dirs_) {
            if (dir != "/mnt") count(dir);
        }
        for (const auto& [dir, n] : entries) {
            INFO(dir);
            CHECK(shim::list_dir(dir.c_str()).size() == n);
        }
    }

    static std::string read_file(const std::string& path) { return shim::read_file(path.c_str()); }

  private:
    using Data = std::shared_ptr<std::string>;

    std::string fresh_name() {
        const std::string& dir = dirs_[dice_.roll(static_cast<u32>(dirs_.size()))];
        std::string name = dir + "/f" + std::to_string(counter_++);
        if (dice_.roll(4) == 0) name += std::string(dice_.roll(120), 'n');
        return name;
    }
    const std::string* some_file() {
        if (files_.empty()) return nullptr;
        auto it = files_.begin();
        std::advance(it, dice_.roll(static_cast<u32>(files_.size())));
        return &it->first;
    }
    std::string bytes(size_t size) {
        std::string text(size, '\0');
        for (char& c : text) c = static_cast<char>('a' + dice_.roll(26));
        return text;
    }
    void changed(const std::string& path) {
        if (!broken) return;
        for (const auto& [other, data] : files_) {
            if (data == files_[path]) broken(other);
        }
    }
    void create() {
        const std::string path = fresh_name();
        const std::string text = bytes(dice_.roll(3) == 0 ? dice_.roll(60000) : dice_.roll(3000));
        const Errno made = shim::make_file(path.c_str(), text);
        if (made == Errno::ENOSPC) {
            (void)vfs_unlink(AT_FDCWD, path.c_str());
            return;
        }
        REQUIRE(made == Errno::OK);
        files_[path] = std::make_shared<std::string>(text);
    }
    void write_part() {
        const std::string* path = some_file();
        if (!path) return;
        std::string& data = *files_[*path];
        changed(*path);
        const size_t at = dice_.roll(static_cast<u32>(data.size() + 20000));
        const std::string text = bytes(1 + dice_.roll(9000));
        RefPtr<File> file = vfs_open(path->c_str(), O_WRONLY, 0).release_value();
        loff_t pos = static_cast<loff_t>(at);
        Result<size_t> n = kernel_write(*file, text.data(), text.size(), pos);
        if (!n.ok()) {
            REQUIRE(n.error() == Errno::ENOSPC);
            return;
        }
        if (data.size() < at + n.value()) data.resize(at + n.value());
        data.replace(at, n.value(), text, 0, n.value());
    }
    void truncate() {
        const std::string* path = some_file();
        if (!path) return;
        changed(*path);
        const size_t size = dice_.roll(40000);
        REQUIRE(vfs_truncate(lookup_at(AT_FDCWD, path->c_str(), 0).value(), size).ok());
        files_[*path]->resize(size);
    }
    void rename() {
        const std::string* found = some_file();
        if (!found) return;
        const std::string from = *found;
        const std::string* other = dice_.roll(3) == 0 ? some_file() : nullptr;
        const std::string to = other ? *other : fresh_name();
        if (from == to || (other && files_[from] == files_[to])) return;
        if (broken) broken(from), broken(to);
        REQUIRE(vfs_rename(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0).ok());
        files_[to] = files_[from];
        files_.erase(from);
        attributes_.erase(to);
        if (attributes_.count(from)) attributes_[to] = attributes_[from];
        attributes_.erase(from);
    }
    void remove() {
        const std::string* found = some_file();
        if (!found) return;
        const std::string path = *found;
        if (broken) broken(path);
        REQUIRE(vfs_unlink(AT_FDCWD, path.c_str()).ok());
        files_.erase(path);
        attributes_.erase(path);
    }
    void link() {
        const std::string* found = some_file();
        if (!found) return;
        const std::string from = *found, to = fresh_name();
        if (attributes_.count(from)) return;
        REQUIRE(vfs_link(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0).ok());
        files_[to] = files_[from];
    }
    void make_dir() {
        if (dirs_.size() > 12) return;
        const std::string path = fresh_name();
        REQUIRE(vfs_mkdir(AT_FDCWD, path.c_str(), 0755).ok());
        dirs_.push_back(path);
    }
    void remove_dir() {
        if (dirs_.size() < 2) return;
        const size_t at = 1 + dice_.roll(static_cast<u32>(dirs_.size() - 1));
        const Errno done = shim::error_of(vfs_rmdir(AT_FDCWD, dirs_[at].c_str()));
        REQUIRE((done == Errno::OK || done == Errno::ENOTEMPTY));
        if (done == Errno::OK) dirs_.erase(dirs_.begin() + static_cast<long>(at));
    }
    void symlink() {
        const std::string path = fresh_name();
        const std::string target = bytes(1 + dice_.roll(200));
        REQUIRE(vfs_symlink(target.c_str(), AT_FDCWD, path.c_str()).ok());
        links_[path] = target;
    }
    void sync_file() {
        const std::string* path = some_file();
        if (!path) return;
        RefPtr<File> file = vfs_open(path->c_str(), O_RDWR, 0).release_value();
        const Errno done = shim::error_of(file->sync(dice_.roll(2) == 0));
        REQUIRE(done == Errno::OK);
        if (promised) promised(*path, *files_[*path]);
    }
    void punch() {
        const std::string* path = some_file();
        if (!path) return;
        std::string& data = *files_[*path];
        if (data.size() < 100) return;
        changed(*path);
        const size_t from = dice_.roll(static_cast<u32>(data.size()));
        const size_t length = 1 + dice_.roll(static_cast<u32>(data.size() - from));
        RefPtr<File> file = vfs_open(path->c_str(), O_RDWR, 0).release_value();
        REQUIRE(file->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<loff_t>(from),
                               static_cast<loff_t>(length))
                    .ok());
        data.replace(from, length, length, '\0');
        if (dice_.roll(2) == 0) {
            const Errno given = shim::error_of(
                file->allocate(FALLOC_FL_KEEP_SIZE, static_cast<loff_t>(from), static_cast<loff_t>(length)));
            REQUIRE((given == Errno::OK || given == Errno::EOPNOTSUPP || given == Errno::ENOSPC));
        }
    }
    void attribute() {
        const std::string* path = some_file();
        if (!path) return;
        for (const auto& [other, data] : files_) {
            if (other != *path && data == files_[*path]) return;  // a second name would have it too
        }
        const std::string value = bytes(dice_.roll(250));
        const Path place = lookup_at(AT_FDCWD, path->c_str(), 0).release_value();
        MutexGuard guard(place.inode().lock);
        const Errno done = shim::error_of(place.inode().setxattr("user.note", value.data(), value.size(), 0));
        REQUIRE((done == Errno::OK || done == Errno::ENOSPC));
        if (done == Errno::OK) attributes_[*path] = value;
    }

    Dice dice_;
    std::vector<std::string> dirs_;
    std::map<std::string, Data> files_;
    std::map<std::string, std::string> links_;
    std::map<std::string, std::string> attributes_;
    u32 counter_ = 0;
};

}  // namespace ext4_test
