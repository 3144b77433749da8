#include "emulator/guestos/syscalls/strace_writer.h"

#include "emulator/guestos/syscalls/signal_frame.h"
#include "tests/unit/catch.h"
#include "tests/unit/guestos/fake_memory.h"

using namespace orrery;

namespace {

struct Trace {
    FakeMemory memory;
    SyscallLog log;
    std::string text;
    StraceWriter writer{[this](const std::string& line) { text += line; }};
    bool pids_known = true;

    void set_task(SyscallRecord& record, int pid) const {
        record.task = static_cast<u64>(pid);
        if (pids_known) record.pid = pid;
    }
    u64 enter(int pid, u64 number, std::array<u64, 6> arguments) {
        SyscallRecord record;
        set_task(record, pid);
        record.entry = record.call = decode_entry(memory, number, arguments);
        const SyscallRecord& added = log.add(record);
        writer.entered(added);
        return added.id;
    }
    void leave(u64 id, i64 result) {
        SyscallRecord& record = *log.find(id);
        decode_return(memory, record.call, result);
        record.result = result;
        record.result_text = result_text(memory, record.call, result);
        record.failed = is_error(result);
        record.finished = true;
        record.cpu_ticks = 2000;
        log.count(record);
        writer.finished(record);
    }
    void note(int pid, const char* words) {
        SyscallRecord record;
        record.kind = SyscallRecord::Kind::Note;
        set_task(record, pid);
        record.note = words;
        writer.noted(log.add(record));
    }
};

}  // namespace

TEST_CASE("one task's calls are lines with the result at column 40", "[guest]") {
    Trace trace;
    trace.leave(trace.enter(5, 39, {}), 5);
    trace.leave(trace.enter(5, 3, {77}), -9);
    CHECK(trace.text ==
          "getpid()                                = 5\n"
          "close(77)                               = -1 EBADF (Bad file descriptor)\n");
}

TEST_CASE("calls of several tasks are told apart, and resumed", "[guest]") {
    Trace trace;
    trace.leave(trace.enter(5, 57, {}), 6);
    const u64 waiting = trace.enter(5, 61, {static_cast<u64>(-1), 0x1000, 0, 0});
    trace.leave(trace.enter(6, 39, {}), 6);
    trace.note(6, "+++ exited with 0 +++");
    trace.memory.put<u32>(0x1000, 0);
    trace.leave(waiting, 6);
    CHECK(trace.text ==
          "fork()                                  = 6\n"
          "[pid     5] wait4(-1,  <unfinished ...>\n"
          "[pid     6] getpid()                    = 6\n"
          "[pid     6] +++ exited with 0 +++\n"
          "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 6\n");
}

TEST_CASE("tasks without a pid are told apart by their page tables", "[guest]") {
    Trace trace;
    trace.pids_known = false;
    const u64 waiting = trace.enter(0x1a2b000, 57, {});
    trace.leave(trace.enter(0x5000, 39, {}), 6);
    trace.leave(waiting, 6);
    CHECK(trace.text ==
          "fork( <unfinished ...>\n"
          "[cr3 5000] getpid()                     = 6\n"
          "[cr3 1a2b000] <... fork resumed>)       = 6\n");
}

TEST_CASE("the summary is strace -c's table", "[guest]") {
    Trace trace;
    trace.leave(trace.enter(5, 39, {}), 5);
    trace.leave(trace.enter(5, 3, {77}), -9);
    trace.leave(trace.enter(5, 3, {3}), 0);
    CHECK(strace_summary(trace.log.totals()) ==
          "% time     seconds  usecs/call     calls    errors syscall\n"
          "------ ----------- ----------- --------- --------- ----------------\n"
          " 66.67    0.000004           2         2         1 close\n"
          " 33.33    0.000002           2         1           getpid\n"
          "------ ----------- ----------- --------- --------- ----------------\n"
          "100.00    0.000006           2         3         1 total\n");
}

TEST_CASE("the log holds as many as it may", "[guest]") {
    SyscallLog log(3);
    for (int i = 0; i < 5; ++i) log.add({});
    CHECK(log.records().size() == 3);
    CHECK(log.dropped() == 2);
    CHECK(log.find(2) == nullptr);
    CHECK(log.find(3)->id == 3);
    CHECK(log.find(6) == nullptr);
}

TEST_CASE("a signal's delivery is known by its frame", "[guest]") {
    FakeMemory memory;
    const u64 rsp = 0x7fff'0000'1000, info = rsp + 0x138, context = rsp + 8;
    memory.put<u64>(rsp + 48 + 13 * 8, static_cast<u64>(-4));  // RAX: EINTR
    memory.put<u64>(rsp + 48 + 16 * 8, 0x401234);              // RIP
    memory.put<i32>(info, 2);
    memory.put<i32>(info + 8, 0x80);
    const auto frame = find_signal_frame(memory, 2, info, context, rsp);
    REQUIRE(frame);
    CHECK(frame->number == 2);
    CHECK(frame->rip == 0x401234);
    CHECK(static_cast<i64>(frame->rax) == -4);
    CHECK(frame->info == "{si_signo=SIGINT, si_code=SI_KERNEL}");
    CHECK_FALSE(find_signal_frame(memory, 3, info, context, rsp));
    CHECK_FALSE(find_signal_frame(memory, 2, info + 8, context, rsp));
    CHECK_FALSE(find_signal_frame(memory, 2, info, context, rsp + 0x100000));
}
