// System instructions at CPL 3, with and without IOPL (SDM vol. 3A, 5.9; vol. 1, 19.5).
#include "runtime.h"

// Privileged and sensitive instructions at CPL 3.
#define PRIVILEGED(name, code) USER_SNIPPET(user_##name, code)
PRIVILEGED(hlt, "hlt");
PRIVILEGED(cli, "cli");
PRIVILEGED(sti, "sti");
PRIVILEGED(in, "in $0x80, %al");
PRIVILEGED(out, "out %al, $0x80");
PRIVILEGED(outsb, "outsb");
PRIVILEGED(clts, "clts");
PRIVILEGED(lmsw, "lmsw %ax");
PRIVILEGED(smsw, "smsw %ax");
PRIVILEGED(sgdt, "sgdt -64(%rsp)");
PRIVILEGED(sldt, "sldt %ax");
PRIVILEGED(str, "str %ax");
PRIVILEGED(lgdt, "lgdt -64(%rsp)");
PRIVILEGED(lldt, "lldt %di");
PRIVILEGED(ltr, "ltr %di");
PRIVILEGED(invlpg, "invlpg (%rsp)");
PRIVILEGED(wbinvd, "wbinvd");
PRIVILEGED(rdmsr, "rdmsr");
PRIVILEGED(wrmsr, "wrmsr");
PRIVILEGED(cr0, "mov %cr0, %rax");
PRIVILEGED(cr5, ".byte 0x0f, 0x20, 0xe8");
PRIVILEGED(cr8, "mov %rax, %cr8");
PRIVILEGED(dr0, "mov %dr0, %rax");
PRIVILEGED(dr4, ".byte 0x0f, 0x21, 0xe0");
PRIVILEGED(swapgs, "swapgs");
PRIVILEGED(sysret, "sysretq");
PRIVILEGED(sysexit, "rex.W sysexit");
PRIVILEGED(rdtsc, "rdtsc");
PRIVILEGED(rdpmc, "xor %ecx, %ecx; rdpmc");
PRIVILEGED(xsetbv, "xsetbv");
PRIVILEGED(monitor, "monitor");
PRIVILEGED(int1, "int $1");
PRIVILEGED(int3, "int $3");

static void at_cpl3(void) {
    static const struct {
        const char* name;
        Code* code;
    } kTries[] = {{"hlt", user_hlt}, {"cli", user_cli}, {"sti", user_sti}, {"in", user_in}, {"out", user_out},
                  {"outsb", user_outsb}, {"clts", user_clts}, {"lmsw", user_lmsw}, {"smsw", user_smsw},
                  {"sgdt", user_sgdt}, {"sldt", user_sldt}, {"str", user_str}, {"lgdt", user_lgdt},
                  {"lldt", user_lldt}, {"ltr", user_ltr}, {"invlpg", user_invlpg}, {"wbinvd", user_wbinvd},
                  {"rdmsr", user_rdmsr}, {"wrmsr", user_wrmsr}, {"cr0", user_cr0}, {"cr5", user_cr5},
                  {"cr8", user_cr8}, {"dr0", user_dr0}, {"dr4", user_dr4}, {"swapgs", user_swapgs},
                  {"sysret", user_sysret}, {"sysexit", user_sysexit}, {"rdtsc", user_rdtsc},
                  {"rdpmc", user_rdpmc}, {"monitor", user_monitor}, {"int1", user_int1}, {"int3", user_int3}};
    for (unsigned i = 0; i < sizeof kTries / sizeof kTries[0]; ++i) {
        put("cpl 3 ");
        put(kTries[i].name);
        put(": ");
        attempt_user(kTries[i].code, 0, 0, 0);
        put_outcome();
        put("\n");
    }
    write_cr4(read_cr4() | 4);
    put("cpl 3 rdtsc with CR4.TSD: ");
    attempt_user(user_rdtsc, 0, 0, 0);
    put_outcome();
    put("\n");
    write_cr4(read_cr4() & ~4ul);
    user_rflags = 0x3002;
    put("iopl 3: cli ");
    attempt_user(user_cli, 0, 0, 0);
    put_outcome();
    put(" in ");
    attempt_user(user_in, 0, 0, 0);
    put_outcome();
    put(" hlt ");
    attempt_user(user_hlt, 0, 0, 0);
    put_outcome();
    put("\n");
    user_rflags = 2;
}

int main(void) {
    at_cpl3();
    return 0;
}
