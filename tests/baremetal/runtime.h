// What the bare-metal programs share: output on COM1, the state of the last trap, descriptors, MSRs, ports.
// A program prints observed values, one "what: value" a line; whoever runs it compares them.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define USER_ALIAS 0x100000000ul

struct Frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error, rip, cs, rflags, rsp, ss;
};
// The last trap; vector NONE after clear_trap().
#define NONE 256
extern struct Frame trap;
extern u64 trap_cr2, returned, user_rflags;
extern u64 usual_cr2;  // put_outcome() leaves this address away
// Called for each trap first; true: handled, go on where the frame says.
extern int (*hook)(struct Frame*);

typedef void Code(u64, u64, u64);
void try_call(Code* code, u64 a, u64 b, u64 c);
void try_user(Code* code, u64 a, u64 b, u64 c);
void landing(void);
extern u8 other_stack_top[], user_stack_top[], stubs[];
extern u64 gdt[], pml4[512], directories[5][512], pages[16][512];

// A piece of assembly to be tried: arguments in RDI, RSI, RDX; the result in RAX.
#define SNIPPET(name, code)   \
    void name(u64, u64, u64); \
    asm(".text\n" #name ":\n" code "\nret\n")
// For user mode: it ends with INT F0H, the way back.
#define USER_SNIPPET(name, code) \
    void name(u64, u64, u64);    \
    asm(".text\n" #name ":\n" code "\nint $0xf0\n")

void put(const char* text);
void put_hex(u64 value, int digits);  // digits 0: as many as it has
// A row of results on one line: row_begin(); then for each item_begin(), put…, item_end(); at last row_end().
// Equal neighbours become one: "ok*4".
void row_begin(void);
void item_begin(void);
void item_end(void);
void row_end(void);
void put_outcome(void);  // "ok", "#GP(0018)", "#PF(0005)@1234", "int f0"
void field(const char* name, u64 value);
void finish(int status);
void clear_trap(void);
// try_call/try_user with a fresh trap; the vector, or NONE.
u64 attempt(Code* code, u64 a, u64 b, u64 c);
u64 attempt_user(Code* code, u64 a, u64 b, u64 c);

void set_gate(int vector, u64 offset, u16 selector, u8 access, u8 ist);
void set_raw_gate(int vector, u64 low, u64 high);
void set_descriptor(int selector, u64 value);
u64 make_descriptor(u32 base, u32 limit, u16 access);  // access: bits 40-55 (limit's nibble left out)
void reload_tr(void);
extern u8 tss[104];
void set_tss64(int offset, u64 value);

#define asm_v asm volatile
static inline void outb(u16 port, u8 v) {
    asm_v("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outw(u16 port, u16 v) {
    asm_v("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v) {
    asm_v("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline u8 inb(u16 port) {
    u8 v;
    asm_v("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u16 inw(u16 port) {
    u16 v;
    asm_v("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u32 inl(u16 port) {
    u32 v;
    asm_v("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u64 rdmsr(u32 n) {
    u32 l, h;
    asm_v("rdmsr" : "=a"(l), "=d"(h) : "c"(n));
    return l | (u64)h << 32;
}
static inline void wrmsr(u32 n, u64 v) {
    asm_v("wrmsr" ::"c"(n), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 read_cr0(void) {
    u64 v;
    asm_v("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline u64 read_cr3(void) {
    u64 v;
    asm_v("mov %%cr3, %0" : "=r"(v));
    return v;
}
static inline u64 read_cr4(void) {
    u64 v;
    asm_v("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr0(u64 v) {
    asm_v("mov %0, %%cr0" ::"r"(v) : "memory");
}
static inline void write_cr3(u64 v) {
    asm_v("mov %0, %%cr3" ::"r"(v) : "memory");
}
static inline void write_cr4(u64 v) {
    asm_v("mov %0, %%cr4" ::"r"(v) : "memory");
}
static inline u32 mmio_read(u64 at) {
    return *(volatile u32*)at;
}
static inline void mmio_write(u64 at, u32 v) {
    *(volatile u32*)at = v;
}
