#include "emulator/time-travel/record/recording_blocks.h"

#include <xxhash.h>
#include <zstd.h>

namespace orrery {

namespace {

constexpr int kLevel = 3;
constexpr size_t kWorthCompressing = 64;  // bytes: a shorter body stays as it is

}  // namespace

std::vector<u8> seal_block(BlockKind kind, u32 number, std::span<const u8> body) {
    std::vector<u8> packed;
    if (body.size() >= kWorthCompressing) {
        packed.resize(ZSTD_compressBound(body.size()));
        const size_t size = ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), kLevel);
        packed.resize(ZSTD_isError(size) == 0 && size < body.size() ? size : 0);
    }
    const std::span<const u8> stored = packed.empty() ? body : std::span<const u8>(packed);
    BodyWriter out;
    out.number(kind).number(static_cast<u8>(!packed.empty())).number(u16{0}).number(number);
    out.number(static_cast<u32>(stored.size())).number(static_cast<u32>(body.size()));
    out.number(u64{XXH3_64bits(stored.data(), stored.size())});
    std::vector<u8> block = out.take();
    const u64 check = XXH3_64bits(block.data(), block.size());
    out.raw(block).number(check).raw(stored);
    return out.take();
}

std::optional<BlockHead> open_head(std::span<const u8> bytes) {
    BodyReader in(bytes);
    BlockHead head{};
    head.kind = in.number<BlockKind>();
    const u8 method = in.number<u8>();
    in.number<u16>();
    head.number = in.number<u32>();
    head.stored = in.number<u32>();
    head.size = in.number<u32>();
    head.checksum = in.number<u64>();
    if (in.number<u64>() != XXH3_64bits(bytes.data(), kBlockHead - sizeof(u64)) || !in.done())
        return std::nullopt;
    if (method > 1 || head.size > kLargestBody || head.stored > head.size) return std::nullopt;
    head.compressed = method == 1;
    if (!head.compressed && head.stored != head.size) return std::nullopt;
    return head;
}

bool intact(const BlockHead& head, std::span<const u8> bytes) {
    return bytes.size() == head.stored && XXH3_64bits(bytes.data(), bytes.size()) == head.checksum;
}

std::optional<std::vector<u8>> open_body(const BlockHead& head, std::span<const u8> bytes) {
    if (!intact(head, bytes)) return std::nullopt;
    if (!head.compressed) return std::vector<u8>(bytes.begin(), bytes.end());
    std::vector<u8> body(head.size);
    const size_t size = ZSTD_decompress(body.data(), body.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0 || size != body.size()) return std::nullopt;
    return body;
}

}  // namespace orrery
