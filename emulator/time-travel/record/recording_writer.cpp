#include "emulator/time-travel/record/recording_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace orrery {

namespace {

// Where a resource limit, and no full disk, ends the file, the host sends a signal besides.
void bear_file_size_limit() {
    struct sigaction present {};
    if (sigaction(SIGXFSZ, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
        present.sa_handler = SIG_IGN;
        sigaction(SIGXFSZ, &present, nullptr);
    }
}

}  // namespace

RecordingWriter::RecordingWriter(const std::string& path, const std::string& header)
    : path_(path), part_(path + ".part"), file_(-1) {
    struct stat there;
    if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
        throw RecordingError(path + ": cannot be recorded to: it is not a regular file");
    bear_file_size_limit();
    file_ = open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno == ENOSPC || errno == EDQUOT)) {
        fail(errno);
        return;
    }
    if (file_ < 0) throw RecordingError(path + ": cannot be recorded to: " + std::strerror(errno));
    std::vector<u8> magic(kRecordingMagic, kRecordingMagic + sizeof kRecordingMagic);
    magic.push_back(kRecordingVersion);
    write(magic);
    put(BlockKind::Header, {reinterpret_cast<const u8*>(header.data()), header.size()});
}

RecordingWriter::~RecordingWriter() {
    if (file_ >= 0) close(file_);
    if (!part_.empty()) unlink(part_.c_str());
}

void RecordingWriter::fail(int error) {
    error_ = path_ + ": " + std::strerror(error);
    error_ += part_.empty() ? ": the recording ends here" : ": nothing is recorded";
    if (file_ < 0) return;
    if (part_.empty() && ftruncate(file_, static_cast<off_t>(size_)) != 0)
        error_ += " (and its last block is not whole)";
    close(file_);
    file_ = -1;
    if (!part_.empty()) unlink(part_.c_str());
    part_.clear();
}

void RecordingWriter::write(std::span<const u8> bytes) {
    if (file_ < 0) return;
    std::span<const u8> rest = bytes;
    while (!rest.empty()) {
        const ssize_t count = ::write(file_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail(count < 0 ? errno : ENOSPC);
        rest = rest.subspan(static_cast<size_t>(count));
    }
    size_ += bytes.size();
}

void RecordingWriter::put(BlockKind kind, std::span<const u8> body) {
    if (file_ >= 0) write(seal_block(kind, number_++, body));
}

void RecordingWriter::image(u32 index, u64 offset, std::span<const u8> bytes) {
    put(BlockKind::Image, BodyWriter().number(index).number(offset).raw(bytes).take());
}

void RecordingWriter::begin() {
    put(BlockKind::Begin, {});
    if (file_ < 0) return;
    if (rename(part_.c_str(), path_.c_str()) != 0) return fail(errno);
    part_.clear();
}

void RecordingWriter::components(const std::vector<std::string>& names) {
    BodyWriter body;
    for (const std::string& name : names) body.text(name);
    put(BlockKind::Components, body.take());
}

void RecordingWriter::input(unsigned run, const LoggedInput& input) {
    put(BlockKind::Input, BodyWriter()
                              .number(run)
                              .moment(input.moment)
                              .number(input.cpu)
                              .text(input.device)
                              .bytes(input.data)
                              .take());
}

void RecordingWriter::link(unsigned run, const ChainLink& link) {
    BodyWriter body;
    body.number(run).moment(link.moment).number(link.digest);
    for (const u32 component : link.components) body.number(component);
    put(BlockKind::Link, body.take());
}

void RecordingWriter::branch(unsigned run, unsigned parent, Moment fork, u64 inherited) {
    put(BlockKind::Branch, BodyWriter().number(run).number(parent).moment(fork).number(inherited).take());
}

void RecordingWriter::present(unsigned run) {
    put(BlockKind::Present, BodyWriter().number(run).take());
}

void RecordingWriter::bookmark(const RecordedBookmark& bookmark, bool add) {
    put(add ? BlockKind::Bookmark : BlockKind::Unmark,
        BodyWriter().number(bookmark.run).moment(bookmark.moment).text(bookmark.note).take());
}

void RecordingWriter::end(unsigned run, const RecordedEnd& end) {
    put(BlockKind::End, BodyWriter()
                            .number(run)
                            .moment(end.moment)
                            .number(end.reason)
                            .number(end.exit_code)
                            .number(end.status)
                            .take());
}

}  // namespace orrery
