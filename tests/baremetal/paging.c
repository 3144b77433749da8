// Page faults (SDM vol. 3A, 4.6, 4.7): error codes over every combination of the entries' U/S, R/W and XD bits, the
// kind of access, CPL, CR0.WP, CR4.SMEP, CR4.SMAP and EFLAGS.AC; reserved bits at every level; accessed and dirty
// bits; INVLPG.
#include "runtime.h"

// A page of its own at AREA: PML4[1] → pages[0] → pages[1] → pages[2] → pages[3].
#define AREA 0x8000000000ul
#define ENTRY(level) pages[3 - (level)][0]  // level 1: the page's

SNIPPET(do_read, "mov (%rdi), %rax");
SNIPPET(do_write, "mov %rsi, (%rdi)");
SNIPPET(do_fetch, "jmp *%rdi");
SNIPPET(do_read_ac, "pushfq; orq $0x40000, (%rsp); popfq; mov (%rdi), %rax");
SNIPPET(do_write_ac, "pushfq; orq $0x40000, (%rsp); popfq; mov %rsi, (%rdi)");
USER_SNIPPET(user_read, "mov (%rdi), %rax");
USER_SNIPPET(user_write, "mov %rsi, (%rdi)");
USER_SNIPPET(user_fetch, "jmp *%rdi");
SNIPPET(do_cmpxchg, "xor %eax, %eax; lock cmpxchg %rsi, (%rdi)");
SNIPPET(do_push, "mov %rsp, %rax; lea 8(%rdi), %rsp; push %rsi; mov %rax, %rsp");
SNIPPET(two_pages, "mov %rsi, 0xffc(%rdi)");

static void map(u64 pte, u64 pde, u64 pdpte) {
    pml4[1] = (u64)pages[0] | 7;
    pages[0][0] = (u64)pages[1] | pdpte;
    pages[1][0] = (u64)pages[2] | pde;
    pages[2][0] = (u64)pages[3] | pte;
    pages[2][1] = 0;
    *(u8*)pages[3] = 0xcd, ((u8*)pages[3])[1] = 0xf0;  // int $0xf0
    write_cr3(read_cr3());
}

static void item(Code* code, int user) {
    item_begin();
    (user ? attempt_user : attempt)(code, AREA, 0xf0cd, 0);
    put_outcome();
    item_end();
}

static void rights(u64 wp, u64 smep, u64 smap) {
    write_cr0((read_cr0() & ~0x10000ul) | wp << 16);
    write_cr4((read_cr4() & ~0x300000ul) | smep << 20 | smap << 21);
    for (int pte = 0; pte < 8; ++pte) {
        for (int pde = 0; pde < 4; ++pde) {
            put("rights");
            field("wp", wp), field("smep", smep), field("smap", smap);
            put(pte & 1 ? " pte=w" : " pte=-");
            put(pte & 2 ? "u" : "-");
            put(pte & 4 ? "x" : "-");
            put(pde & 1 ? " pde=w" : " pde=-");
            put(pde & 2 ? "u:" : "-:");
            map(1 | (u64)(pte & 3) << 1 | (u64)(pte & 4 ? 0ul : 1ul) << 63, 1 | (u64)pde << 1, 7);
            row_begin();
            item(do_read, 0);
            item(do_write, 0);
            item(do_fetch, 0);
            item(do_read_ac, 0);
            item(do_write_ac, 0);
            item(user_read, 1);
            item(user_write, 1);
            item(user_fetch, 1);
            row_end();
        }
    }
    write_cr4(read_cr4() & ~0x300000ul);
}

// User mode with AC set: it means nothing there.
static void other_accesses(void) {
    static const u64 kEntries[] = {0, 1, 3, 5, 7};
    for (unsigned i = 0; i < 5; ++i) {
        map(kEntries[i], 7, 7);
        put("other");
        field("pte", kEntries[i]);
        put(":");
        row_begin();
        item(do_cmpxchg, 0);
        item(do_push, 0);
        item(two_pages, 0);
        item_begin();
        put("pte ");
        put_hex(pages[2][0] & 0xfff, 0);
        item_end();
        row_end();
    }
}

// One bit of an entry at a time, on a read: which are reserved.
static void reserved(const char* name, volatile u64* entry, u64 value) {
    for (int bit = 3; bit < 64; ++bit) {
        if ((bit >= 12 && bit < 51) || (bit == 7 && value == 0x87)) continue;  // addresses; which of them exist is a matter of the model
        if (bit == 7 && name[1] == 'd' && name[2] == 'p') continue;  // a page of 1 GiB, of whatever is there
        map(7, 7, 7);
        *entry = value ^ 1ul << bit;
        write_cr3(read_cr3());
        put("reserved ");
        put(name);
        field("bit", (u64)bit);
        put(": ");
        attempt(do_read, AREA, 0, 0);
        put_outcome();
        put("\n");
    }
}

static void put_ad(void) {
    put(" ");
    put_hex(pages[0][0] >> 5 & 3, 0);
    put_hex(pages[1][0] >> 5 & 3, 0);
    put_hex(pages[2][0] >> 5 & 3, 0);
}

static void accessed_dirty(void) {
    map(7, 7, 7);
    put("a/d at first");
    put_ad();
    attempt(do_read, AREA, 0, 0);
    put("; read");
    put_ad();
    attempt(do_write, AREA, 0xf0cd, 0);
    put("; write");
    put_ad();
    put("\n");
    map(5, 7, 7);
    put("a/d write refused");
    attempt_user(user_write, AREA, 0, 0);
    put_ad();
    put("; fetch");
    attempt_user(user_fetch, AREA, 0, 0);
    put_ad();
    put("\n");
    map(0, 7, 7);
    put("a/d not present");
    attempt(do_read, AREA, 0, 0);
    put_ad();
    put("\n");
    map(3, 7, 7);
    put("a/d user refused");
    attempt_user(user_read, AREA, 0, 0);
    put_ad();
    put("\n");
    map(0x67, 7, 7);
    put("a/d pte had both");
    attempt(do_write, AREA, 0xf0cd, 0);
    put_ad();
    put("\n");
    // Large pages: 2 MiB at AREA, of the page that pages[] begins in.
    map(7, 7, 7);
    pages[1][0] = ((u64)pages & ~0x1ffffful) | 0x87;
    write_cr3(read_cr3());
    put("a/d 2 MiB, write");
    attempt(do_read, AREA, 0, 0);
    put_ad();
    put("\n");
}

static void invalidation(void) {
    map(7, 7, 7);
    attempt(do_read, AREA, 0, 0);
    pages[2][0] = 0;
    put("invlpg: ");
    asm volatile("invlpg (%0)" ::"r"(AREA) : "memory");
    attempt(do_read, AREA, 0, 0);
    put_outcome();
    // Rights may grow without an invalidation: at the fault the tables are walked again.
    map(1, 7, 7);
    attempt(do_read, AREA, 0, 0);
    put(" grown: ");
    write_cr0(read_cr0() | 0x10000);
    attempt(do_write, AREA, 0xf0cd, 0);
    put_outcome();
    pages[2][0] |= 2;
    attempt(do_write, AREA, 0xf0cd, 0);
    put(" ");
    put_outcome();
    put("\n");
    // Global pages stay over a load of CR3.
    write_cr4(read_cr4() | 0x80);
    map(0x107, 7, 7);
    attempt(do_read, AREA, 0, 0);
    asm volatile("invlpg (%0)" ::"r"(AREA) : "memory");
    pages[2][0] = 0;
    put("global, invlpg: ");
    attempt(do_read, AREA, 0, 0);
    put_outcome();
    put("\n");
    write_cr4(read_cr4() & ~0x80ul);
}

static void addresses(void) {
    static const u64 kAddresses[] = {0x7fffffffffff, 0x800000000000, 0xffff7fffffffffff, 0xffff800000000000,
                                     0xfffffffffffffff9, 0x7ffffffffffc};
    for (unsigned i = 0; i < 6; ++i) {
        put("address ");
        put_hex(kAddresses[i], 16);
        put(":");
        row_begin();
        for (int kind = 0; kind < 4; ++kind) {
            Code* const kCodes[] = {do_read, do_write, do_push, do_fetch};
            item_begin();
            attempt(kCodes[kind], kAddresses[i], 0, 0);
            put_outcome();
            item_end();
        }
        row_end();
    }
}

int main(void) {
    usual_cr2 = AREA;
    for (int bits = 0; bits < 8; ++bits) rights(bits & 1, bits >> 1 & 1, bits >> 2 & 1);
    other_accesses();
    reserved("pte", &pages[2][0], (u64)pages[3] | 7);
    reserved("pde", &pages[1][0], (u64)pages[2] | 7);
    reserved("2m", &pages[1][0], 0x87);
    reserved("pdpte", &pages[0][0], (u64)pages[1] | 7);
    reserved("1g", &pages[0][0], 0x87);
    reserved("pml4e", &pml4[1], (u64)pages[0] | 7);
    pml4[1] = 0;
    accessed_dirty();
    invalidation();
    addresses();
    return 0;
}
