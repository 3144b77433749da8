// The symbols of Linux's kernel that the debugger knows by name: the only place that has them.
#pragma once

namespace orrery::linux_names {

inline constexpr const char* kSystemCallEntry = "entry_SYSCALL_64";  // where MSR LSTAR points to
inline constexpr const char* kBanner = "linux_banner";               // kBannerText and what follows
inline constexpr const char* kBannerText = "Linux version ";
inline constexpr const char* kSwitchFunction = "__switch_to";
inline constexpr const char* kImageStart = "_text";

}  // namespace orrery::linux_names
