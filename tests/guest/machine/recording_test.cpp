// Recordings of our kernel: branches and bookmarks, and what verify says of a run that is not the recorded
// one.
#include <unistd.h>

#include "emulator/time-travel/record/recorder.h"
#include "emulator/time-travel/record/recording_reader.h"
#include "emulator/time-travel/record/verifier.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

constexpr const char* kSerial = "uart16550.0";
constexpr u64 kBooted = 11'000'000;  // instructions: the shell waits

struct File {
    File() {
        const int file = mkstemp(path.data());
        REQUIRE(file >= 0);
        close(file);
    }
    ~File() { unlink(path.c_str()); }
    std::string path = "/tmp/orrery-recording-XXXXXX";
};

// A machine that is recorded, and whose time branches.
struct Guest {
    explicit Guest(const std::string& path) {
        MachineConfig config;
        config.ram_size = u64{64} << 20;
        RecordingRequest request;
        request.path = path;
        request.images.kernel = GUEST_KERNEL;
        request.images.initrd = GUEST_INITRAMFS;
        request.images.command_line = "console=ttyS0 quiet";
        machine = std::make_unique<Machine>(config);
        machine->load(request.images);
        time = std::make_unique<TimeMachine>(*machine);
        recorder = std::make_unique<Recorder>(*machine, request);
        recorder->follow(*time);
    }
    void run_for_ticks(Ticks ticks) {
        RunLimits limits;
        limits.ticks = machine->moment().ticks + ticks;
        machine->run(limits);
    }
    void type(const std::string& text) { machine->input(kSerial, {text.begin(), text.end()}); }

    std::unique_ptr<Machine> machine;
    std::unique_ptr<TimeMachine> time;
    std::unique_ptr<Recorder> recorder;
};

Verification verify_run(const std::string& path, unsigned run) {
    ReplayMachine replay(read_recording(path), {}, nullptr);
    return verify(replay, run);
}

// The same recording, but for one input: writes it again with everything that was in it.
void copy_changed(const Recording& from, const std::string& path,
                  const std::function<void(LoggedInput&)>& change) {
    RecordingWriter writer(path, from.header);
    writer.begin();
    writer.components(from.components);
    size_t next = 0;
    const RecordedRun& run = from.runs[0];
    for (const ChainLink& link : run.links) {
        while (next < run.inputs.size() && run.inputs[next].moment < link.moment) {
            LoggedInput input = run.inputs[next++];
            change(input);
            writer.input(0, input);
        }
        writer.link(0, link);
    }
    writer.end(0, *run.end);
}

}  // namespace

TEST_CASE("every line of a recorded time is verified, and its bookmarks are kept") {
    const File file;
    {
        Guest guest(file.path);
        guest.run_for_ticks(100'000'000);
        REQUIRE(guest.machine->moment().instructions < 2 * kBooted);
        guest.type("echo one\n");
        guest.run_for_ticks(300'000'000);
        const Moment fork = guest.machine->moment();
        guest.type("for i in 1 2 3; do echo $i; done\n");
        guest.run_for_ticks(300'000'000);
        const Moment first_end = guest.machine->moment();
        guest.time->seek({fork.instructions, fork.ticks - 50'000'000});
        // Nothing of the past is recorded again.
        guest.recorder->bookmark(0, guest.machine->moment(), "before the loop");
        const u64 bytes = guest.recorder->bytes();
        guest.run_for_ticks(10'000'000);
        CHECK(guest.recorder->bytes() == bytes);
        guest.type("echo two\n");
        REQUIRE(guest.time->run() == 1);
        guest.run_for_ticks(200'000'000);
        guest.recorder->finish(StopReason::Requested, 0, guest.time->end());
        CHECK(guest.time->runs()[0].end == first_end);
    }
    const Recording read = read_recording(file.path);
    REQUIRE(read.runs.size() == 2);
    CHECK(read.inputs_of(0).size() == 2);
    CHECK(read.inputs_of(1).size() == 2);
    REQUIRE(read.bookmarks.size() == 1);
    CHECK(read.bookmarks[0].note == "before the loop");
    CHECK_FALSE(read.cut_short);
    for (const unsigned run : {0u, 1u}) {
        const Verification found = verify_run(file.path, run);
        CHECK(found.equal());
        CHECK(found.links == read.links_of(run).size());
    }
    CHECK(read.links_of(1).size() > 1);
}

TEST_CASE("verify names where a run is not the recorded one, and in what") {
    const File file, changed;
    {
        Guest guest(file.path);
        guest.run_for_ticks(100'000'000);
        guest.type("echo one\n");
        guest.run_for_ticks(300'000'000);
        guest.recorder->finish(StopReason::Requested, 0);
    }
    const Recording read = read_recording(file.path);
    copy_changed(read, changed.path, [](LoggedInput&) {});
    CHECK(verify_run(changed.path, 0).equal());
    // Another letter at the same moment: as many instructions, another memory.
    copy_changed(read, changed.path, [](LoggedInput& input) { input.data[6] = 'a'; });
    const Verification found = verify_run(changed.path, 0);
    REQUIRE_FALSE(found.equal());
    CHECK(found.links == 1);
    CHECK(found.difference->equal == read.runs[0].links[0].moment);
    CHECK(found.difference->differs == read.runs[0].end->moment);
    const std::vector<std::string>& components = found.difference->components;
    CHECK(std::find(components.begin(), components.end(), "ram") != components.end());
    CHECK(std::find(components.begin(), components.end(), "hpet.0") == components.end());
}
