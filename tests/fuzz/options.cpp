// Words of the machine's options and scripts of the debugger, of any bytes: understood, or refused by one line.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/config/disk_words.h"
#include "emulator/machine/config/machine_config.h"
#include "tests/fuzz/target.h"
#include "ui/script.h"

namespace orrery::fuzz {

namespace {

void read_as_script(std::span<const u8> bytes) {
    static const int fd = memfd_create("fuzz", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes.data(), bytes.size(), 0) < 0) return;
    for (const ScriptLine& line : read_script(path)) require(!line.verb.empty(), "a line has a verb");
}

// One field of the machine takes the text, and says it again in words that mean the same.
void read_as_field(size_t index, const std::string& text) {
    MachineConfig config, again;
    size_t number = 0;
    config.visit([&](const ConfigField&, const ConfigWords& value) {
        if (number++ == index) value.set(text);
    });
    const std::vector<DescribedField> fields = described(config);
    number = 0;
    again.visit([&](const ConfigField&, const ConfigWords& value) {
        for (const std::string& word : fields[number].words) value.set(word);
        require(value.get() == fields[number++].words, "a field's words say what it is");
    });
}

void run(std::span<const u8> data) {
    if (data.empty()) return;
    const std::string text(data.begin() + 1, data.end());
    try {
        const size_t fields = described(MachineConfig()).size();
        const size_t what = data[0] % (fields + 2);
        if (what < fields) {
            read_as_field(what, text);
        } else if (what == fields) {
            parse_drive(text);
        } else {
            read_as_script(data.subspan(1));
        }
    } catch (const ConfigError&) {
    } catch (const BootError&) {
    } catch (const ScriptError&) {
    }
}

const Target target("options", run);

}  // namespace

}  // namespace orrery::fuzz
