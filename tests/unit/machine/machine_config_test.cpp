// A machine's configuration, described once: every field has words that say it, in a recording, a snapshot and diff.
#include "emulator/machine/config/machine_config.h"

#include <set>

#include "emulator/machine/config/disk_words.h"
#include "emulator/machine/machine.h"
#include "emulator/time-travel/record/diff.h"
#include "emulator/time-travel/record/recorded_machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

// Each field by its option, and a word for it that is not the default.
const std::map<std::string, std::string> kOther = {{"-m", "64M"},
                                                   {"--smp", "3"},
                                                   {"--cpu", "v3,-pcid,phys-bits=36"},
                                                   {"--seed", "18446744073709551615"},
                                                   {"--clock", "icount"},
                                                   {"--rtc", "base=2001-09-09T01:46:40"},
                                                   {"--disk", "a,,b,rw"},
                                                   {"--nic", "model=virtio,mac=52:54:00:00:00:01"},
                                                   {"--vga", "std"},
                                                   {"--display-size", "800x600"},
                                                   {"--device", "isa-debug-exit,iobase=0x501,iosize=4"},
                                                   {"--fw_cfg", "name=opt/x,string=y"}};

MachineConfig changed(const std::string& option) {
    MachineConfig config;
    config.visit([&](const ConfigField& field, const ConfigWords& words) {
        if (field.option == option) words.set(kOther.at(option));
    });
    return config;
}

void set(MachineConfig& config, const std::string& option, const std::string& word) {
    config.visit([&](const ConfigField& field, const ConfigWords& words) {
        if (field.option == option) words.set(word);
    });
}

RecordedMachine recorded(const MachineConfig& config) {
    RecordedMachine made;
    made.config = config;
    made.images.push_back({"kernel", "k", "/k", "", 1, 2, false});
    for (size_t i = 0; i < config.disks.size(); ++i)
        made.images.push_back({"disk", "d", "/d", "", 512, 3, false});
    return made;
}

std::string snapshot_error(const MachineConfig& made, const MachineConfig& here) {
    Machine from(made), to(here);
    try {
        to.load_snapshot(from.save_snapshot());
    } catch (const ArchiveError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("every field of a machine has an option, a name and a word of its own") {
    std::set<std::string> names, options;
    MachineConfig config;
    config.visit([&](const ConfigField& field, const ConfigWords& words) {
        CHECK(names.insert(field.name).second);
        CHECK(options.insert(field.option).second);
        CHECK(kOther.contains(field.option));
        CHECK(words.get().size() == (field.several ? 0u : 1u));
        CHECK_THROWS_AS(words.set("a,no such word"), ConfigError);
    });
    CHECK(options.size() == kOther.size());
}

TEST_CASE("every field is in a recording's header, and differs in diff's words") {
    for (const auto& [option, word] : kOther) {
        INFO(option);
        const MachineConfig config = changed(option);
        const RecordedMachine made = recorded(config);
        Recording recording;
        recording.header = made.to_json();
        const RecordedMachine read = recorded_machine(recording);
        std::vector<std::string> now, then;
        for (const DescribedField& field : described(config)) now.push_back(field.text());
        for (const DescribedField& field : described(read.config)) then.push_back(field.text());
        CHECK(now == then);
        CHECK(describe_differences(made, read).empty());
        const auto lines = describe_differences(recorded(MachineConfig()), made);
        REQUIRE_FALSE(lines.empty());
        CHECK(lines[0].find(" and ") != std::string::npos);
    }
    const auto lines = describe_differences(recorded(changed("--seed")), recorded(MachineConfig()));
    CHECK(lines == std::vector<std::string>{"seed: 18446744073709551615 and 0"});
}

TEST_CASE("a snapshot fits a machine that is the same in every field") {
    for (const auto& [option, word] : kOther) {
        if (option == "--disk") continue;  // needs a file
        INFO(option);
        MachineConfig config = changed(option);
        if (option != "-m") config.ram_size = u64{1} << 20;
        MachineConfig usual;
        if (option != "-m") usual.ram_size = u64{1} << 20;
        if (option == "--fw_cfg") usual.test_devices.fw_cfg = true;  // which asks for the device too
        const std::string error = snapshot_error(config, usual);
        CHECK(error.find(option) != std::string::npos);
        CHECK(snapshot_error(config, config).empty());
    }
}

TEST_CASE("a list's option may be given again") {
    MachineConfig config;
    set(config, "--device", "pc-testdev");
    set(config, "--device", "isa-debug-exit");
    set(config, "--device", "isa-debug-exit,iobase=0xf4,iosize=4");
    set(config, "--device", "isa-debug-exit,iobase=0x700,iosize=1");
    set(config, "--device", "isa-debug-exit");
    set(config, "--fw_cfg", "opt/a,string=1");
    set(config, "--fw_cfg", "opt/b,string=2");
    CHECK(config.test_devices.pc_testdev);
    CHECK(config.test_devices.fw_cfg);
    CHECK(config.test_devices.exits == std::vector<ExitPorts>{{0x501, 2}, {0x700, 1}});
    CHECK(config.test_devices.fw_cfg_files.size() == 2);
    CHECK_THROWS_AS(set(config, "--fw_cfg", "opt/a,string=3"), ConfigError);
}

TEST_CASE("machines that cannot be are refused") {
    const auto refused = [](const char* option, const char* word) {
        MachineConfig config;
        try {
            set(config, option, word);
            check(config);
        } catch (const ConfigError&) {
            return true;
        }
        return false;
    };
    for (const char* word :
         {"0", "-5", "010", "+1", "5T", "65G", "3K", "", "M", "1.5G", "99999999999999999999G"})
        CHECK(refused("-m", word));
    for (const char* word : {"0", "9", "-1", "01", "+1", "4294967297"}) CHECK(refused("--smp", word));
    for (const char* word : {"-1", "010", "+1", "18446744073709551616"}) CHECK(refused("--seed", word));
    for (const char* word :
         {"base=2024-02-30T00:00:00", "base=2024-01-01", "2024-01-01T00:00:00", "base=1969-12-31T23:59:59",
          "base=2024-01-01T24:00:00", "base=+024-01-01T00:00:00", "base=2024-1-01T00:00:00",
          "base=2024-01-01T00:00:00Z"})
        CHECK(refused("--rtc", word));
    for (const char* word : {"tiny", "1024x768x", "1023x768", "-1024x768", "01024x768", "4096x4096"})
        CHECK(refused("--display-size", word));
    for (const char* word :
         {"isa-debug-exit,iobase=-1", "isa-debug-exit,iobase=01", "isa-debug-exit,iosize=3", "none"})
        CHECK(refused("--device", word));
    MachineConfig large;
    large.ram_size = u64{64} << 30;
    CHECK_NOTHROW(check(large));
    set(large, "--cpu", "v2,phys-bits=36");
    CHECK_THROWS_AS(check(large), ConfigError);
}

TEST_CASE("a disk's words say its name and its mode") {
    for (const char* words : {"a.img,overlay", "a,,b,readonly", ",,,rw", "x,rw"})
        CHECK(disk_text(parse_disk(words)) == words);
    CHECK(disk_text(parse_disk("a.img")) == "a.img,overlay");
}
