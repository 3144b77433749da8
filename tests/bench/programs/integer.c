/* Integer arithmetic: xorshift, multiply, divide, a sieve. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t sieve[1 << 16];

static unsigned primes(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof sieve; ++i) sieve[i] = 1;
    for (unsigned i = 2; i < sizeof sieve; ++i) {
        if (!sieve[i]) continue;
        ++count;
        for (unsigned j = i * 2; j < sizeof sieve; j += i) sieve[j] = 0;
    }
    return count;
}

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 60;
    uint64_t x = 88172645463325252u, sum = 0;
    for (long r = 0; r < rounds; ++r) {
        for (int i = 0; i < 200000; ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            sum += x * 0x9e3779b97f4a7c15u;
            if ((i & 15) == 0) sum ^= x / (sum | 1);
        }
        sum += primes();
    }
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
