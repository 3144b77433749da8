// Copies between kernel and user memory, with exception-table fixups and SMAP windows.
//
// Guarantees: a fault on the user side ends the copy and the number of bytes that were left is returned in RAX.
// RDI: destination, RSI: source (or nothing), RDX: bytes.

.macro SMAP_OPEN
    cmpb $0, cpu_has_smap(%rip)
    je 99f
    stac
99:
.endm
.macro SMAP_CLOSE
    cmpb $0, cpu_has_smap(%rip)
    je 99f
    clac
99:
.endm
.macro EX_TABLE fault, fixup
    .pushsection __ex_table, "a"
    .balign 8
    .quad \fault, \fixup
    .popsection
.endm

    .text
    .globl copy_user_generic
    .type copy_user_generic, @function
copy_user_generic:
    SMAP_OPEN
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
3:  movq %rcx, %rax
    SMAP_CLOSE
    ret
4:  leaq (%rdx, %rcx, 8), %rcx          // try the rest byte by byte, to be exact about where it ends
5:  rep movsb
    jmp 3b
    EX_TABLE 1b, 4b
    EX_TABLE 2b, 3b
    EX_TABLE 5b, 3b
    .size copy_user_generic, . - copy_user_generic

// size_t clear_user_generic(to, n)
    .globl clear_user_generic
    .type clear_user_generic, @function
clear_user_generic:
    SMAP_OPEN
    xorl %eax, %eax
    movq %rsi, %rcx
1:  rep stosb
2:  movq %rcx, %rax
    SMAP_CLOSE
    ret
    EX_TABLE 1b, 2b
    .size clear_user_generic, . - clear_user_generic

// int cmpxchg_user_generic(u32* address, u32 expected, u32 desired, u32* found): 0, or 14 (EFAULT)
    .globl cmpxchg_user_generic
    .type cmpxchg_user_generic, @function
cmpxchg_user_generic:
    SMAP_OPEN
    movl %esi, %eax
    movl %edx, %esi
    xorl %edx, %edx
1:  lock cmpxchgl %esi, (%rdi)
2:  movl %eax, %esi
    SMAP_CLOSE
    movl %esi, (%rcx)
    movl %edx, %eax
    ret
3:  movl $14, %edx
    jmp 2b
    EX_TABLE 1b, 3b
    .size cmpxchg_user_generic, . - cmpxchg_user_generic
    .section .note.GNU-stack, "", @progbits
