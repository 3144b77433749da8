// The host under the kernel's portable parts: one task, a clock that tests move, sleeping that tests resolve,
// and a record of the signals that were sent.
//
// Include this before any other kernel header in a test (it brings Catch2).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/catch.h"

#include "core/errno.h"
#include "core/result.h"
#include "fs/file.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/vfs.h"
#include "task/task.h"

namespace shim {

struct Sent {
    int group;  ///< the group it went to, or 0
    int pid;    ///< the process it went to, or 0
    int signal;
    bool operator==(const Sent& o) const { return group == o.group && pid == o.pid && signal == o.signal; }
};

/// A fresh task 100 (session and group 100, root, umask 022, nothing open) on a fresh tree: once per test.
class World {
  public:
    World();
    ~World();
};

task_struct& task();
std::vector<Sent>& signals();
/// What sleeping means: called when the task would sleep; it makes the event happen (and returns true), or
/// returns false when nothing ever will, which fails the test by a signal (ERESTARTSYS) or a time-out.
void on_sleep(std::function<bool()> action);
/// Makes the current task look interrupted.
void interrupt(bool on);
void advance_clock(u64 ns);
/// Addresses in [start, end) fault for programs.
void fault_at(const void* start, const void* end);
size_t pages_in_use();
/// Job control's answers.
struct JobControl {
    bool orphaned = false;
    bool blocked_or_ignored = false;
    bool group_in_session = true;
};
JobControl& job_control();

// Convenience for tests.
Errno make_file(const char* path, const std::string& text, u32 mode = 0644);
std::string read_file(const char* path);
std::vector<std::string> list_dir(const char* path);
template <class T>
Errno error_of(Result<T>&& r) {
    return r.ok() ? Errno::OK : r.error();
}
template <class T>
u64 address(T* p) {
    return reinterpret_cast<u64>(p);
}

}  // namespace shim

/// Catch2 prints errno values by number.
inline std::ostream& operator<<(std::ostream& out, Errno e) {
    return out << "errno " << static_cast<int>(e);
}
