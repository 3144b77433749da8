/* A pointer chase over 64 MiB: every step beyond the TLB and the caches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    const long steps = argc > 1 ? atol(argv[1]) : 4000000;
    const uint32_t count = 1u << 20;  /* of 64 bytes */
    uint32_t* next = malloc((size_t)count * 64);
    if (!next) return 1;
    for (uint32_t i = 0; i < count; ++i) next[i * 16] = (i * 1664525u + 1013904223u) & (count - 1);
    uint32_t at = 0, sum = 0;
    for (long s = 0; s < steps; ++s) {
        at = next[at * 16];
        sum += at;
    }
    printf("%08x\n", sum);
    return 0;
}
