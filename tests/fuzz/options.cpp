// Words of the command line and scripts of the debugger, of any bytes: understood, or refused by one line.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/device_option.h"
#include "cli/disk_options.h"
#include "cli/guest_options.h"
#include "emulator/machine/boot/boot_error.h"
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

void run(std::span<const u8> data) {
    if (data.empty()) return;
    const std::string text(data.begin() + 1, data.end());
    try {
        switch (data[0] % 5) {
            case 0:
                parse_disk(text);
                break;
            case 1:
                parse_drive(text);
                break;
            case 2:
                parse_test_devices({text}, {});
                break;
            case 3:
                parse_test_devices({}, {text});
                break;
            case 4:
                read_as_script(data.subspan(1));
                break;
        }
    } catch (const UsageError&) {
    } catch (const BootError&) {
    } catch (const ScriptError&) {
    }
}

const Target target("options", run);

}  // namespace

}  // namespace orrery::fuzz
