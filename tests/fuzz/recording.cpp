// Damaged recordings: a good one with blocks put behind it, made of any bytes but with checksums that are
// right; or with bytes changed; or any bytes at all. It is read, or refused by a RecordingError.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/time-travel/record/recorded_machine.h"
#include "emulator/time-travel/record/recording_blocks.h"
#include "emulator/time-travel/record/recording_reader.h"
#include "tests/fuzz/target.h"

namespace orrery::fuzz {

namespace {

void read_bytes(std::span<const u8> bytes) {
    static const int fd = memfd_create("fuzz", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes.data(), bytes.size(), 0) < 0) return;
    try {
        const Recording read = read_recording(path);
        require(!read.runs.empty() && read.present < read.runs.size(), "there is a present run");
        require(read.size <= bytes.size(), "whole blocks are in the file");
        for (unsigned run = 0; run < read.runs.size(); ++run) {
            read.inputs_of(run);
            read.links_of(run);
        }
        for (size_t image = 0; image < read.images.size(); ++image)
            read_image_pieces(read, image, [](u64, std::span<const u8>) {});
        recorded_machine(read);
    } catch (const RecordingError&) {
    }
}

void run(std::span<const u8> data) {
    Input input(data);
    const u8 how = input.take<u8>();
    if (how % 3 == 0) return read_bytes(input.rest());
    std::vector<u8> bytes(kRecordingMagic, kRecordingMagic + sizeof kRecordingMagic);
    bytes.push_back(kRecordingVersion);
    const auto add = [&](const std::vector<u8>& block) {
        bytes.insert(bytes.end(), block.begin(), block.end());
    };
    u32 number = 0;
    const u8 header[] = {'{', '}'};
    add(seal_block(BlockKind::Header, number++, header));
    while (!input.done()) {
        const auto kind = input.take<BlockKind>();
        const size_t size = input.take<u8>();
        if (how % 3 == 1) {
            add(seal_block(kind, number++, input.take_bytes(size)));
        } else {
            bytes[(size | static_cast<size_t>(kind) << 8) % bytes.size()] = input.take<u8>();
        }
    }
    read_bytes(bytes);
}

const Target target("recording", run);

}  // namespace

}  // namespace orrery::fuzz
