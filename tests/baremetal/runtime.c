// See runtime.h.
#include "runtime.h"

extern u8 image_end[];
struct Frame trap;
u64 trap_cr2, usual_cr2, returned, resume_rip, resume_rsp;
int (*hook)(struct Frame*);
u8 tss[104] __attribute__((aligned(16)));
static u64 idt[512] __attribute__((aligned(16)));

// Items of a row: equal neighbours are put once, with their number.
static char items[2][80];
static int now, length, repeats, capturing;

static void put_char(char c) {
    if (capturing) {
        if (length < 79) items[now][length++] = c;
        return;
    }
    while ((inb(0x3fd) & 0x20) == 0) {
    }
    outb(0x3f8, (u8)c);
}

void put(const char* text) {
    while (*text) put_char(*text++);
}

void put_hex(u64 value, int digits) {
    if (digits == 0)
        for (digits = 1; digits < 16 && value >> (4 * digits) != 0;) ++digits;
    while (digits-- > 0) put_char("0123456789abcdef"[value >> (4 * digits) & 15]);
}

static int same_text(const char* a, const char* b) {
    while (*a && *a == *b) ++a, ++b;
    return *a == *b;
}

static void flush_item(int which) {
    if (repeats == 0) return;
    put(" ");
    put(items[which]);
    if (repeats > 1) put("*"), put_hex((u64)repeats, 0);
}

void row_begin(void) { repeats = 0; }

void item_begin(void) { capturing = 1, length = 0; }

void item_end(void) {
    capturing = 0;
    items[now][length] = 0;
    if (repeats != 0 && !same_text(items[0], items[1])) {
        flush_item(now ^ 1);
        repeats = 0;
    }
    ++repeats;
    now ^= 1;
}

void row_end(void) {
    capturing = 0;
    flush_item(now ^ 1);
    put("\n");
    repeats = 0;
}

static const char* const kNames[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",
                                     "#TS", "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM"};

static int has_error_code(u64 vector) {
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

void put_outcome(void) {
    if (trap.vector == NONE) {
        put("ok");
        return;
    }
    if (trap.vector < 20) {
        put(kNames[trap.vector]);
    } else {
        put("int");
        put_hex(trap.vector, 2);
    }
    if (!has_error_code(trap.vector)) return;
    put("(");
    put_hex(trap.error, 0);
    put(")");
    if (trap.vector != 14 || trap_cr2 == usual_cr2) return;
    put("@");
    // Where things lie in the image is the compiler's matter.
    if (trap_cr2 - 0x100000 < (u64)image_end - 0x100000) {
        put("image");
    } else {
        put_hex(trap_cr2, 0);
    }
}

void field(const char* name, u64 value) {
    put(" ");
    put(name);
    put("=");
    put_hex(value, 0);
}

void clear_trap(void) { trap.vector = NONE; }

u64 attempt(Code* code, u64 a, u64 b, u64 c) {
    clear_trap();
    try_call(code, a, b, c);
    return trap.vector;
}

u64 attempt_user(Code* code, u64 a, u64 b, u64 c) {
    clear_trap();
    try_user(code, a, b, c);
    return trap.vector;
}

// Bochs: a word written letter by letter to port 8900H ends it.
void finish(int status) {
    put("end\n");
    while ((inb(0x3fd) & 0x40) == 0) {
    }
    outl(0xf4, (u32)status);
    for (const char* c = "Shutdown"; *c; ++c) outb(0x8900, (u8)*c);
    for (;;) asm volatile("cli; hlt");
}

void trapped(struct Frame* frame) {
    u64 cr2;
    asm volatile("mov %%cr2, %0" : "=r"(cr2));
    trap_cr2 = cr2;
    trap = *frame;
    if (hook && hook(frame)) return;
    if (resume_rip == 0) {
        put("unexpected ");
        put_outcome();
        field("rip", frame->rip);
        field("cs", frame->cs);
        put("\n");
        finish(1);
    }
    frame->rip = resume_rip;
    frame->rsp = resume_rsp;
    frame->cs = 0x08;
    frame->ss = 0x10;
    frame->rflags = 2;
}

void set_raw_gate(int vector, u64 low, u64 high) {
    idt[2 * vector] = low;
    idt[2 * vector + 1] = high;
}

void set_gate(int vector, u64 offset, u16 selector, u8 access, u8 ist) {
    set_raw_gate(vector,
                 (offset & 0xffff) | (u64)selector << 16 | (u64)ist << 32 | (u64)access << 40 |
                     (offset >> 16 & 0xffff) << 48,
                 offset >> 32);
}

void set_descriptor(int selector, u64 value) { *(volatile u64*)((u8*)gdt + (selector & ~7)) = value; }

u64 make_descriptor(u32 base, u32 limit, u16 access) {
    return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 |
           (u64)(limit >> 16 & 15) << 48 | (u64)(base >> 24) << 56;
}

void set_tss64(int offset, u64 value) { *(u64 __attribute__((aligned(4)))*)(tss + offset) = value; }

void reload_tr(void) {
    set_descriptor(0x48, make_descriptor((u32)(u64)tss, sizeof tss - 1, 0x89));
    set_descriptor(0x50, 0);
    asm volatile("ltr %w0" ::"r"(0x48));
}

static u8 trap_stack[8192] __attribute__((aligned(16)));
static u8 double_fault_stack[4096] __attribute__((aligned(16)));

void prepare(void) {
    outb(0x3f9, 0);
    outb(0x3fb, 0x80);
    outb(0x3f8, 1);
    outb(0x3f9, 0);
    outb(0x3fb, 3);
    // The interrupt controllers: vectors 20H and up, all masked.
    outb(0x20, 0x11), outb(0x21, 0x20), outb(0x21, 4), outb(0x21, 1), outb(0x21, 0xff);
    outb(0xa0, 0x11), outb(0xa1, 0x28), outb(0xa1, 2), outb(0xa1, 1), outb(0xa1, 0xff);
    for (int i = 0; i < 256; ++i) set_gate(i, (u64)stubs + 16 * (u64)i, 0x08, i == 0xf0 ? 0xee : 0x8e, 0);
    set_gate(8, (u64)stubs + 16 * 8, 0x08, 0x8e, 1);
    set_tss64(4, (u64)(trap_stack + sizeof trap_stack));
    set_tss64(36, (u64)(double_fault_stack + sizeof double_fault_stack));
    *(u16*)(tss + 102) = sizeof tss;
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (u64)idt};
    asm volatile("lidt %0" ::"m"(pointer));
    reload_tr();
    clear_trap();
    put("begin\n");
}
