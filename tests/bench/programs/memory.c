/* Memory and strings: copies, fills, comparisons, searches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char from[1 << 20], to[1 << 20];

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 100;
    uint64_t sum = 0;
    for (unsigned i = 0; i < sizeof from; ++i) from[i] = (char)(1 + i % 97);
    for (long r = 0; r < rounds; ++r) {
        memcpy(to, from, sizeof from);
        memset(to + (r & 1023), (int)r, 4096);
        sum += (uint64_t)(memcmp(from, to, sizeof from) != 0);
        to[sizeof to - 1] = 0;
        sum += strlen(to + 4096);
        const char* found = memchr(from, 'z' + 20, sizeof from);
        sum += found ? (uint64_t)(found - from) : 1;
        for (unsigned i = 0; i < sizeof to; i += 8) sum += (unsigned char)to[i];
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
