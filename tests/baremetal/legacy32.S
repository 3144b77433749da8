# A visit to 32-bit protected mode, paging off: legacy_call(code, a, b, c) leaves long mode, calls the 32-bit code with
# a, b, c in EDI, ESI, EDX, and comes back to long mode, also from a trap (legacy_trap: vector, error code, EIP, CS,
# EFLAGS; vector 256: none). legacy_user does so at CPL 3, where only a trap ("int $0xf0") comes back.
# Segments: 18 code, 10 data, 20 and 28 the user's; TSS at 60.

.text
.code64
.globl legacy_call, legacy_user
legacy_user:
    movl $1, at_user
    jmp 1f
legacy_call:
    movl $0, at_user
1:  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15
    pushfq
    mov %rsp, long_rsp
    sidt long_idt
    mov %edi, %eax
    mov %esi, %edi
    mov %edx, %esi
    mov %ecx, %edx
    movl $256, legacy_trap
    push $0x18
    push $enter32
    lretq
.code32
enter32:
    mov $0x10, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov %ecx, %ss
    push %eax
    push %edx
    mov %cr0, %eax
    and $0x7fffffff, %eax
    mov %eax, %cr0
    mov $0xc0000080, %ecx
    rdmsr
    and $0xfffffeff, %eax
    wrmsr
    pop %edx
    pop %eax
    lidt idt32_pointer
    mov $0x60, %ecx
    ltr %cx
    mov %esp, legacy_esp
    cmpl $0, at_user
    jne 2f
    call *%eax
    mov $0x10, %ecx
    mov %ecx, %ds
    mov %eax, legacy_result
    jmp leave32
2:  push $0x2b
    push $user_stack_top
    push legacy_user_flags
    push $0x23
    push %eax
    iretl

.align 16
.globl stubs32
stubs32:
.set vector, 0
.rept 256
.align 16
.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
.else
    pushl $0
.endif
    pushl $vector
    jmp common32
.set vector, vector + 1
.endr
common32:
    push %eax
    mov $0x10, %eax
    mov %eax, %ds
    pop %eax
    mov %eax, legacy_result
    popl legacy_trap
    popl legacy_trap + 4
    popl legacy_trap + 8
    popl legacy_trap + 12
    popl legacy_trap + 16
leave32:
    cli
    mov $0x10, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov %ecx, %ss
    xor %ecx, %ecx
    mov %ecx, %fs
    mov %ecx, %gs
    mov legacy_esp, %esp
    pushl $2
    popfl
    lidt long_idt
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    ljmp $8, $1f
.code64
1:  mov long_rsp, %rsp
    popfq
    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx
    ret

.data
.align 8
.globl legacy_trap, legacy_result, legacy_user_flags, idt32
legacy_trap:
    .long 256, 0, 0, 0, 0
legacy_result:
    .long 0
legacy_user_flags:
    .long 2
at_user:
    .long 0
legacy_esp:
    .long 0
.align 8
long_rsp:
    .quad 0
long_idt:
    .quad 0, 0
idt32_pointer:
    .word 256 * 8 - 1
    .long idt32
.bss
.align 16
idt32:
    .skip 256 * 8
