// The memory image of a program: what the loader leaves behind the file's bytes.
#include <stdint.h>

#include "check.h"

extern char _end[];
static char small_bss[8];  // .data before it and .bss end in one page
static volatile int initialised = 7;

static int all_zero(const char *from, const char *to) {
    for (; from < to; from++)
        if (*from) return 0;
    return 1;
}

int main(void) {
    // Nothing has been written to the page behind .bss yet: the file's section names and symbols must not be there.
    char *page_end = (char *)(((uintptr_t)_end + 4095) & ~4095ul);
    CHECK(all_zero(_end, page_end));
    CHECK(all_zero(small_bss, small_bss + sizeof(small_bss)));
    CHECK(initialised == 7);
    CHECK_END();
}
