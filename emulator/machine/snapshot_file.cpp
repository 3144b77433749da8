#include "emulator/machine/snapshot_file.h"

#include <zstd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "emulator/machine/output_file.h"

namespace orrery {

namespace {

constexpr char kMagic[8] = {'O', 'R', 'R', 'E', 'R', 'Y', 'S', '1'};
constexpr size_t kHeader = sizeof kMagic + sizeof(u64);
// The largest machine's memory and some more: a damaged length asks for no more than that.
constexpr u64 kLargestState = u64{66} << 30;
constexpr int kLevel = 3;

}  // namespace

void save_snapshot_file(Machine& machine, const std::string& path) {
    const std::vector<u8> state = machine.save_snapshot();
    const u64 length = state.size();
    std::vector<char> out(kHeader + ZSTD_compressBound(length));
    std::memcpy(out.data(), kMagic, sizeof kMagic);
    std::memcpy(out.data() + sizeof kMagic, &length, sizeof length);
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
    const size_t size =
        ZSTD_compress2(context, out.data() + kHeader, out.size() - kHeader, state.data(), state.size());
    ZSTD_freeCCtx(context);
    if (ZSTD_isError(size) != 0) throw ArchiveError(path + ": the snapshot could not be compressed");
    OutputFile file(path);
    file.write(std::string_view(out.data(), kHeader + size));
    file.commit();
}

void load_snapshot_file(Machine& machine, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw ArchiveError(path + ": cannot be read");
    const std::vector<char> in{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (in.size() < kHeader || std::memcmp(in.data(), kMagic, sizeof kMagic) != 0)
        throw ArchiveError(path + ": is no snapshot of Orrery's, or one of another version");
    u64 length = 0;
    std::memcpy(&length, in.data() + sizeof kMagic, sizeof length);
    const u64 content = ZSTD_getFrameContentSize(in.data() + kHeader, in.size() - kHeader);
    if (length > kLargestState || content != length) throw ArchiveError(path + ": is damaged");
    std::vector<u8> state(static_cast<size_t>(length));
    const size_t got = ZSTD_decompress(state.data(), state.size(), in.data() + kHeader, in.size() - kHeader);
    if (ZSTD_isError(got) != 0 || got != state.size()) throw ArchiveError(path + ": is damaged or cut short");
    try {
        machine.load_snapshot(std::move(state));
    } catch (const ArchiveError& error) {
        throw ArchiveError(path + ": " + error.what());
    }
}

}  // namespace orrery
