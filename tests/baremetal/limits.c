// What segments allow in 32-bit protected mode (SDM vol. 3A, 5.3, 5.5): limits, expand-down, rights, null selectors. Not
// for QEMU's TCG, which checks none of it.
#include "legacy.h"

SNIPPET32(read_byte, "mov %edi, %ds; movzbl (%esi), %eax");
SNIPPET32(read_word, "mov %edi, %ds; movzwl (%esi), %eax");
SNIPPET32(read_long, "mov %edi, %ds; mov (%esi), %eax");
SNIPPET32(write_byte, "mov %edi, %ds; movb $0, (%esi)");
SNIPPET32(read_code, "mov %edi, %es; mov %es:(%esi), %al");
SNIPPET32(read_string, "mov %edi, %ds; mov $2, %ecx; rep lodsl");
SNIPPET32(read_null, "xor %eax, %eax; mov %eax, %gs; mov %gs:0, %eax");
USER_SNIPPET32(user_push, "mov %edi, %ss; mov %esi, %esp; push %eax");

// What a data segment allows: offsets at its limit's edge, in accesses of each size.
static void limits(void) {
    static const struct {
        u16 access;
        u32 limit;
    } kSegments[] = {{0x4092, 0xfff}, {0xc092, 0}, {0x4096, 0xfff}, {0xc096, 0}, {0x0096, 0xfff}, {0x4092, 0},
                     {0x4090, 0xfff}, {0x409a, 0xfff}, {0x4098, 0xfff}, {0x4096, 0xfffff}};
    static const u32 kOffsets[] = {0, 1, 0xffc, 0xffd, 0xffe, 0xfff, 0x1000, 0xffff, 0x10000, 0xfffffffe, 0xffffffff};
    for (unsigned s = 0; s < sizeof kSegments / sizeof kSegments[0]; ++s) {
        set_descriptor(SEL, make_descriptor(0x100000, kSegments[s].limit, kSegments[s].access));
        for (unsigned o = 0; o < sizeof kOffsets / 4; ++o) {
            // What lies there is not our matter, but it must be RAM.
            put("segment");
            field("access", kSegments[s].access), field("limit", kSegments[s].limit), field("offset", kOffsets[o]);
            put(":");
            row_begin();
            item(read_byte, 0, 0, SEL, kOffsets[o], 0);
            item(read_word, 0, 0, SEL, kOffsets[o], 0);
            item(read_long, 0, 0, SEL, kOffsets[o], 0);
            item(read_string, 0, 0, SEL, kOffsets[o], 0);
            row_end();
        }
    }
    put("write to read-only, code; read of execute-only:");
    row_begin();
    set_descriptor(SEL, make_descriptor(0x100000, 0xfff, 0x4090));
    item(write_byte, 0, 0, SEL, 0xff0, 0);
    set_descriptor(SEL, make_descriptor(0x100000, 0xfff, 0x409a));
    item(write_byte, 0, 0, SEL, 0xff0, 0);
    item(read_code, 0, 0, SEL, 0, 0);
    set_descriptor(SEL, make_descriptor(0x100000, 0xfff, 0x4098));
    item(read_code, 0, 0, SEL, 0, 0);
    item(read_null, 0, 0, 0, 0, 0);
    row_end();
    set_descriptor(SEL, make_descriptor((u32)(u64)pages, 0xff, 0x40f2));
    put("push:");
    row_begin();
    static const u32 kStacks[] = {0x100, 0x101, 0x104, 4, 3, 0};
    for (unsigned i = 0; i < 6; ++i) item(user_push, 1, 0, SEL | 3, kStacks[i], 0);
    row_end();
}

int main(void) {
    prepare32();
    limits();
    reload_tr();
    return 0;
}
