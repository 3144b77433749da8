// Hardware tasks in 32-bit protected mode (SDM vol. 3A, chapter 7): JMP, CALL, INT n, exceptions and IRET to tasks with
// 32- and 16-bit TSSs, what is saved and marked, and the faults on either side of the commit point.
#include "legacy.h"

SNIPPET32(jump_to, "push %edi; push $0; ljmp *(%esp)");
SNIPPET32(call_to, "push %edi; push $0; lcall *(%esp)");
SNIPPET32(call_and_back, "push %edi; push $0; lcall *(%esp); pushf; pop %eax; int $0xf0");
SNIPPET32(jump_with_state, "mov $0x11112222, %ebx; mov $0x33334444, %ebp; mov $0x55556666, %eax; stc; std; push %edi; push $0; ljmp *(%esp)");
SNIPPET32(int60, "int $0x60");
SNIPPET32(load_ds, "mov %edi, %ds");
SNIPPET32(iret_nt, "pushl $0x4002; popf; iret");
USER_SNIPPET32(user_jump, "push %edi; push $0; ljmp *(%esp)");
USER_SNIPPET32(user_call, "push %edi; push $0; lcall *(%esp)");
USER_SNIPPET32(user_int60, "int $0x60");
SNIPPET32(back, "iret; int $0xf1");
// A 16-bit TSS must not be the present one on the way to long mode.
SNIPPET32(leave_words, "mov $0x128, %eax; ltr %ax; int $0xf0");
SNIPPET32(show_cr0, "mov %cr0, %eax; int $0xf0");

enum { kGate = 0x108, kLdtAt = 0x110, kSpare = 0x118, kFaults = 0x120 };  // kFaults: tasks for #TS, #NP, #SS, #GP
enum { kLink = 0, kCr3 = 7, kEip = 8, kEflags = 9, kEax = 10, kEsp = 14, kSegments = 18, kLdt = 24, kTrap = 25 };

static u32 task[26], fault_task[4][26];
static u32 task_stack[64], fault_stack[4][16];
static u64 ldt[4];

static u32 low(const void* at) { return (u32)(u64)at; }

static void fill(u32* tss, u32 code, u32 stack) {
    for (int i = 0; i < 26; ++i) tss[i] = 0;
    tss[kEip] = code;
    tss[kEflags] = 2;
    tss[kEsp] = stack;
    for (int i = 0; i < 6; ++i) tss[kSegments + i] = i == 1 ? 0x18 : 0x10;
    tss[kTrap] = 104u << 16;
}

// Everything as it should be; `code`: where the new task begins.
static void reset(Code32* code) {
    clear();
    for (int i = 0; i < 16; ++i) set_descriptor((int)SEL + 8 * i, 0);
    set_descriptor(SEL, make_descriptor(low(task), 0x67, 0x89));
    set_descriptor(kGate, (u64)SEL << 16 | 0x85ul << 40);
    set_descriptor(kLdtAt, make_descriptor(low(ldt), 31, 0x82));
    ldt[1] = make_descriptor(0, 0xfffff, 0xc093);
    fill(task, low(code), low(task_stack + 60));
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 16; ++j) fault_stack[i][j] = 0;
        fill(fault_task[i], low(stubs32) + 16u * (u32)(10 + i), low(fault_stack[i] + 12));
        set_descriptor(kFaults + 8 * i, make_descriptor(low(fault_task[i]), 0x67, 0x89));
    }
    tss32[kLink] = tss32[kCr3] = tss32[kLdt] = 0;
    tss32[25] = sizeof tss32 << 16;
    legacy_result = 0;
}

// Faults are handled by tasks, so that a segment that could not be loaded is no hindrance.
static void set_fault_gates(void) {
    for (int i = 0; i < 4; ++i) idt32[10 + i] = (u64)(kFaults + 8 * i) << 16 | 0x85ul << 40;
}

static void try(Code32* code, int user, u32 a) {
    item_begin();
    (user ? legacy_user : legacy_call)(code, a, 0, 0);
    put_result(0);
}

static void types(void) {
    for (int type = 0; type < 16; ++type) {
        // Not call gates, and not a TSS of words, whose task comes below.
        if (type == 1 || type == 4 || type == 12) continue;
        put("transfer, type=");
        put_hex((u64)type, 2);
        put(":");
        row_begin();
        for (int present = 1; present >= 0; --present)
            for (int dpl = 0; dpl < 4; dpl += 3)
                for (u32 rpl = 0; rpl < 4; rpl += 3)
                    for (int kind = 0; kind < 4; ++kind) {
                        reset(landing32);
                        const u64 flags = (u64)(present << 7 | dpl << 5 | type) << 40;
                        set_descriptor(kSpare, type == 5 ? (u64)SEL << 16 | flags
                                                         : make_descriptor(low(task), 0x67, (u16)(flags >> 40)));
                        static Code32* const kCode[] = {jump_to, call_to, user_jump, user_call};
                        try(kCode[kind], kind > 1, kSpare | rpl);
                        item_end();
                    }
        row_end();
    }
    static const u16 kTargets[] = {0, 0x10, 0x18, SEL | 3, SEL | 4, 0x60, kLdtAt, 0xfff8};
    for (unsigned i = 0; i < 8; ++i) {
        put("task gate to=");
        put_hex(kTargets[i], 4);
        put(":");
        row_begin();
        for (int kind = 0; kind < 4; ++kind) {
            static Code32* const kCode[] = {jump_to, call_to, int60, user_int60};
            reset(landing32);
            set_descriptor(kGate, (u64)kTargets[i] << 16 | 0x85ul << 40);
            idt32[0x60] = (u64)kTargets[i] << 16 | 0xe5ul << 40;
            try(kCode[kind], kind == 3, kGate);
            item_end();
        }
        row_end();
    }
    for (int access = 0x05; access < 0x100; access += 0x20) {
        put("int, task gate access=");
        put_hex((u64)access, 2);
        put(":");
        row_begin();
        for (int user = 0; user < 2; ++user) {
            reset(landing32);
            idt32[0x60] = (u64)SEL << 16 | (u64)access << 40;
            try(user ? user_int60 : int60, user, 0);
            item_end();
        }
        row_end();
    }
    static const u16 kLimits[] = {0, 0x2a, 0x2b, 0x2c, 0x66, 0x67, 0x68};
    for (unsigned i = 0; i < 7; ++i) {
        put("limit=");
        put_hex(kLimits[i], 2);
        put(":");
        row_begin();
        reset(landing32);
        set_descriptor(SEL, make_descriptor(low(task), kLimits[i], 0x89));
        try(jump_to, 0, SEL);
        item_end();
        row_end();
    }
}

static void put_types(void) {
    field("old", gdt[0x60 / 8] >> 40 & 0xff);
    field("new", gdt[SEL / 8] >> 40 & 0xff);
    field("link", task[kLink] & 0xffff);
}

static void state(void) {
    put("jump saves:");
    reset(landing32);
    for (int i = 0; i < 25; ++i) tss32[i] = i == 1 || i == 2 ? tss32[i] : 0xa5a5a5a5;
    legacy_call(jump_with_state, SEL, 0x1234, 0x5678);
    put_result(0);
    field("eip", tss32[kEip] - low(jump_with_state));
    field("eflags", tss32[kEflags]);
    field("eax", tss32[kEax]);
    field("edx", tss32[kEax + 2]);
    field("ebx", tss32[kEax + 3]);
    field("ebp", tss32[kEax + 5]);
    field("esi", tss32[kEax + 6]);
    field("edi", tss32[kEax + 7]);
    for (int i = 0; i < 6; ++i) field("segment", tss32[kSegments + i] & 0xffff);
    field("cr3", tss32[kCr3]);
    field("ldt", tss32[kLdt]);
    put("\n");

    put("jump: ");
    reset(landing32);
    legacy_call(jump_to, SEL, 0, 0);
    field("old", gdt[0x60 / 8] >> 40 & 0xff), field("new", gdt[SEL / 8] >> 40 & 0xff), field("link", task[kLink]);
    put("\ncall: ");
    reset(landing32);
    legacy_call(call_to, SEL, 0, 0);
    put_types();
    put("\nint: ");
    reset(landing32);
    idt32[0x60] = (u64)SEL << 16 | 0x85ul << 40;
    legacy_call(int60, 0, 0, 0);
    put_types();
    field("eip", tss32[kEip] - low(int60));
    put("\ncall and back: ");
    reset(back);
    task[kEflags] = 0x46;
    legacy_call(call_and_back, SEL, 0, 0);
    put_result(1);
    put_types();
    field("eip", task[kEip] - low(back));
    field("eflags", task[kEflags]);
    put("\ncr0.ts: ");
    reset(show_cr0);
    legacy_call(jump_to, SEL, 0, 0);
    field("value", legacy_result & 8);
    put("\nflags loaded: ");
    static const u32 kFlags[] = {0x46, 0x4002, 0x3002, 0x200002, 0x40002, 0x8028};
    for (unsigned i = 0; i < 6; ++i) {
        reset(landing32);
        task[kEflags] = kFlags[i];
        legacy_call(jump_to, SEL, 0, 0);
        put_hex(legacy_trap[4], 0);
        put(" ");
    }
    put("\ntrap flag of the task: ");
    reset(landing32);
    task[kTrap] |= 1;
    asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
    legacy_call(jump_to, SEL, 0, 0);
    u64 dr6;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    put_result(0);
    field("eip", legacy_trap[2] - low(landing32));
    field("dr6", dr6 & 0xe00f);
    put("\ndr7: ");
    u64 dr7;
    asm volatile("mov %0, %%dr7" ::"r"(0x7fful));
    reset(landing32);
    legacy_call(jump_to, SEL, 0, 0);
    asm volatile("mov %%dr7, %0" : "=r"(dr7));
    asm volatile("mov %0, %%dr7" ::"r"(0x400ul));
    field("value", dr7);
    put("\n");
}

static void exceptions(void) {
    put("exception's error code: ");
    reset(landing32);
    set_fault_gates();
    legacy_call(load_ds, 0xfff8, 0, 0);
    put_result(0);
    field("link", fault_task[3][kLink]);
    field("eip", tss32[kEip] - low(load_ds));
    field("rf", tss32[kEflags] & 0x10000);
    put("\n");
    static const u16 kSelectors[] = {0, 3, 0x08, 0x10, 0x13, 0x18, 0x1b, 0x23, 0x2b, 0x38, 0x60, kLdtAt, 4, 0xc, kSpare, 0xfff8};
    for (int index = 0; index < 7; ++index) {
        static const char* const kNames[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldt"};
        for (unsigned i = 0; i < 16; ++i) {
            put("new ");
            put(kNames[index]);
            put("=");
            put_hex(kSelectors[i], 4);
            put(": ");
            reset(landing32);
            set_fault_gates();
            // Not present.
            set_descriptor(kSpare, index == 6 ? make_descriptor(low(ldt), 31, 0x02)
                                              : make_descriptor(0, 0xfffff, index == 1 ? 0xc01b : 0xc013));
            task[index == 6 ? kLdt : kSegments + index] = kSelectors[i];
            legacy_call(call_to, SEL, 0, 0);
            put_result(0);
            if (trap.vector >= 10 && trap.vector <= 13) {
                const u32* handler = fault_task[trap.vector - 10];
                field("link", handler[kLink]);
                field("eip", task[kEip] - low(landing32));
                put_types();
            }
            put("\n");
        }
    }
    put("new fs of the new ldt: ");
    reset(landing32);
    set_fault_gates();
    task[kLdt] = kLdtAt;
    task[kSegments + 4] = 0xc;
    legacy_call(jump_to, SEL, 0, 0);
    put_result(0);
    put("\neip beyond the limit: ");
    reset(landing32);
    set_fault_gates();
    set_descriptor(kSpare, make_descriptor(0, 0xffff, 0x409b));
    task[kSegments + 1] = kSpare;
    legacy_call(jump_to, SEL, 0, 0);
    put_result(0);
    field("link", fault_task[3][kLink]);
    put("\n");
}

static void returns(void) {
    static const u16 kLinks[] = {0, SEL, SEL | 3, SEL | 4, 0x10, kLdtAt, 0xfff8};
    for (unsigned i = 0; i < 7; ++i) {
        for (int present = 1; present >= 0; --present) {
            put("iret, link=");
            put_hex(kLinks[i], 4);
            put(present ? ": " : ", not present: ");
            reset(landing32);
            set_descriptor(SEL, make_descriptor(low(task), 0x67, (u16)(present << 7 | 0xb)));
            tss32[0] = kLinks[i];
            legacy_call(iret_nt, 0, 0, 0);
            put_result(0);
            field("old", gdt[0x60 / 8] >> 40 & 0xff);
            field("new", gdt[SEL / 8] >> 40 & 0xff);
            put("\n");
        }
    }
}

static void words(void) {
    // IP reaches the low 64 KiB of a segment only: one based at the code.
    static u16 task16[22];
    for (int kind = 0; kind < 3; ++kind) {
        put("16-bit tss, limit=");
        put_hex(kind == 1 ? 0x2a : 0x2b, 2);
        put(kind == 2 ? ", call: " : ", jump: ");
        reset(landing32);
        set_descriptor(SEL, make_descriptor(low(task16), kind == 1 ? 0x2a : 0x2b, 0x81));
        set_descriptor(kSpare, make_descriptor(low(leave_words), 0xffff, 0x409b));
        for (int i = 0; i < 22; ++i) task16[i] = 0;
        task16[8] = 0x46;
        task16[0x1a / 2] = 0x700;
        const u32 stack = low(task_stack) - 0x700 + sizeof task_stack;
        set_descriptor(kFaults, make_descriptor(stack, 0xffff, 0x0093));
        task16[0x22 / 2] = 0x10, task16[0x24 / 2] = kSpare, task16[0x26 / 2] = kFaults, task16[0x28 / 2] = 0x10;
        legacy_call(kind == 2 ? call_to : jump_to, SEL, 0, 0);
        put_result(0);
        field("old", gdt[0x60 / 8] >> 40 & 0xff);
        field("new", gdt[SEL / 8] >> 40 & 0xff);
        field("link", task16[0]);
        put("\n");
    }
}

int main(void) {
    prepare32();
    types();
    state();
    exceptions();
    returns();
    words();
    reload_tr();
    return 0;
}
