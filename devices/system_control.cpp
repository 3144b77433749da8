#include "devices/system_control.h"

namespace orrery {

SystemControl::SystemControl(std::function<void()> reset_machine, std::function<void(bool)> set_a20)
    : reset_machine_(std::move(reset_machine)), set_a20_(std::move(set_a20)) {}

void SystemControl::reset() {
    fast_ = 2;
    reset_control_ = 0;
}

u32 SystemControl::io_read(u16 port, unsigned) {
    return port == kFastPort ? fast_ : reset_control_;
}

void SystemControl::io_write(u16 port, unsigned, u32 value) {
    if (port == kFastPort) {
        const u8 before = fast_;
        fast_ = value & 3;
        if (((before ^ fast_) & 2) != 0) set_a20_(a20());
        if ((fast_ & 1) != 0 && (before & 1) == 0) reset_machine_();
    } else {
        const u8 before = reset_control_;
        reset_control_ = value & 0xe;
        if ((reset_control_ & 4) != 0 && (before & 4) == 0) reset_machine_();
    }
}

void SystemControl::visit(Archive& archive) {
    archive.field("fast", fast_);
    archive.field("reset_control", reset_control_);
}

}  // namespace orrery
