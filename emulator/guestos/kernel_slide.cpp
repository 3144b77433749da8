#include "emulator/guestos/kernel_slide.h"

#include <cstring>

#include "emulator/guestos/linux/names.h"
#include "emulator/guestos/types/debug_info.h"

namespace orrery {
namespace {

constexpr u64 kStep = u64{2} << 20;  // CONFIG_PHYSICAL_ALIGN
constexpr u64 kEnd = u64{1} << 30;   // KERNEL_IMAGE_SIZE

}  // namespace

bool KernelSlide::has_text(u64 linear, const char* text) const {
    char found[32];
    const size_t length = std::strlen(text);
    return length <= sizeof found && machine_.peek(machine_.cpu().id, linear, found, length) == length &&
           std::memcmp(found, text, length) == 0;
}

std::optional<u64> KernelSlide::find() const {
    const SymbolTable& symbols = kernel_->symbols;
    const Symbol* entry = symbols.find(linux_names::kSystemCallEntry);
    const Symbol* banner = symbols.find(linux_names::kBanner);
    if (entry == nullptr || banner == nullptr) return std::nullopt;
    for (unsigned cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        const u64 slide = machine_.cpu(cpu).msr.lstar - (entry->address - symbols.slide());
        if (slide < kEnd && slide % kStep == 0) return slide;
    }
    if (!machine_.cpu().long_mode()) return std::nullopt;
    for (u64 slide = 0; slide < kEnd; slide += kStep)
        if (has_text(banner->address - symbols.slide() + slide, linux_names::kBannerText)) return slide;
    return std::nullopt;
}

bool KernelSlide::follow() {
    if (kernel_ == nullptr || !kernel_->relocatable) {
        known_ = true;
        return false;
    }
    const std::optional<u64> slide = find();
    known_ = slide.has_value();
    if (slide.value_or(0) == kernel_->symbols.slide()) return false;
    kernel_->symbols.slide_to(slide.value_or(0));
    return true;
}

StopReason KernelSlide::reach(const RunLimits& limits) {
    follow();
    while (!known_) {
        // Only a new table of pages can bring the kernel to its own addresses.
        bool loaded = false;
        const Observers::Id id =
            machine_.observers().subscribe(Observers::bit(EventKind::AddressSpace), [&](const Event&) {
                loaded = true;
                machine_.request_stop();
            });
        const StopReason reason = machine_.run(limits);
        machine_.observers().unsubscribe(id);
        follow();
        if (reason != StopReason::Requested || !loaded) return reason;
    }
    return StopReason::Budget;
}

}  // namespace orrery
