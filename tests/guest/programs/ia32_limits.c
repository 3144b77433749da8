// The limit of a 32-bit program's own segment: the byte behind it is a fault.
#include "check32.h"

enum { kSegv = 11, k32Bit = 1, kUsable = 0x40 };
static u32 table[4] = {0x1234, 0, 0, 0};

static void beyond_limit(void) {
    u32 d[4] = {3, (u32)table, 3, k32Bit | kUsable};
    int value;
    if (sys(123, 0x11, d, sizeof(d))) sys(1, 8);
    __asm__ volatile("movw %w1, %%gs; movl %%gs:0, %0" : "=r"(value) : "r"(0x1f));
    if (value != 0x1234) sys(1, 9);
    __asm__ volatile("movl %%gs:1, %0" : "=r"(value));
}

static int run(u32* stack) {
    const int pid = sys(2);
    if (pid == 0) {
        beyond_limit();
        sys(1, 0);
    }
    int status = -1;
    sys(7, pid, &status, 0);
    CHECK((status & 0x7f) == kSegv);
    return 0;
}
