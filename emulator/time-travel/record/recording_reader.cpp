#include "emulator/time-travel/record/recording_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "emulator/time-travel/record/recording_blocks.h"

namespace orrery {

namespace {

constexpr size_t kMagic = sizeof kRecordingMagic + 1;
constexpr u32 kMostImages = 64;  // a kernel, its initrd or modules, disks, files for fw_cfg

// A file as it was when it was opened: one that is still being written may grow meanwhile.
class File {
  public:
    explicit File(const std::string& path)
        : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        struct stat status {};
        if (fd_ < 0 || fstat(fd_, &status) != 0) fail(std::strerror(errno));
        if (S_ISDIR(status.st_mode)) fail("is a directory");
        if (!S_ISREG(status.st_mode)) fail("is not a regular file");
        size_ = static_cast<u64>(status.st_size);
    }
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    u64 size() const { return size_; }
    // As many bytes as there are, up to `count`.
    std::vector<u8> read(u64 position, u64 count) const {
        std::vector<u8> bytes(position < size_ ? std::min(count, size_ - position) : 0);
        size_t done = 0;
        while (done < bytes.size()) {
            const ssize_t got =
                pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(position + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) throw RecordingError(path_ + ": " + std::strerror(errno));
            if (got == 0) break;
            done += static_cast<size_t>(got);
        }
        bytes.resize(done);
        return bytes;
    }

  private:
    [[noreturn]] void fail(const char* why) {
        const std::string message = path_ + ": " + why;
        if (fd_ >= 0) close(fd_);
        throw RecordingError(message);
    }

    std::string path_;
    int fd_;
    u64 size_ = 0;
};

class Scan {
  public:
    Scan(const std::string& path, Recording& recording) : path_(path), file_(path), to_(recording) {}

    void all() {
        check_magic();
        u64 position = kMagic;
        bool whole = true;
        for (u64 number = 0; position < file_.size(); ++number) {
            const std::vector<u8> bytes = file_.read(position, kBlockHead);
            whole = bytes.size() == kBlockHead;
            if (!whole) break;
            const std::optional<BlockHead> head = open_head(bytes);
            if (!head || head->number != number || (number == 0) != (head->kind == BlockKind::Header))
                damaged(position);
            const std::vector<u8> stored = file_.read(position + kBlockHead, head->stored);
            whole = stored.size() == head->stored;
            if (!whole) break;
            if (!take(*head, position, stored)) damaged(position);
            position += kBlockHead + head->stored;
        }
        if (to_.header.empty()) throw RecordingError(path_ + ": is cut short within its header", true);
        to_.size = position;
        to_.cut_short = !whole || !to_.runs[to_.present].end;
    }

  private:
    void check_magic() const {
        const std::vector<u8> magic = file_.read(0, kMagic);
        if (magic.size() < kMagic || std::memcmp(magic.data(), kRecordingMagic, sizeof kRecordingMagic) != 0)
            throw RecordingError(path_ + ": is not a recording");
        if (magic.back() != kRecordingVersion)
            throw RecordingError(path_ + ": is a recording of format " + std::to_string(magic.back()) +
                                 ", and this program reads format " + std::to_string(kRecordingVersion));
    }
    [[noreturn]] void damaged(u64 position) const {
        throw RecordingError(path_ + ": is damaged at byte " + std::to_string(position), true);
    }

    bool take(const BlockHead& head, u64 position, std::span<const u8> stored) {
        if (head.kind == BlockKind::Image && !head.compressed) return take_image(head, position, stored);
        const std::optional<std::vector<u8>> body = open_body(head, stored);
        if (!body) return false;
        BodyReader in(*body);
        switch (head.kind) {
            case BlockKind::Header:
                to_.header.assign(body->begin(), body->end());
                to_.runs.resize(1);
                return !to_.header.empty();
            case BlockKind::Image:
                return take_image(head, position, *body);
            case BlockKind::Begin:
                to_.images_complete = true;
                return body->empty();
            case BlockKind::Components:
                while (in.good() && !in.done()) to_.components.push_back(in.text());
                return in.done();
            case BlockKind::Branch:
                return take_branch(in);
            default:
                return take_log(head.kind, in);
        }
    }

    bool take_image(const BlockHead& head, u64 position, std::span<const u8> body) {
        if (!head.compressed && !intact(head, body)) return false;
        BodyReader in(body);
        const u32 index = in.number<u32>();
        ImagePiece piece;
        piece.offset = in.number<u64>();
        if (!in.good() || index >= kMostImages || to_.images_complete) return false;
        piece.size = body.size() - sizeof(u32) - sizeof(u64);
        piece.position = position;
        piece.block = head.number;
        if (to_.images.size() <= index) to_.images.resize(index + 1);
        to_.images[index].push_back(piece);
        return true;
    }

    bool take_branch(BodyReader& in) {
        const u32 run = in.number<u32>();
        RecordedRun made;
        made.parent = in.number<u32>();
        made.fork = made.last = in.moment();
        made.inherited = in.number<u64>();
        if (!in.done() || run != to_.runs.size() || made.parent >= run) return false;
        to_.runs.push_back(std::move(made));
        to_.present = run;
        return true;
    }

    bool take_log(BlockKind kind, BodyReader& in) {
        const u32 number = in.number<u32>();
        if (!in.good() || number >= to_.runs.size()) return false;
        RecordedRun& run = to_.runs[number];
        if (kind == BlockKind::Present) {
            to_.present = number;
            return in.done();
        }
        const Moment moment = in.moment();
        if (kind == BlockKind::Bookmark || kind == BlockKind::Unmark)
            return take_bookmark(kind, {number, moment, in.text()}, in);
        // The log of a run goes forwards.
        if (!in.good() || moment < run.last) return false;
        run.last = moment;
        switch (kind) {
            case BlockKind::Input:
                return take_input(run, moment, in);
            case BlockKind::Link:
                return take_link(run, moment, in);
            case BlockKind::End: {
                RecordedEnd end{moment, in.number<u8>(), in.number<u32>(), in.number<u8>()};
                run.end = end;
                return in.done();
            }
            default:
                return false;
        }
    }

    static bool take_input(RecordedRun& run, Moment moment, BodyReader& in) {
        LoggedInput input;
        input.moment = moment;
        input.cpu = in.number<u8>();
        input.device = in.text();
        const std::span<const u8> data = in.bytes();
        input.data.assign(data.begin(), data.end());
        run.inputs.push_back(std::move(input));
        return in.done();
    }

    bool take_link(RecordedRun& run, Moment moment, BodyReader& in) const {
        ChainLink link{moment, in.number<u64>(), {}};
        for (size_t i = 0; i < to_.components.size(); ++i) link.components.push_back(in.number<u32>());
        run.links.push_back(std::move(link));
        return in.done();
    }

    bool take_bookmark(BlockKind kind, RecordedBookmark bookmark, const BodyReader& in) {
        if (kind == BlockKind::Bookmark) {
            to_.bookmarks.push_back(std::move(bookmark));
        } else {
            const auto found = std::find(to_.bookmarks.begin(), to_.bookmarks.end(), bookmark);
            if (found == to_.bookmarks.end()) return false;
            to_.bookmarks.erase(found);
        }
        return in.done();
    }

    std::string path_;
    File file_;
    Recording& to_;
};

}  // namespace

Recording read_recording(const std::string& path) {
    Recording recording;
    recording.path = path;
    Scan(path, recording).all();
    return recording;
}

void read_image_pieces(const Recording& recording, size_t image,
                       const std::function<void(u64 offset, std::span<const u8> bytes)>& take) {
    if (image >= recording.images.size()) return;
    const File file(recording.path);
    for (const ImagePiece& piece : recording.images[image]) {
        const std::optional<BlockHead> head = open_head(file.read(piece.position, kBlockHead));
        std::optional<std::vector<u8>> body;
        if (head) body = open_body(*head, file.read(piece.position + kBlockHead, head->stored));
        if (!body || body->size() < sizeof(u32) + sizeof(u64))
            throw RecordingError(recording.path + ": was changed while it was read", true);
        take(piece.offset, std::span<const u8>(*body).subspan(sizeof(u32) + sizeof(u64)));
    }
}

}  // namespace orrery
