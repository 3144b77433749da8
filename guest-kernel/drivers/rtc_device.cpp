// /dev/rtc0 (rtc(4)) and /sys/class/rtc/rtc0: reading and setting the clock. Its alarms and periodic interrupts are not
// driven: the requests for them answer ENOTTY, and hwclock(8) then watches the clock itself.
#include "core/panic.h"
#include "drivers/base/device.h"
#include "drivers/base/resource.h"
#include "drivers/rtc.h"
#include "fs/chrdev.h"
#include "fs/cred.h"
#include "mm/user_ptr.h"
#include "time/clock.h"

namespace {

constexpr u32 kRtcMajor = 251;

struct RtcTime {  // linux/rtc.h, struct rtc_time
    i32 tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

RtcTime to_rtc_time(u64 seconds) {
    const CivilTime t = civil_from_seconds(seconds);
    const u64 new_year = seconds_from_civil({t.year, 1, 1, 0, 0, 0}).value_or(seconds);
    return {static_cast<i32>(t.second),
            static_cast<i32>(t.minute),
            static_cast<i32>(t.hour),
            static_cast<i32>(t.day),
            static_cast<i32>(t.month) - 1,
            t.year - 1900,
            static_cast<i32>((seconds / 86400 + 4) % 7),
            static_cast<i32>((seconds - new_year) / 86400),
            0};
}

Result<u64> from_rtc_time(const RtcTime& t) {
    if (t.tm_mon < 0 || t.tm_mday < 0 || t.tm_hour < 0 || t.tm_min < 0 || t.tm_sec < 0 || t.tm_year < 70 ||
        t.tm_year > 199) {
        return Errno::EINVAL;
    }
    return seconds_from_civil({t.tm_year + 1900, static_cast<u32>(t.tm_mon) + 1, static_cast<u32>(t.tm_mday),
                               static_cast<u32>(t.tm_hour), static_cast<u32>(t.tm_min),
                               static_cast<u32>(t.tm_sec)});
}

class RtcFile final : public File {
  public:
    using File::File;
    bool is_stream() const override { return true; }
    Result<long> ioctl(u32 request, u64 argument) override {
        constexpr u32 kReadTime = 0x80247009, kSetTime = 0x4024700a;
        switch (request) {
            case kReadTime:
                TRY(UserPtr<RtcTime>(argument).write(to_rtc_time(rtc_read_seconds())));
                return 0L;
            case kSetTime: {
                if (!current_cred().has(kCapSysTime)) return Errno::EACCES;
                const RtcTime wanted = TRY(UserPtr<RtcTime>(argument).read());
                TRY(rtc_write_seconds(TRY(from_rtc_time(wanted))));
                return 0L;
            }
            default:
                return Errno::ENOTTY;
        }
    }
};

Result<RefPtr<File>> open_rtc(Inode& inode, int) {
    return RefPtr<File>(TRY(make_ref<RtcFile>(inode)));
}

Result<void> show_date(Kobject&, KString& out) {
    const CivilTime t = civil_from_seconds(rtc_read_seconds());
    return out.appendf("%04d-%02u-%02u\n", t.year, t.month, t.day);
}
Result<void> show_time(Kobject&, KString& out) {
    const CivilTime t = civil_from_seconds(rtc_read_seconds());
    return out.appendf("%02u:%02u:%02u\n", t.hour, t.minute, t.second);
}
Result<void> show_since_epoch(Kobject&, KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(rtc_read_seconds()));
}
// The kernel's clock was set from this one at boot.
Result<void> show_hctosys(Kobject&, KString& out) {
    return out.append("1\n");
}
Result<void> show_name(Kobject&, KString& out) {
    return out.append("rtc_cmos rtc_cmos\n");
}
constexpr Attribute kAttributes[] = {
    {"name", 0444, show_name},       {"date", 0444, show_date},
    {"time", 0444, show_time},       {"since_epoch", 0444, show_since_epoch},
    {"hctosys", 0444, show_hctosys}, {nullptr, 0},
};
constexpr AttributeGroup kGroup = {nullptr, kAttributes};

DeviceClass g_class("rtc", &kGroup);
CharDevice g_device = {"rtc", kRtcMajor, 0, 1, open_rtc, nullptr};

class RtcDriver final : public Driver {
  public:
    RtcDriver() : Driver("rtc_cmos") {}
    Result<void> probe(Device& device) override {
        class_register(g_class);
        register_chrdev(&g_device);
        (void)insert_resource(AddressSpace::kPorts, "rtc0", 0x70, 0x71);
        device_create(g_class, &device, make_dev(kRtcMajor, 0), 0600, "rtc0");
        return {};
    }
};

}  // namespace

void init_rtc_device() {
    Result<RefPtr<RtcDriver>> driver = make_ref<RtcDriver>();
    if (!driver.ok() || !driver_register(platform_bus(), *driver.value()).ok()) panic("rtc: no memory");
    platform_device_create("rtc_cmos");
}
