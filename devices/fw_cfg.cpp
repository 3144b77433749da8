#include "devices/fw_cfg.h"

#include <algorithm>
#include <array>

namespace orrery {

namespace {

constexpr u16 kWriteChannel = 0x4000;  // ignored, as QEMU does
constexpr u32 kError = 1, kRead = 2, kSkip = 4, kSelect = 8, kWrite = 0x10;
constexpr u32 kFeatureDma = 2, kFeatureTraditional = 1;
constexpr char kE820File[] = "etc/e820";

template <typename T>
std::vector<u8> little(T value) {
    std::vector<u8> bytes(sizeof value);
    for (size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<u8>(value >> 8 * i);
    return bytes;
}

void append_big(std::vector<u8>& bytes, u32 value, unsigned size) {
    for (unsigned i = size; i-- > 0;) bytes.push_back(static_cast<u8>(value >> 8 * i));
}

}  // namespace

FwCfg::FwCfg(Bus& bus, unsigned cpus, std::vector<FwCfgFile> files) : bus_(bus) {
    for (FwCfgFile& file : files) files_[file.name] = std::move(file.bytes);
    items_[kSignature] = {'Q', 'E', 'M', 'U'};
    items_[kFeatures] = little(kFeatureTraditional | kFeatureDma);
    items_[kRamSize] = little(bus.ram_size());
    items_[kNoGraphics] = little(u16{1});
    items_[kCpus] = little(static_cast<u16>(cpus));
    items_[kMaxCpus] = little(static_cast<u16>(cpus));
    list_files();
}

void FwCfg::set_command_line(const std::string& text, u32 address) {
    Bytes bytes(text.begin(), text.end());
    bytes.push_back(0);
    items_[kCommandLineAddress] = little(address);
    items_[kCommandLineSize] = little(static_cast<u32>(bytes.size()));
    items_[kCommandLineData] = std::move(bytes);
}

void FwCfg::set_initrd(std::vector<u8> bytes) {
    items_[kInitrdSize] = little(static_cast<u32>(bytes.size()));
    items_[kInitrdData] = std::move(bytes);
}

void FwCfg::set_e820(const std::vector<u8>& table) {
    items_[kE820] = table;
    files_[kE820File] = table;
    list_files();
}

void FwCfg::list_files() {
    Bytes directory;
    append_big(directory, static_cast<u32>(files_.size()), 4);
    u16 item = kFirstFile;
    for (const auto& [name, bytes] : files_) {
        append_big(directory, static_cast<u32>(bytes.size()), 4);
        append_big(directory, item, 2);
        append_big(directory, 0, 2);
        std::array<u8, kNameLength + 1> padded{};
        std::copy_n(name.begin(), std::min(name.size(), kNameLength), padded.begin());
        directory.insert(directory.end(), padded.begin(), padded.end());
        items_[item++] = bytes;
    }
    items_[kDirectory] = std::move(directory);
}

void FwCfg::reset() {
    select(0);
    dma_high_ = 0;
}

void FwCfg::visit(Archive& archive) {
    archive.field("item", item_);
    archive.field("offset", offset_);
    archive.field("dma_high", dma_high_);
    // The items themselves: a snapshot that is loaded finds them as they were.
    u32 count = static_cast<u32>(items_.size());
    archive.field("items", count);
    if (archive.loading()) {
        items_.clear();
        for (u32 i = 0; i < count; ++i) {
            u16 key = 0;
            archive.field("key", key);
            archive.field("bytes", items_[key], u64{1} << 32);
        }
    } else {
        for (auto& [key, bytes] : items_) {
            u16 copy = key;
            archive.field("key", copy);
            archive.field("bytes", bytes);
        }
    }
}

const FwCfg::Bytes* FwCfg::selected() const {
    const auto found = items_.find(item_);
    return found == items_.end() ? nullptr : &found->second;
}

void FwCfg::select(u16 item) {
    item_ = item & static_cast<u16>(~kWriteChannel);
    offset_ = 0;
}

u8 FwCfg::next_byte() {
    const Bytes* bytes = selected();
    if (bytes == nullptr || offset_ >= bytes->size()) return 0;
    return (*bytes)[offset_++];
}

u32 FwCfg::io_read(u16 port, unsigned size) {
    if (port < kDma) {
        u32 value = 0;
        for (unsigned i = 0; i < size; ++i) value |= u32{next_byte()} << 8 * i;
        return value;
    }
    static constexpr char kDmaSignature[] = "QEMU CFG";
    u32 value = 0;
    for (unsigned i = 0; i < size && port - kDma + i < kDmaPorts; ++i)
        value |= static_cast<u32>(kDmaSignature[port - kDma + i]) << 8 * i;
    return value;
}

void FwCfg::io_write(u16 port, unsigned size, u32 value) {
    if (port == kSelector && size == 2) select(static_cast<u16>(value));
    if (size != 4) return;
    if (port == kDma) dma_high_ = __builtin_bswap32(value);
    if (port == kDma + 4) {
        const u64 at = u64{dma_high_} << 32 | __builtin_bswap32(value);
        dma_high_ = 0;
        transfer(at);
    }
}

void FwCfg::transfer(u64 at) {
    struct {
        u32 control, length;
        u64 address;
    } request;
    u32 result = __builtin_bswap32(kError);
    if (bus_.dma_read(at, &request, sizeof request)) {
        const u32 control = __builtin_bswap32(request.control);
        if ((control & kSelect) != 0) select(static_cast<u16>(control >> 16));
        const bool read = (control & kRead) != 0, write = !read && (control & kWrite) != 0;
        const bool any = read || write || (control & kSkip) != 0;
        if (!any || move(read, write, __builtin_bswap64(request.address), __builtin_bswap32(request.length)))
            result = 0;
    }
    bus_.dma_write(at, &result, sizeof result);
}

// False where memory is not RAM, or at a write: no item can be written.
bool FwCfg::move(bool read, bool write, u64 address, u32 length) {
    if (write) return length == 0;
    const Bytes* bytes = selected();
    const u64 there = bytes == nullptr || offset_ >= bytes->size() ? 0 : bytes->size() - offset_;
    const u32 count = static_cast<u32>(std::min<u64>(there, length));
    if (read && count != 0 && !bus_.dma_write(address, bytes->data() + offset_, count)) return false;
    offset_ += count;
    if (!read) return true;
    // Behind the item's end: zeros.
    static constexpr std::array<u8, kPageSize> kZeros{};
    for (u32 done = count; done < length;) {
        const u32 part = std::min<u32>(length - done, kZeros.size());
        if (!bus_.dma_write(address + done, kZeros.data(), part)) return false;
        done += part;
    }
    return true;
}

}  // namespace orrery
