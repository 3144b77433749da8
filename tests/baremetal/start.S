# The common start of the bare-metal programs: multiboot header, long mode, interrupt stubs, and the two ways of
# trying something that may fault. Entered in 32-bit protected mode, paging off, as Multiboot 0.6.96 says; all that
# is relied on is flat segments. C code follows in main().
#
# Memory: 0-4 GiB maps to itself in pages of 2 MiB; 4-5 GiB is 0-1 GiB again, for user mode (USER_ALIAS).

.set KERNEL_CS, 0x08
.set KERNEL_DS, 0x10
.set TSS_SELECTOR, 0x48

.section .start, "ax"
.code32
.align 4
    .long 0x1badb002, 0x00000000, -(0x1badb002)
.globl start
start:
    cli
    cld
    mov $stack_top, %esp
    # Page tables: PML4[0] → PDPT; PDPT[0-3] → four directories; PDPT[4] → a user directory like the first.
    mov $pml4, %edi
    mov $(tables_end - pml4) / 4, %ecx
    xor %eax, %eax
    rep stosl
    movl $pdpt + 7, pml4
    mov $pdpt, %edi
    mov $directories + 7, %eax
    mov $5, %ecx
1:  mov %eax, (%edi)
    add $8, %edi
    add $4096, %eax
    loop 1b
    mov $directories, %edi
    mov $0x83, %eax
    mov $2048, %ecx
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $8, %edi
    add $0x200000, %eax
    loop 1b
    mov $0x87, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    loop 1b
    # Local APIC and IOAPIC: uncached.
    lgdt gdt_pointer
    mov $0x20, %eax                 # PAE
    mov %eax, %cr4
    mov $pml4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx           # EFER: NXE, LME, SCE
    mov $0x901, %eax
    xor %edx, %edx
    wrmsr
    mov $0x80000011, %eax
    mov %eax, %cr0
    ljmp $KERNEL_CS, $start64

.code64
start64:
    mov $KERNEL_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $stack_top, %rsp
    call prepare
    call main
    mov $0, %edi
    call finish

# 256 stubs of 16 bytes: error code (0 where the CPU pushes none), vector.
.globl stubs
.align 16
stubs:
.set vector, 0
.rept 256
.align 16
.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
.else
    push $0
.endif
    push $vector
    jmp common
.set vector, vector + 1
.endr

common:
    push %rax; push %rcx; push %rdx; push %rbx; push %rbp; push %rsi; push %rdi
    push %r8; push %r9; push %r10; push %r11; push %r12; push %r13; push %r14; push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call trapped
    mov %rbx, %rsp
    pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10; pop %r9; pop %r8
    pop %rdi; pop %rsi; pop %rbp; pop %rbx; pop %rdx; pop %rcx; pop %rax
    add $16, %rsp
    iretq

# void try_call(code, a, b, c): calls code(a, b, c) at CPL 0; a trap comes back here.
# void try_user(code, a, b, c): the same at CPL 3, where only a trap can come back ("int $0xf0").
.globl try_call
try_call:
    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15
    pushfq
    mov %rsp, resume_rsp
    movq $back, resume_rip
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    call *%rax
    mov %rax, returned
back:
    movq $0, resume_rip
    mov $KERNEL_DS, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov %ecx, %ss
    popfq
    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx
    ret
.globl try_user
try_user:
    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15
    pushfq
    mov %rsp, resume_rsp
    movq $back, resume_rip
    movabs $0x100000000, %rbx
    mov %rdi, %rax
    or %rbx, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    add $user_stack_top, %rbx
    push $0x2b
    push %rbx
    push user_rflags
    push $0x33
    push %rax
    iretq

.globl landing
landing:                            # the same bytes in every mode
    int $0xf0

.data
.align 16
.globl gdt, gdt_pointer
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 08 64-bit code
    .quad 0x00cf93000000ffff        # 10 data
    .quad 0x00cf9b000000ffff        # 18 32-bit code
    .quad 0x00cffb000000ffff        # 20 user 32-bit code
    .quad 0x00cff3000000ffff        # 28 user data
    .quad 0x00affb000000ffff        # 30 user 64-bit code
    .quad 0x00009b000000ffff        # 38 16-bit code
    .quad 0x000093000000ffff        # 40 16-bit data
    .quad 0, 0                      # 48 TSS
    .fill 64, 8, 0                  # 58 and up: for the tests
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt
.globl user_rflags
user_rflags:
    .quad 2

.bss
.align 4096
.globl pml4, directories
pml4: .skip 4096
pdpt: .skip 4096
directories: .skip 5 * 4096
.globl pages
pages: .skip 16 * 4096              # more tables and pages, for the tests
tables_end:
    .skip 16384
stack_top:
    .skip 4096
.globl user_stack_top
user_stack_top:
    .skip 4096
.globl other_stack_top
other_stack_top:
    .skip 64
