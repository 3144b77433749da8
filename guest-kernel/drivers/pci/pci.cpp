// Finding PCI functions and setting them up (drivers/pci/pci.h): configuration mechanism #1, ports CF8 and CFC.
#include "drivers/pci/pci.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "core/printk.h"
#include "mm/vmalloc.h"
#include "sync/guarded.h"

namespace {

constexpr u16 kAddressPort = 0xcf8, kDataPort = 0xcfc;

enum Register : unsigned {
    kVendor = 0x00,
    kCommand = 0x04,
    kStatus = 0x06,
    kRevision = 0x08,
    kHeaderType = 0x0e,
    kFirstBar = 0x10,
    kSecondaryBus = 0x19,
    kSubsystem = 0x2c,
    kCapabilities = 0x34,
    kIrqLine = 0x3c,
};
enum Command : u32 { kCommandMemory = 2, kCommandMaster = 4, kCommandNoIntx = 1u << 10 };

struct Ports {};
Guarded<Ports, LockRank::kPciConfig> g_ports;

// Where BARs go that firmware has not placed; below the IOAPIC.
constexpr u64 kWindowStart = 0xd0000000, kWindowEnd = 0xfec00000;
u64 g_window_end = kWindowEnd;  // boot only: grows downwards

PciDevice* g_devices = nullptr;
PciDevice** g_last = &g_devices;

u32 address_of(const PciDevice& d, unsigned offset) {
    return 1u << 31 | u32{d.bus} << 16 | u32{d.slot} << 11 | u32{d.function} << 8 | (offset & 0xfc);
}

void read_bar(PciDevice& d, unsigned& i) {
    const unsigned at = kFirstBar + 4 * i;
    PciDevice::Bar& bar = d.bars[i];
    const u32 low = d.read(at, 4);
    const bool is_port = low & 1;
    const bool is_wide = !is_port && (low & 6) == 4;
    d.write(at, 4, ~0u);
    u64 mask = d.read(at, 4) & (is_port ? ~3u : ~15u);
    d.write(at, 4, low);
    u64 address = low & (is_port ? ~3u : ~15u);
    if (is_wide) {
        const u32 high = d.read(at + 4, 4);
        d.write(at + 4, 4, ~0u);
        mask |= u64{d.read(at + 4, 4)} << 32;
        d.write(at + 4, 4, high);
        address |= u64{high} << 32;
    } else if (mask) {
        mask |= ~0ull << 32;
    }
    if (mask) {
        bar.flags = low & (is_port ? 3 : 15);
        bar.length = is_port ? (~mask & 0xffff) + 1 : ~mask + 1;
        if (address == 0 && !is_port && bar.length <= kWindowEnd - kWindowStart) {
            const u64 place = align_down(g_window_end - bar.length, bar.length);
            if (place >= kWindowStart) {
                g_window_end = address = place;
                d.write(at, 4, static_cast<u32>(place));
                if (is_wide) d.write(at + 4, 4, 0);
            }
        }
        bar.address = address;
    }
    if (is_wide) i++;
}

void scan_bus(u8 bus, unsigned depth);

void add_function(u8 bus, u8 slot, u8 function, unsigned depth) {
    PciDevice probe{};
    probe.bus = bus;
    probe.slot = slot;
    probe.function = function;
    const u32 id = probe.read(kVendor, 4);
    if ((id & 0xffff) == 0xffff) return;
    auto* d = new (std::nothrow) PciDevice(probe);
    if (!d) return;
    d->vendor = static_cast<u16>(id);
    d->device = static_cast<u16>(id >> 16);
    d->class_code = d->read(kRevision, 4) >> 8;
    d->revision = static_cast<u8>(d->read(kRevision, 1));
    d->header_type = static_cast<u8>(d->read(kHeaderType, 1) & 0x7f);
    d->irq_line = static_cast<u8>(d->read(kIrqLine, 1));
    d->irq_pin = static_cast<u8>(d->read(kIrqLine + 1, 1));
    const u16 command = static_cast<u16>(d->read(kCommand, 2));
    d->write(kCommand, 2, command & ~3u);  // no decoding while the BARs are measured
    const unsigned bars = d->header_type == 0 ? 6 : d->header_type == 1 ? 2 : 0;
    for (unsigned i = 0; i < bars; i++) read_bar(*d, i);
    d->write(kCommand, 2, command);
    if (d->header_type == 0) {
        d->subsystem_vendor = static_cast<u16>(d->read(kSubsystem, 2));
        d->subsystem = static_cast<u16>(d->read(kSubsystem + 2, 2));
    }
    *g_last = d;
    g_last = &d->next;
    printk(KERN_INFO "pci 0000:%02x:%02x.%u: [%04x:%04x] type %02x class 0x%06x\n", bus, slot, function,
           d->vendor, d->device, d->header_type, d->class_code);
    if (d->header_type == 1) scan_bus(static_cast<u8>(d->read(kSecondaryBus, 1)), depth + 1);
}

void scan_bus(u8 bus, unsigned depth) {
    constexpr unsigned kMaxDepth = 8;  // a bridge may name any bus, also its own
    if (depth > kMaxDepth || (depth > 0 && bus == 0)) return;
    for (u8 slot = 0; slot < 32; slot++) {
        PciDevice first{};
        first.bus = bus;
        first.slot = slot;
        if (first.read(kVendor, 2) == 0xffff) continue;
        const unsigned functions = first.read(kHeaderType, 1) & 0x80 ? 8 : 1;
        for (u8 f = 0; f < functions; f++) add_function(bus, slot, f, depth);
    }
}

}  // namespace

u32 PciDevice::read(unsigned offset, unsigned size) const {
    return g_ports.with([&](Ports&) -> u32 {
        outl(kAddressPort, address_of(*this, offset));
        const u16 port = static_cast<u16>(kDataPort + (offset & 3));
        return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
    });
}

void PciDevice::write(unsigned offset, unsigned size, u32 value) const {
    g_ports.with([&](Ports&) {
        outl(kAddressPort, address_of(*this, offset));
        const u16 port = static_cast<u16>(kDataPort + (offset & 3));
        if (size == 1)
            outb(port, static_cast<u8>(value));
        else if (size == 2)
            outw(port, static_cast<u16>(value));
        else
            outl(port, value);
    });
}

unsigned PciDevice::find_capability(u8 id, unsigned after) const {
    constexpr u32 kHasCapabilities = 1u << 4;
    if (!(read(kStatus, 2) & kHasCapabilities)) return 0;
    unsigned at = read(after ? after + 1 : unsigned{kCapabilities}, 1) & 0xfc;
    for (unsigned n = 0; at && n < 48; n++, at = read(at + 1, 1) & 0xfc) {  // a broken list may be a ring
        if (read(at, 1) == id) return at;
    }
    return 0;
}

volatile u8* PciDevice::map_bar(unsigned i) {
    if (i >= kBars) return nullptr;
    Bar& bar = bars[i];
    if (bar.mapped || !bar.address || (bar.flags & 1)) return bar.mapped;
    bar.mapped = static_cast<volatile u8*>(ioremap(bar.address, bar.length));
    return bar.mapped;
}

void PciDevice::enable() const {
    write(kCommand, 2, read(kCommand, 2) | kCommandMemory | kCommandMaster);
}

Result<void> PciDevice::enable_msix(unsigned entry, const char* name, IrqHandler handler, void* data) {
    constexpr u8 kMsix = 0x11;
    const unsigned at = find_capability(kMsix);
    if (!at) return Errno::ENODEV;
    const u32 control = read(at + 2, 2);
    if (entry > (control & 0x7ff)) return Errno::ENODEV;
    const u32 table = read(at + 4, 4);
    volatile u8* base = map_bar(table & 7);
    if (!base) return Errno::ENODEV;
    const u8 vector = TRY(request_vector(name, handler, data));
    auto* words = reinterpret_cast<volatile u32*>(base + (table & ~7u) + 16 * entry);
    words[0] = 0xfee00000u | this_cpu().apic_id << 12;
    words[1] = 0;
    words[2] = vector;
    words[3] = 0;  // not masked
    write(at + 2, 2, (control & ~0x4000u) | 0x8000u);
    write(kCommand, 2, read(kCommand, 2) | kCommandNoIntx);
    return {};
}

PciDevice* first_pci_device() {
    return g_devices;
}

void pci_init() {
    scan_bus(0, 0);
}
