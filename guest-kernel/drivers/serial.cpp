// 16550A UART driver (National Semiconductor PC16550D data sheet).
//
// Guarantees: transmission is polled and bounded (a dead device costs at most a few ms per byte, never a
// hang); reception is by interrupt, at most 256 bytes per interrupt.
#include "drivers/serial.h"

#include "arch/x86_64/cpu.h"
#include "core/panic.h"
#include "core/printk.h"
#include "drivers/base/device.h"
#include "drivers/base/resource.h"
#include "drivers/irq.h"
#include "mm/user_ptr.h"
#include "sync/spinlock.h"
#include "tty/console.h"

namespace {

enum Register : u16 {
    kData = 0,
    kIer = 1,
    kFcr = 2,
    kIir = 2,
    kLcr = 3,
    kMcr = 4,
    kLsr = 5,
    kMsr = 6,
    kScratch = 7
};
constexpr u8 kLsrDataReady = 0x01, kLsrErrors = 0x1e, kLsrThrEmpty = 0x20, kLsrIdle = 0x40;
constexpr u8 kIerReceive = 0x01;
constexpr int kFifoSize = 16;

bool ignore_lock = false;

struct SerialStruct {  // linux/serial.h, struct serial_struct
    i32 type, line;
    u32 port;
    i32 irq, flags, xmit_fifo_size, custom_divisor, baud_base;
    u16 close_delay;
    u8 io_type, reserved;
    i32 hub6;
    u16 closing_wait, closing_wait2;
    u64 iomem_base;
    u16 iomem_reg_shift;
    u32 port_high;
    u64 iomap_base;
};

class Uart final : public TtyDriver {
  public:
    Uart(const char* name, u16 port, unsigned irq) : name_(name), port_(port), irq_(irq) {}

    bool probe() {
        out(kScratch, 0x5a);
        if (in(kScratch) != 0x5a) return false;
        out(kScratch, 0xa5);
        if (in(kScratch) != 0xa5) return false;
        out(kIer, 0);
        out(kLcr, 0x80);  // divisor latch
        out(kData, 1);    // 115200 baud
        out(kIer, 0);
        out(kLcr, 0x03);  // 8N1
        out(kFcr, 0x07);  // FIFOs on, cleared
        out(kMcr, 0x0b);  // DTR, RTS, OUT2 (gates the interrupt)
        present_ = true;
        return true;
    }

    void enter_ports() { (void)insert_resource(AddressSpace::kPorts, "serial", port_, port_ + 7u); }
    void enable_interrupts() {
        request_irq(irq_, name_, &Uart::interrupt, this);
        out(kIer, kIerReceive);
    }

    const char* name() const override { return name_; }
    size_t write(const u8* bytes, size_t count) override {
        if (ignore_lock) {
            send(bytes, count);
            return count;
        }
        IrqGuard guard(lock_);
        send(bytes, count);
        return count;
    }
    size_t write_room() const override { return 4096; }
    void drain() override {
        for (int i = 0; i < 100000 && !(in(kLsr)&kLsrIdle); i++) cpu_relax();
    }
    void set_receiver(TtyReceiver* receiver) override { receiver_ = receiver; }
    Result<long> ioctl(u32 request, u64 argument) override {
        constexpr u32 kTiocgserial = 0x541e;
        if (request != kTiocgserial) return Errno::ENOTTY;
        TRY(UserPtr<SerialStruct>(argument).write(settings()));
        return 0L;
    }
    SerialStruct settings() const {
        SerialStruct info{};
        info.type = 4;  // PORT_16550A
        info.line = port_ == 0x3f8 ? 0 : 1;
        info.port = port_;
        info.irq = static_cast<i32>(irq_);
        info.xmit_fifo_size = kFifoSize;
        info.baud_base = 115200;
        return info;
    }
    Device* device() const override;
    const AttributeGroup* attributes() const override;
    bool present() const { return present_; }
    /// For printk, which holds the log's lock (of the same rank) with interrupts off.
    void console_send(const char* text, size_t count) { send(reinterpret_cast<const u8*>(text), count); }

  private:
    void out(Register reg, u8 value) { outb(static_cast<u16>(port_ + reg), value); }
    u8 in(Register reg) const { return inb(static_cast<u16>(port_ + reg)); }

    void send(const u8* bytes, size_t count) {
        while (count) {
            for (int i = 0; i < 100000 && !(in(kLsr)&kLsrThrEmpty); i++) cpu_relax();
            // An empty holding register means an empty FIFO: fill it without asking again.
            for (int n = 0; n < kFifoSize && count; n++, count--) out(kData, *bytes++);
        }
    }

    static void interrupt(void* self) { static_cast<Uart*>(self)->receive(); }
    void receive() {
        for (int i = 0; i < 256; i++) {
            const u8 status = in(kLsr);
            if (!(status & kLsrDataReady)) break;
            const u8 byte = in(kData);
            if (!receiver_) continue;
            if (status & kLsrErrors)
                receiver_->receive_error(byte);
            else
                receiver_->receive_byte(byte);
        }
        (void)in(kIir);
    }

    const char* name_;
    u16 port_;
    unsigned irq_;
    bool present_ = false;
    TtyReceiver* receiver_ = nullptr;
    SpinLock lock_{LockRank::kSerial};  // bare: of the transmitter's registers, and a panic breaks it
};

Uart uarts[2] = {{"ttyS0", 0x3f8, 4}, {"ttyS1", 0x2f8, 3}};

// The platform device that has the PC's four standard ports (Linux, drivers/tty/serial/8250).
Device* g_serial8250 = nullptr;
class SerialPlatformDriver final : public Driver {
  public:
    SerialPlatformDriver() : Driver("serial8250") {}
};
SerialPlatformDriver* g_serial_driver = nullptr;

SerialStruct settings_of(Kobject& object) {
    return static_cast<Uart&>(static_cast<TtyDevice&>(object).tty_driver).settings();
}
template <auto Field>
Result<void> show_setting(Kobject& object, KString& out) {
    return out.appendf("%lld\n", static_cast<long long>(settings_of(object).*Field));
}
Result<void> show_port(Kobject& object, KString& out) {
    return out.appendf("0x%X\n", settings_of(object).port);
}
Result<void> show_flags(Kobject& object, KString& out) {
    return out.appendf("0x%X\n", static_cast<unsigned>(settings_of(object).flags));
}
Result<void> show_clock(Kobject& object, KString& out) {
    return out.appendf("%d\n", settings_of(object).baud_base * 16);
}
Result<void> show_memory_base(Kobject& object, KString& out) {
    return out.appendf("0x%lX\n", settings_of(object).iomem_base);
}
// printk's console is the first port.
Result<void> show_console(Kobject& object, KString& out) {
    return out.append(settings_of(object).line == 0 ? "Y\n" : "N\n");
}
constexpr Attribute kUartAttributes[] = {
    {"uartclk", 0444, show_clock},
    {"type", 0444, show_setting<&SerialStruct::type>},
    {"line", 0444, show_setting<&SerialStruct::line>},
    {"port", 0444, show_port},
    {"irq", 0444, show_setting<&SerialStruct::irq>},
    {"flags", 0444, show_flags},
    {"xmit_fifo_size", 0444, show_setting<&SerialStruct::xmit_fifo_size>},
    {"close_delay", 0444, show_setting<&SerialStruct::close_delay>},
    {"closing_wait", 0444, show_setting<&SerialStruct::closing_wait>},
    {"custom_divisor", 0444, show_setting<&SerialStruct::custom_divisor>},
    {"io_type", 0444, show_setting<&SerialStruct::io_type>},
    {"iomem_base", 0444, show_memory_base},
    {"iomem_reg_shift", 0444, show_setting<&SerialStruct::iomem_reg_shift>},
    {"console", 0444, show_console},
    {nullptr, 0},
};
constexpr AttributeGroup kUartGroup = {nullptr, kUartAttributes};

Device* Uart::device() const {
    return g_serial8250;
}
const AttributeGroup* Uart::attributes() const {
    return &kUartGroup;
}

void console_write(const char* text, size_t length) {
    while (length) {
        size_t n = 0;
        while (n < length && text[n] != '\n') n++;
        uarts[0].console_send(text, n);
        text += n;
        length -= n;
        if (length) {
            uarts[0].console_send("\r\n", 2);
            text++;
            length--;
        }
    }
}

Console serial_console = {console_write, nullptr};

}  // namespace

void serial_early_init() {
    if (uarts[0].probe()) register_console(&serial_console);
}

void serial_init() {
    uarts[1].probe();
    g_serial_driver = new (std::nothrow) SerialPlatformDriver;
    if (!g_serial_driver || !driver_register(platform_bus(), *g_serial_driver).ok())
        panic("serial: no memory");
    g_serial8250 = &platform_device_create("serial8250");
    for (Uart& uart : uarts) {
        if (!uart.present()) continue;
        printk(KERN_INFO "%s at I/O 16550A\n", uart.name());
        uart.enter_ports();
        uart.enable_interrupts();
    }
}

TtyDriver* serial_tty_driver(unsigned n) {
    return n < 2 && uarts[n].present() ? &uarts[n] : nullptr;
}

void serial_break_lock() {
    ignore_lock = true;
}
