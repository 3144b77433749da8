// A ChaCha20 generator with fast key erasure: every request makes a new key first, so that what was given out
// cannot be computed from the state left behind. The block function follows RFC 8439, section 2.3.
#include "core/random.h"

#include "core/string.h"
#include "sync/spinlock.h"
#include "time/clock.h"

namespace {

SpinLock g_lock{LockRank::kRandom};
u32 g_key[8] = {0x6f727265, 0x72792063, 0x73707267, 0x2e6b6579};
u64 g_nonce = 0;

u32 rotate(u32 v, int n) {
    return v << n | v >> (32 - n);
}

void quarter_round(u32& a, u32& b, u32& c, u32& d) {
    a += b; d = rotate(d ^ a, 16);
    c += d; b = rotate(b ^ c, 12);
    a += b; d = rotate(d ^ a, 8);
    c += d; b = rotate(b ^ c, 7);
}

void chacha_block(const u32 key[8], u32 counter, u64 nonce, u32 out[16]) {
    u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int i = 0; i < 8; i++) start[4 + i] = key[i];
    start[12] = counter;
    start[13] = 0;
    start[14] = static_cast<u32>(nonce);
    start[15] = static_cast<u32>(nonce >> 32);
    u32 s[16];
    memcpy(s, start, sizeof(s));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) quarter_round(s[i], s[4 + i], s[8 + i], s[12 + i]);
        for (int i = 0; i < 4; i++) quarter_round(s[i], s[4 + (i + 1) % 4], s[8 + (i + 2) % 4], s[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < 16; i++) out[i] = s[i] + start[i];
}

// Under the lock: the key for one request, and a new one for the next.
void draw_key(u32 request_key[8]) {
    u32 block[16];
    chacha_block(g_key, 0, ++g_nonce, block);
    memcpy(g_key, block, sizeof(g_key));
    memcpy(request_key, block + 8, 32);
}

}  // namespace

void get_random_bytes(void* out, size_t size) {
    u32 key[8];
    {
        IrqGuard guard(g_lock);
        g_key[7] ^= static_cast<u32>(ktime_get_ns());
        draw_key(key);
    }
    u8* bytes = static_cast<u8*>(out);
    u32 block[16];
    for (u32 counter = 1; size > 0; counter++) {
        chacha_block(key, counter, 0, block);
        const size_t n = min(size, sizeof(block));
        memcpy(bytes, block, n);
        bytes += n;
        size -= n;
    }
}

void add_device_randomness(const void* bytes, size_t size) {
    const u8* p = static_cast<const u8*>(bytes);
    IrqGuard guard(g_lock);
    u32 unused[8];
    while (size > 0) {
        u8 chunk[32] = {};
        const size_t n = min(size, sizeof(chunk));
        memcpy(chunk, p, n);
        for (int i = 0; i < 8; i++) {
            u32 word;
            memcpy(&word, chunk + 4 * i, 4);
            g_key[i] ^= word;
        }
        draw_key(unused);
        p += n;
        size -= n;
    }
}
