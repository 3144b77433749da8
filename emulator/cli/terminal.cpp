#include "emulator/cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace orrery {

void StdoutSink::write(std::span<const u8> data) {
    bytes_ += data.size();
    while (good_ && !data.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, data.data(), data.size());
        if (count < 0 && errno == EINTR) continue;
        good_ = count > 0;
        if (good_) data = data.subspan(static_cast<size_t>(count));
    }
}

RawTerminal::RawTerminal() {
    active_ = true;
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &saved_) != 0) return;
    termios raw = saved_;
    cfmakeraw(&raw);
    raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

RawTerminal::~RawTerminal() {
    if (raw_) tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
}

std::vector<u8> RawTerminal::read(int milliseconds) {
    std::vector<u8> typed;
    pollfd wait{STDIN_FILENO, POLLIN, 0};
    if (!active_ || poll(&wait, 1, milliseconds) <= 0) return typed;
    u8 bytes[16];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) {
        active_ = false;
        quit_ = raw_;  // the terminal has gone
    }
    for (ssize_t i = 0; i < count; ++i) {
        const u8 byte = bytes[i];
        if (!raw_) {
            typed.push_back(byte);
        } else if (escape_) {
            escape_ = false;
            if (byte == 'x') quit_ = true;
            if (byte == 1) typed.push_back(byte);
        } else if (byte == 1) {  // Ctrl-A
            escape_ = true;
        } else {
            typed.push_back(byte);
        }
    }
    return typed;
}

}  // namespace orrery
