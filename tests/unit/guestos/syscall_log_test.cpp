// The log of system calls when the machine goes back and comes by again.
#include "emulator/guestos/syscalls/syscall_log.h"

#include "tests/unit/catch.h"

using namespace orrery;

namespace {

SyscallRecord call_of(const char* name) {
    SyscallRecord record;
    record.call.name = record.entry.name = name;
    return record;
}

void finish(SyscallLog& log, SyscallRecord record, const char* result) {
    record.finished = true;
    record.result_text = result;
    log.count(record);
    log.finish(record);
}

}  // namespace

TEST_CASE("a call that returns later has not returned where the log was gone back to", "[guest]") {
    SyscallLog log;
    SyscallRecord first = call_of("read"), second = call_of("write");
    first.id = log.add(first).id;
    const SyscallLog::Position before = log.position({first.id});
    second.id = log.add(second).id;
    finish(log, second, "1");
    finish(log, first, "7");
    const SyscallLog::Position after = log.position({});

    log.rewind(before);
    REQUIRE(log.records().size() == 1);
    CHECK_FALSE(log.finished(log.records().front()));
    CHECK(log.totals().empty());

    SECTION("coming by again gives the same records") {
        CHECK(log.add(call_of("write")).id == second.id);
        CHECK(log.records().size() == 2);
        CHECK_FALSE(log.finished(log.records().back()));
        finish(log, second, "1");
        CHECK(log.finished(log.records().back()));
        CHECK_FALSE(log.finished(log.records().front()));
    }
    SECTION("what was known is there again further on") {
        log.rewind(after);
        REQUIRE(log.records().size() == 2);
        CHECK(log.finished(log.records().front()));
        CHECK(log.records().front().result_text == "7");
        CHECK(log.totals().at("write").calls == 1);
    }
    SECTION("another run forgets it") {
        log.cut();
        CHECK_FALSE(log.records().front().finished);
        CHECK(log.records().front().result_text.empty());
        CHECK(log.add(call_of("pause")).call.name == "pause");
        CHECK(log.records().size() == 2);
    }
}

TEST_CASE("a position whose records are no longer held leaves no gap", "[guest]") {
    SyscallLog log(2);
    log.add(call_of("one"));
    const SyscallLog::Position early = log.position({});
    for (const char* name : {"two", "three", "four"}) log.add(call_of(name));
    log.rewind(early);
    CHECK(log.records().empty());
    CHECK(log.dropped() == 1);
    CHECK(log.add(call_of("two")).id == 2);
    CHECK(log.records().size() == 1);
}
