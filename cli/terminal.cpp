#include "cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "emulator/machine/output_file.h"

namespace orrery {

void StdoutSink::write(std::span<const u8> data) {
    bytes_ += data.size();
    while (good() && !data.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, data.data(), data.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) error_ = count < 0 ? errno : ENOSPC;
        if (good()) data = data.subspan(static_cast<size_t>(count));
    }
}

void StdoutSink::check() const {
    if (!good())
        throw OutputError(std::string("standard output cannot be written: ") + std::strerror(error_));
}

namespace {

// What the terminal was before it was made raw.
std::atomic<const termios*> to_put_back = nullptr;

}  // namespace

void RawTerminal::put_back() {
    if (const termios* saved = to_put_back) tcsetattr(STDIN_FILENO, TCSANOW, saved);
}

RawTerminal::RawTerminal() {
    active_ = true;
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &saved_) != 0) return;
    termios raw = saved_;
    cfmakeraw(&raw);
    to_put_back = &saved_;
    raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

RawTerminal::~RawTerminal() {
    if (!raw_) return;
    put_back();
    to_put_back = nullptr;
}

std::vector<u8> RawTerminal::read(int milliseconds) {
    std::vector<u8> typed;
    while (active_ && typed.size() < kFifo) {
        pollfd wait{STDIN_FILENO, POLLIN, 0};
        if (poll(&wait, 1, typed.empty() ? milliseconds : 0) <= 0) break;
        u8 byte = 0;
        const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            active_ = false;
            quit_ = raw_;  // the terminal has gone
            break;
        }
        take(byte, typed);
        if (!raw_ && byte == '\n') break;
    }
    return typed;
}

void RawTerminal::take(u8 byte, std::vector<u8>& typed) {
    constexpr u8 kCtrlA = 1;
    if (!raw_) {
        typed.push_back(byte);
    } else if (escape_) {
        escape_ = false;
        if (byte == 'x') quit_ = true;
        if (byte == kCtrlA) typed.push_back(byte);
    } else if (byte == kCtrlA) {
        escape_ = true;
    } else {
        typed.push_back(byte);
    }
}

}  // namespace orrery
