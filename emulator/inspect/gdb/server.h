// Where gdb attaches: a port of this host's loopback, or a Unix socket. One gdb at a time, at any time; the
// machine stops when one comes, and runs on when it leaves.
//
// Whoever runs the machine asks running() and calls run() for each slice, and serve() in between; all of it
// on one thread. When gdb reads or writes has no influence on the machine but for what it has it do.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "emulator/inspect/gdb/session.h"

namespace orrery {

// what() is one line for the user.
class GdbServerError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class GdbServer {
  public:
    // `where`: a port (0: one that is free) or, with a '/' in it, the path of a Unix socket, which is removed
    // at the end. `wait`: the machine does not run before a gdb says so. Throws GdbServerError.
    GdbServer(GdbSubject subject, const std::string& where, bool wait);
    ~GdbServer();
    GdbServer(const GdbServer&) = delete;
    GdbServer& operator=(const GdbServer&) = delete;

    // As gdb's `target remote` takes it: "localhost:1234", or the socket's path.
    const std::string& address() const { return address_; }

    bool attached() const { return session_ != nullptr; }
    // Whether the machine is to run.
    bool running() const;
    // gdb wants the machine given up.
    bool killed() const { return killed_; }

    // Looks after the sockets. Waits up to `milliseconds` (0: not at all) for something to come on them, or
    // on `also` (a file descriptor; -1: none).
    void serve(int milliseconds, int also = -1);

    // One slice, at most to `budget` instructions. `over`: the machine's run is over for good, for the reason
    // returned: gdb, where one is attached, has been told of the end and has gone on all the same.
    StopReason run(const RunLimits& slice, u64 budget, bool& over);

    // Tells an attached gdb that the run is over, as an exit status.
    void exited(int status);

  private:
    void listen_on_port(unsigned port);
    void listen_on_path(const std::string& path);
    void accept_one();
    void read_some();
    void write_some();
    void settle();
    void hang_up();

    GdbSubject subject_;
    std::string address_, path_;
    int listener_ = -1, connection_ = -1;
    std::unique_ptr<GdbSession> session_;
    bool wait_;
    bool killed_ = false;
};

}  // namespace orrery
