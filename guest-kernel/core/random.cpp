// ChaCha20 as a random number generator (core/random.h).
//
// Guarantees: the key changes with every request, so that earlier output cannot be recomputed from the state.
#include "core/random.h"

#include "core/string.h"
#include "sync/guarded.h"

namespace {

struct Generator {
    u32 key[8];
    u64 counter;

    void block(u32 out[16]);
    void erase_key();
};
Guarded<Generator, LockRank::kRandom> generator;

u32 rotate(u32 x, int n) {
    return x << n | x >> (32 - n);
}

void quarter_round(u32* s, int a, int b, int c, int d) {
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

/// One 64-byte block (RFC 8439, 2.3).
void Generator::block(u32 out[16]) {
    const u32 state[16] = {0x61707865,
                           0x3320646e,
                           0x79622d32,
                           0x6b206574,
                           key[0],
                           key[1],
                           key[2],
                           key[3],
                           key[4],
                           key[5],
                           key[6],
                           key[7],
                           static_cast<u32>(counter),
                           static_cast<u32>(counter >> 32),
                           0,
                           0};
    counter++;
    memcpy(out, state, sizeof(state));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) quarter_round(out, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++) quarter_round(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 16; i++) out[i] += state[i];
}

/// The first half of a block becomes the next key.
void Generator::erase_key() {
    u32 out[16];
    block(out);
    memcpy(key, out, sizeof(key));
}

}  // namespace

void get_random_bytes(void* buffer, size_t size) {
    u8* to = static_cast<u8*>(buffer);
    const auto g = generator.lock();
    while (size) {
        u32 out[16];
        g->block(out);
        const size_t n = min(size, sizeof(out));
        memcpy(to, out, n);
        to += n;
        size -= n;
    }
    g->erase_key();
}

void add_device_randomness(const void* bytes, size_t size) {
    const u8* from = static_cast<const u8*>(bytes);
    const auto g = generator.lock();
    for (size_t i = 0; i < size; i++) {
        reinterpret_cast<u8*>(g->key)[i % sizeof(g->key)] ^= from[i];
        if (i % sizeof(g->key) == sizeof(g->key) - 1) g->erase_key();
    }
    g->erase_key();
}
