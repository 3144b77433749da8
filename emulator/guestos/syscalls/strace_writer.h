// Prints traced calls as `strace -f` does: a call at its entry as far as it is known, its rest at the return,
// and
// "<unfinished ...>" where another task comes between.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "emulator/guestos/syscalls/syscall_log.h"

namespace orrery {

class StraceWriter : public SyscallListener {
  public:
    // `write` gets whole lines, each with its newline.
    explicit StraceWriter(std::function<void(const std::string& line)> write) : write_(std::move(write)) {}

    void entered(const SyscallRecord& record) override;
    void finished(const SyscallRecord& record) override;
    void noted(const SyscallRecord& record) override;
    // At the end of the run: an open line is closed.
    void finish();

  private:
    std::string prefix(const SyscallRecord& record) const;
    void interrupt();

    std::function<void(const std::string&)> write_;
    std::set<u64> alive_;  // tasks, as SyscallRecord::task tells them
    u64 open_ = 0;         // id of the record whose beginning stands in line_
    std::string line_;
};

// "text" + "= result", with the equals sign at column 40 as strace puts it.
std::string with_result(const std::string& text, const std::string& result);

// The table of `strace -c`. Seconds are virtual.
std::string strace_summary(const std::map<std::string, SyscallTotals>& totals);

}  // namespace orrery
