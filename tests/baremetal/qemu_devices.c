// The test devices that have QEMU's names (devices/pc_testdev.h, devices/fw_cfg.h), as QEMU has them.
#include "runtime.h"

#define IOAPIC 0xfec00000ul
#define APIC 0xfee00000ul

static void latch(void) {
    outl(0xe0, 0x12345678);
    put("latch:");
    field("b0", inb(0xe0)), field("b3", inb(0xe3)), field("w1", inw(0xe1)), field("l", inl(0xe0));
    outb(0xe2, 0xab);
    field("l", inl(0xe0));
    outw(0xe8, 0xcdef);
    field("e0", inl(0xe0)), field("e8", inl(0xe8)), field("eb", inb(0xeb));
    outb(0xe9, 0x11);
    field("l", inl(0xe8));
    outl(0xe4, 0x5000);
    put("\nmemory:");
    volatile u8* memory = (u8*)0xff000000ul;
    *(volatile u64*)memory = 0x1122334455667788;
    field("b1", memory[1]), field("w2", *(volatile u16*)(memory + 2)), field("l3", *(volatile u32*)(memory + 3));
    memory[0xffff] = 0x5a;
    field("last", memory[0xffff]);
    field("q", *(volatile u64*)memory);
    put("\n");
}

static volatile int taken;
static volatile u64 last;
static int on_line(struct Frame* frame) {
    if (frame->vector < 0x30 || frame->vector > 0x3f) return 0;
    ++taken;
    last = frame->vector;
    mmio_write(APIC + 0xb0, 0);
    return 1;
}

static void ioapic_write(u32 reg, u32 value) {
    mmio_write(IOAPIC, reg);
    mmio_write(IOAPIC + 16, value);
}
static void lines(void) {
    hook = on_line;
    mmio_write(APIC + 0xf0, 0x1ff);
    for (u32 line = 3; line < 16; line += 4) {
        ioapic_write(0x10 + 2 * line + 1, mmio_read(APIC + 0x20) & 0xff000000);
        ioapic_write(0x10 + 2 * line, 0x30 + line);
        put("edge line");
        field("n", line);
        taken = 0;
        asm volatile("sti");
        for (int i = 0; i < 2; ++i) {
            outb((u16)(0x2000 + line), 1);
            for (int j = 0; j < 100; ++j) asm volatile("pause");
            outb((u16)(0x2000 + line), 1);
            for (int j = 0; j < 100; ++j) asm volatile("pause");
            outb((u16)(0x2000 + line), 0);
            for (int j = 0; j < 100; ++j) asm volatile("pause");
        }
        asm volatile("cli");
        field("taken", (u64)taken), field("vector", last);
        ioapic_write(0x10 + 2 * line, 0x10000);
        put("\n");
    }
    hook = 0;
}

static void fw_cfg(void) {
    put("fw_cfg:");
    static volatile char text[9];
    outw(0x510, 0);
    for (int i = 0; i < 6; ++i) field("b", inb(0x511));
    outw(0x510, 1);
    field("features", inb(0x511));
    outw(0x510, 3);
    u64 ram = 0;
    for (int i = 0; i < 8; ++i) ram |= (u64)inb(0x511) << 8 * i;
    field("ram", ram);
    outw(0x510, 5);
    field("cpus", inb(0x511));
    outw(0x510, 0x7777);
    field("none", inb(0x511));
    put("\n");
    // Our file, found in the directory.
    outw(0x510, 0x19);
    u32 count = 0;
    for (int i = 0; i < 4; ++i) count = count << 8 | inb(0x511);
    for (u32 i = 0; i < count; ++i) {
        u8 entry[64];
        for (int j = 0; j < 64; ++j) entry[j] = inb(0x511);
        static const char kName[] = "opt/test";
        int same = 1;
        for (int j = 0; j < 9; ++j) same &= entry[8 + j] == (u8)kName[j];
        if (!same) continue;
        put("opt/test:");
        field("size", entry[3]);
        const u16 item = (u16)(entry[4] << 8 | entry[5]);
        // By the transfer interface: select and read, with more than there is.
        static volatile struct {
            u32 control, length;
            u64 address;
        } request __attribute__((aligned(16)));
        for (int j = 0; j < 9; ++j) text[j] = 'x';
        request.control = __builtin_bswap32((u32)item << 16 | 8 | 2);
        request.length = __builtin_bswap32(8);
        request.address = __builtin_bswap64((u64)text);
        outl(0x514, 0);
        outl(0x518, __builtin_bswap32((u32)(u64)&request));
        field("control", request.control);
        for (int j = 0; j < 9; ++j) field("b", (u8)text[j]);
        // A write is refused; so is memory that is none.
        request.control = __builtin_bswap32(0x10);
        outl(0x514, 0);
        outl(0x518, __builtin_bswap32((u32)(u64)&request));
        field("write", __builtin_bswap32(request.control));
        request.control = __builtin_bswap32((u32)item << 16 | 8 | 4);
        request.length = __builtin_bswap32(2);
        outl(0x514, 0);
        outl(0x518, __builtin_bswap32((u32)(u64)&request));
        field("skipped to", inb(0x511));
        field("signature", inl(0x514)), field("", inl(0x518));
        put("\n");
    }
}

int main(void) {
    latch();
    lines();
    fw_cfg();
    return 0;
}
