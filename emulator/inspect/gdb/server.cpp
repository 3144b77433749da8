#include "emulator/inspect/gdb/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "emulator/isa/number.h"

namespace orrery {

namespace {

// While so much waits to be sent, nothing more is read.
constexpr size_t kMostUnsent = 1 << 20;

[[noreturn]] void fail(const std::string& where, const char* what) {
    throw GdbServerError(fmt::format("--gdb {}: {}: {}", where, what, std::strerror(errno)));
}

// A socket file whose server has gone is left over from one that was killed.
void remove_stale(const std::string& path, const sockaddr_un& name) {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) return;
    if (!S_ISSOCK(info.st_mode)) throw GdbServerError(fmt::format("--gdb {}: there is a file already", path));
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool alive = connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    close(probe);
    if (alive) throw GdbServerError(fmt::format("--gdb {}: somebody else listens there", path));
    unlink(path.c_str());
}

}  // namespace

GdbServer::GdbServer(GdbSubject subject, const std::string& where, bool wait)
    : subject_(std::move(subject)), wait_(wait) {
    if (where.find('/') != std::string::npos) {
        listen_on_path(where);
    } else {
        const std::optional<u64> port = parse_number(where, 65535);
        if (!port)
            throw GdbServerError(fmt::format("--gdb {}: a port from 0 to 65535, or a path with a /", where));
        listen_on_port(static_cast<unsigned>(*port));
    }
    fcntl(listener_, F_SETFL, O_NONBLOCK);
}

GdbServer::~GdbServer() {
    hang_up();
    if (listener_ >= 0) close(listener_);
    if (!path_.empty()) unlink(path_.c_str());
}

void GdbServer::listen_on_port(unsigned port) {
    const std::string where = std::to_string(port);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener_ < 0) fail(where, "no socket");
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<u16>(port));
    socklen_t size = sizeof name;
    auto* plain = reinterpret_cast<sockaddr*>(&name);
    if (bind(listener_, plain, size) != 0 || listen(listener_, 4) != 0 ||
        getsockname(listener_, plain, &size) != 0) {
        const int error = errno;
        close(listener_);
        errno = error;
        fail(where, "cannot listen");
    }
    address_ = fmt::format("localhost:{}", ntohs(name.sin_port));
}

void GdbServer::listen_on_path(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path)
        throw GdbServerError(fmt::format("--gdb {}: too long a path", path));
    std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
    remove_stale(path, name);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener_ < 0) fail(path, "no socket");
    if (bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || listen(listener_, 4) != 0) {
        const int error = errno;
        close(listener_);
        errno = error;
        fail(path, "cannot listen");
    }
    address_ = path_ = path;
}

bool GdbServer::running() const {
    if (session_ != nullptr) return session_->state() == GdbSession::State::Running;
    return !wait_ && !killed_;
}

void GdbServer::hang_up() {
    if (connection_ >= 0) close(connection_);
    connection_ = -1;
    session_.reset();
}

void GdbServer::accept_one() {
    const int came = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (came < 0) return;
    if (connection_ >= 0) {  // there is one already
        close(came);
        return;
    }
    const int on = 1;
    setsockopt(came, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a Unix socket, which has no delay
    connection_ = came;
    session_ = std::make_unique<GdbSession>(subject_);
    session_->on_poll([this] {
        write_some();
        read_some();
        return connection_ >= 0;
    });
}

void GdbServer::read_some() {
    u8 bytes[4096];
    while (connection_ >= 0 && session_->output().size() < kMostUnsent) {
        const ssize_t count = recv(connection_, bytes, sizeof bytes, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count <= 0) {  // gone without a word
            close(connection_);
            connection_ = -1;
            return;
        }
        session_->receive(std::span(bytes).first(static_cast<size_t>(count)));
    }
}

void GdbServer::write_some() {
    std::string& output = session_->output();
    while (connection_ >= 0 && !output.empty()) {
        const ssize_t count = send(connection_, output.data(), output.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count <= 0) {
            close(connection_);
            connection_ = -1;
            return;
        }
        output.erase(0, static_cast<size_t>(count));
    }
}

// Sends what there is to send, and ends the session where gdb has.
void GdbServer::settle() {
    if (session_ == nullptr) return;
    write_some();
    const GdbSession::State state = session_->state();
    if (state == GdbSession::State::Killed) killed_ = true;
    if (state != GdbSession::State::Stopped) wait_ = false;
    const bool sent = session_->output().empty();
    if (connection_ < 0 || (sent && (state == GdbSession::State::Detached || killed_))) hang_up();
}

void GdbServer::serve(int milliseconds, int also) {
    pollfd wait[3] = {{listener_, POLLIN, 0}, {connection_, POLLIN, 0}, {also, POLLIN, 0}};
    if (session_ != nullptr && !session_->output().empty())
        wait[1].events = session_->output().size() < kMostUnsent ? POLLIN | POLLOUT : POLLOUT;
    if (poll(wait, 3, milliseconds) <= 0) return;
    if (connection_ >= 0 && wait[1].revents != 0) {
        read_some();
        settle();
    }
    if (wait[0].revents != 0) accept_one();
}

StopReason GdbServer::run(const RunLimits& slice, u64 budget, bool& over) {
    if (session_ == nullptr) {
        const RunLimits limits{std::min(slice.instructions, budget), slice.ticks};
        const StopReason reason = subject_.time.machine().run(limits);
        const bool ended = reason != StopReason::Budget && reason != StopReason::Idle;
        over = ended || subject_.time.machine().spent() >= budget;
        return reason;
    }
    const StopReason reason = session_->run(slice, budget, over);
    settle();
    return reason;
}

void GdbServer::exited(int status) {
    if (session_ == nullptr) return;
    session_->exited(status);
    // gdb hears of it unless it does not listen.
    for (unsigned i = 0; i < 20 && connection_ >= 0 && !session_->output().empty(); ++i) {
        write_some();
        if (connection_ < 0 || session_->output().empty()) break;
        pollfd wait{connection_, POLLOUT, 0};
        poll(&wait, 1, 50);
    }
    hang_up();
}

}  // namespace orrery
