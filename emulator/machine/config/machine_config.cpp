#include "emulator/machine/config/machine_config.h"

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "devices/pc_board.h"
#include "emulator/core/bus/bus.h"
#include "emulator/isa/number.h"
#include "emulator/machine/config/device_words.h"
#include "emulator/machine/config/disk_words.h"
#include "emulator/machine/config/net_words.h"

namespace orrery {

namespace {

constexpr u64 kMostMemory = u64{64} << 30;  // bytes
constexpr u64 kPage = 4096;

u64 number(const std::string& word, u64 largest = ~u64{0}) {
    if (const std::optional<u64> value = parse_number(word, largest)) return *value;
    throw ConfigError(fmt::format("not a number from 0 to {}", largest));
}

std::string memory_text(u64 bytes) {
    for (const auto& [shift, letter] : {std::pair(30, 'G'), std::pair(20, 'M')})
        if (bytes % (u64{1} << shift) == 0) return fmt::format("{}{}", bytes >> shift, letter);
    return fmt::format("{}K", bytes >> 10);
}

unsigned parse_cpus(const std::string& word) {
    const u64 count = number(word);
    if (count == 0 || count > PcConfig::kMaxCpus) throw ConfigError("the machine has 1 to 8 CPUs");
    return static_cast<unsigned>(count);
}

ClockMode parse_clock(const std::string& word) {
    if (word == "cycles") return ClockMode::Cycles;
    if (word == "icount") return ClockMode::InstructionCount;
    throw ConfigError("there are cycles and icount");
}

CpuFeatures parse_cpu(const std::string& word) {
    std::string why;
    if (const std::optional<CpuFeatures> features = cpu_profile(word, &why)) return *features;
    throw ConfigError(why);
}

constexpr const char* kBase = "base=";

std::string rtc_text(i64 seconds) {
    using namespace std::chrono;
    const sys_seconds when{std::chrono::seconds(seconds)};
    const auto day = floor<days>(when);
    const year_month_day date(day);
    const hh_mm_ss time(when - day);
    return fmt::format("{}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", kBase, static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

// As QEMU's -rtc, of a moment in UTC.
i64 parse_rtc(const std::string& word) {
    using namespace std::chrono;
    int y = 0;
    unsigned mo = 0, d = 0, h = 0, mi = 0, s = 0;
    const std::string form = std::string(kBase) + "%4d-%2u-%2uT%2u:%2u:%2u";
    std::sscanf(word.c_str(), form.c_str(), &y, &mo, &d, &h, &mi, &s);
    const year_month_day date{year(y), month(mo), day(d)};
    const i64 days = date.ok() ? sys_days(date).time_since_epoch().count() : 0;
    const i64 moment = days * 86400 + h * 3600 + mi * 60 + s;
    // Said again it is the same: no other spelling, and nothing behind it.
    if (y < 1970 || y > 2099 || rtc_text(moment) != word)
        throw ConfigError("base=YYYY-MM-DDTHH:MM:SS, a moment from 1970 to 2099");
    return moment;
}

// "auto" leaves it to whoever asks.
void set_display(const std::string& word, bool& present) {
    if (word != "auto" && word != "std" && word != "none") throw ConfigError("there are auto, std and none");
    if (word != "auto") present = word == "std";
}

void set_display_size(const std::string& word, DisplayConfig& display) {
    const std::optional<WidthAndHeight> size = parse_width_and_height(word, 0xffff);
    if (!size || size->width < 320 || size->height < 200 || size->width > VgaStd::kMaxWidth ||
        size->height > VgaStd::kMaxHeight || size->width % 8 != 0)
        throw ConfigError("from 320x200 to 2560x1600, the width a multiple of 8");
    display.width = static_cast<u16>(size->width);
    display.height = static_cast<u16>(size->height);
}

std::vector<std::string> disk_list(const std::vector<DiskConfig>& disks) {
    std::vector<std::string> words;
    for (const DiskConfig& disk : disks) words.push_back(disk_text(disk));
    return words;
}

}  // namespace

u64 parse_memory_size(const std::string& text) {
    static constexpr std::string_view kUnits = "kKmMgG";
    const size_t unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
    const unsigned shift = unit == kUnits.npos ? 20 : 10 + 10 * static_cast<unsigned>(unit / 2);
    const std::optional<u64> value =
        parse_number(std::string_view(text).substr(0, text.size() - (unit == kUnits.npos ? 0 : 1)));
    if (!value) throw ConfigError("not a size (try 512M or 2G)");
    if (*value == 0) throw ConfigError("that is no memory");
    if (*value > kMostMemory >> shift) throw ConfigError("more than 64G");
    if ((*value << shift) % kPage != 0) throw ConfigError("not a multiple of 4K");
    return *value << shift;
}

void MachineConfig::visit(const Visitor& visitor) {
    // Names every member: with another one this does not compile, until that is described below.
    [[maybe_unused]] const auto& [ram_, cpus_, seed_, clock_, rtc_, features_, disks_, network_,
                                  test_devices_, display_, serial_, console_] = *this;
    using Words = std::vector<std::string>;
    using Word = const std::string&;
    visitor({"memory", "-m", "Memory: 512M, 2G; a plain number is MiB"},
            {[this] { return Words{memory_text(ram_size)}; },
             [this](Word w) { ram_size = parse_memory_size(w); }});
    visitor({"cpus", "--smp", "Virtual CPUs, 1 to 8"},
            {[this] { return Words{std::to_string(cpus)}; }, [this](Word w) { cpus = parse_cpus(w); }});
    visitor(
        {"processor", "--cpu",
         "Processor: x86-64-v2, or v3 (AVX2, BMI, FMA and their like); flags after it are added or taken "
         "away: v3,pku,-pcid,phys-bits=36"},
        {[this] { return Words{cpu_profile_text(features)}; }, [this](Word w) { features = parse_cpu(w); }});
    visitor({"seed", "--seed", "Seed of everything random in the machine"},
            {[this] { return Words{std::to_string(seed)}; }, [this](Word w) { seed = number(w); }});
    visitor({"clock", "--clock", "Virtual time: cycles of a modelled core, or icount"},
            {[this] { return Words{clock == ClockMode::Cycles ? "cycles" : "icount"}; },
             [this](Word w) { clock = parse_clock(w); }});
    visitor({"rtc", "--rtc", "The clock at power-on, in UTC"},
            {[this] { return Words{rtc_text(rtc_base)}; }, [this](Word w) { rtc_base = parse_rtc(w); }});
    visitor({"disks", "--disk",
             "Disk image FILE[,overlay|,readonly|,rw]: what the guest writes is kept in memory (overlay, "
             "the default), refused, or written to the file; may be given again",
             true},
            {[this] { return disk_list(disks); }, [this](Word w) { disks.push_back(parse_disk(w)); }});
    visitor({"network card", "--nic",
             "Network card: none, or model=virtio[,mac=52:54:00:12:34:56]; no cable is plugged in"},
            {[this] { return Words{nic_text(network)}; },
             [this](Word w) {
                 NetBackend* const cable = network.backend;
                 network = parse_nic(w);
                 network.backend = cable;
             }});
    visitor({"display", "--vga", "Display: std, none, or auto: one for a Linux kernel that is looked at"},
            {[this] { return Words{display.present ? "std" : "none"}; },
             [this](Word w) { set_display(w, display.present); }});
    visitor({"display size", "--display-size", "Its width and height in pixels"},
            {[this] { return Words{fmt::format("{}x{}", display.width, display.height)}; },
             [this](Word w) { set_display_size(w, display); }});
    visitor(
        {"test devices", "--device",
         "Test devices: isa-debug-exit[,iobase=N][,iosize=N], pc-testdev, fw_cfg; may be given again", true},
        {[this] { return test_device_list(test_devices); },
         [this](Word w) { add_test_device(test_devices, w); }});
    visitor(
        {"fw_cfg files", "--fw_cfg",
         "A file in fw_cfg: NAME,file=PATH or NAME,string=TEXT; may be given again", true},
        {[this] { return fw_cfg_list(test_devices); }, [this](Word w) { add_fw_cfg_file(test_devices, w); }});
}

MachineConfig MachineConfig::without_files() const {
    MachineConfig config = *this;
    for (DiskConfig& disk : config.disks) disk.path.clear();
    for (FwCfgFile& file : config.test_devices.fw_cfg_files) file.bytes.clear();
    return config;
}

std::string DescribedField::text() const {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
    return words.empty() ? "none" : all;
}

std::vector<DescribedField> described(const MachineConfig& config) {
    std::vector<DescribedField> fields;
    config.without_files().visit([&](const ConfigField& field, const ConfigWords& words) {
        fields.push_back({field, words.get()});
    });
    return fields;
}

void check(const MachineConfig& config) {
    if (config.ram_size == 0 || config.ram_size % kPage != 0)
        throw ConfigError("memory must be a multiple of 4 KiB, and more than none");
    if (config.cpus == 0 || config.cpus > PcConfig::kMaxCpus)
        throw ConfigError("the machine has 1 to 8 CPUs");
    const u64 beyond = config.ram_size - std::min(config.ram_size, kPciHoleStart);
    if (beyond != 0 && (kPciHoleEnd + beyond - 1) >> config.features.physical_bits() != 0)
        throw ConfigError(
            fmt::format("-m {}: beyond the processor's physical addresses (--cpu, phys-bits={})",
                        memory_text(config.ram_size), config.features.physical_bits()));
    if (config.disks.size() > PcConfig::kMaxDisks) throw ConfigError("the machine has up to 8 disks");
}

}  // namespace orrery
