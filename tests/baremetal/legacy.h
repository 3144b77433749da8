// 32-bit protected mode for programs that are 64-bit otherwise (legacy32.S): snippets, and what they came to.
#pragma once

#include "runtime.h"

typedef void Code32(void);
void legacy_call(Code32* code, u32 a, u32 b, u32 c);
void legacy_user(Code32* code, u32 a, u32 b, u32 c);
extern u32 legacy_trap[5], legacy_result, legacy_user_flags;
extern u64 idt32[256];
extern u8 stubs32[];
void landing32(void);

#define SNIPPET32(name, code) \
    void name(void);          \
    asm(".text\n.code32\n" #name ":\n" code "\nret\n.code64\n")
#define USER_SNIPPET32(name, code) \
    void name(void);               \
    asm(".text\n.code32\n" #name ":\n" code "\nint $0xf0\n.code64\n")

SNIPPET32(landing32, "int $0xf0");

#define SEL 0x100u

static u32 tss32[26];

static inline void clear(void) {
    set_descriptor(0x60, make_descriptor((u32)(u64)tss32, sizeof tss32 - 1, 0x89));
    for (int i = 0; i < 256; ++i) {
        const u32 at = (u32)(u64)stubs32 + 16 * (u32)i;
        idt32[i] = (at & 0xffff) | 0x18ul << 16 | (i == 0xf0 ? 0xeeul : 0x8eul) << 40 | (u64)(at >> 16) << 48;
    }
}

static inline void put_result(int shows_value) {
    trap.vector = legacy_trap[0];
    trap.error = legacy_trap[1];
    if (trap.vector == NONE) {
        put("ok");
        if (shows_value) put(":"), put_hex(legacy_result, 0);
    } else if (trap.vector == 0xf0 || trap.vector == 0x60) {
        put(trap.vector == 0x60 ? "in:" : "landed:");
        put_hex(legacy_trap[3] & 0xffff, 0);
        put(":");
        put_hex(legacy_trap[4] & 0x3ff700, 0);
        if (shows_value) put(":"), put_hex(legacy_result, 0);
    } else {
        put_outcome();
    }
}

static inline void item(Code32* code, int user, int shows_value, u32 a, u32 b, u32 c) {
    item_begin();
    (user ? legacy_user : legacy_call)(code, a, b, c);
    clear();
    put_result(shows_value);
    item_end();
}

static inline void prepare32(void) {
    tss32[1] = (u32)(u64)other_stack_top;
    tss32[2] = 0x10;
    tss32[25] = sizeof tss32 << 16;
    clear();
}
