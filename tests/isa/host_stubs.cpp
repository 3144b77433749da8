#include "tests/isa/host_stubs.h"

#include <cstddef>

namespace orrery::testing {
static_assert(offsetof(HostContext, fx_out) == 0x200 && offsetof(HostContext, gpr_in) == 0x400);
static_assert(offsetof(HostContext, gpr_out) == 0x480 && offsetof(HostContext, rflags_in) == 0x500);
static_assert(offsetof(HostContext, target) == 0x510 && offsetof(HostContext, host_rsp) == 0x520);
static_assert(offsetof(HostContext, ymm_in) == 0x600 && offsetof(HostContext, ymm_out) == 0x700);
}  // namespace orrery::testing

// 0x0f000000 is kContextBase. MOV, PUSH and POP leave the flags alone, so registers can be loaded after
// POPFQ.
asm(R"(
    .text
    .macro load_upper
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vinsertf128 $1, 0x0f000600+16*\n, %ymm\n, %ymm\n
    .endr
    .endm
    .macro save_upper
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vextractf128 $1, %ymm\n, 0x0f000700+16*\n
    .endr
    vzeroupper
    .endm
    .macro load_registers
    pushq 0x0f000500
    popfq
    movq 0x0f000400, %rax
    movq 0x0f000408, %rcx
    movq 0x0f000410, %rdx
    movq 0x0f000418, %rbx
    movq 0x0f000420, %rsp
    movq 0x0f000428, %rbp
    movq 0x0f000430, %rsi
    movq 0x0f000438, %rdi
    movq 0x0f000440, %r8
    movq 0x0f000448, %r9
    movq 0x0f000450, %r10
    movq 0x0f000458, %r11
    movq 0x0f000460, %r12
    movq 0x0f000468, %r13
    movq 0x0f000470, %r14
    movq 0x0f000478, %r15
    .endm
    .macro save_host
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, 0x0f000520
    .endm

    .globl orrery_enter_64
orrery_enter_64:
    save_host
    fxrstor64 0x0f000000
    load_registers
    jmpq *0x0f000510

    .globl orrery_enter_64_avx
orrery_enter_64_avx:
    save_host
    fxrstor64 0x0f000000
    load_upper
    load_registers
    jmpq *0x0f000510

    .globl orrery_enter_32
orrery_enter_32:
    save_host
    movl $0x2b, %eax
    movl %eax, %ds
    movl %eax, %es
    fxrstor64 0x0f000000
    load_registers
    ljmpl *0x0f000510

    .globl orrery_enter_32_avx
orrery_enter_32_avx:
    save_host
    movl $0x2b, %eax
    movl %eax, %ds
    movl %eax, %es
    fxrstor64 0x0f000000
    load_upper
    load_registers
    ljmpl *0x0f000510

    .macro save_registers
    movq %rax, 0x0f000480
    movq %rcx, 0x0f000488
    movq %rdx, 0x0f000490
    movq %rbx, 0x0f000498
    movq %rsp, 0x0f0004a0
    movq %rbp, 0x0f0004a8
    movq %rsi, 0x0f0004b0
    movq %rdi, 0x0f0004b8
    movq %r8, 0x0f0004c0
    movq %r9, 0x0f0004c8
    movq %r10, 0x0f0004d0
    movq %r11, 0x0f0004d8
    movq %r12, 0x0f0004e0
    movq %r13, 0x0f0004e8
    movq %r14, 0x0f0004f0
    movq %r15, 0x0f0004f8
    movq 0x0f000520, %rsp
    pushfq
    popq 0x0f000508
    pushq $0x202
    popfq
    .endm
    .macro return_to_host
    fxsave64 0x0f000200
    fninit
    movl $0x1f80, -4(%rsp)
    ldmxcsr -4(%rsp)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .endm

    .globl orrery_exit_begin
    .globl orrery_exit_end
orrery_exit_begin:
    save_registers
    return_to_host
orrery_exit_end:

    .globl orrery_exit_avx_begin
    .globl orrery_exit_avx_end
orrery_exit_avx_begin:
    save_registers
    save_upper
    return_to_host
orrery_exit_avx_end:

    .globl orrery_after_fault
orrery_after_fault:
    fninit
    movl $0x1f80, -4(%rsp)
    ldmxcsr -4(%rsp)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
)");
