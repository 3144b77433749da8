// Every way into the kernel and out of it: SYSCALL, exceptions, interrupts, and the context switch.
//
// Guarantees: kernel C++ always runs with its own GS base and stack and with a complete pt_regs of the interrupted
// context (layout: thread.h). Names are Linux's, for the debugger. After: Intel SDM vol. 3, 5.8.8 and 6.14.
#include "arch/x86_64/entry_macros.inc"

    .section .entry.text, "ax"
    .code64

// SYSCALL: RCX = user RIP, R11 = user RFLAGS, interrupts off, still on the user's stack.
SYMBOL_START entry_SYSCALL_64
    swapgs
    movq %rsp, %gs:0x18
    movq %gs:0x10, %rsp
    pushq $USER_DS
    pushq %gs:0x18
    pushq %r11
    pushq $USER_CS
    pushq %rcx
    pushq %rax                          // orig_rax
    PUSH_REGS $-38
    xorl %ebp, %ebp
    movq %rsp, %rdi
    movslq %eax, %rsi
    call do_syscall_64                  // interrupts are off again when it returns
    testb %al, %al
    jz swapgs_restore_regs_and_return_to_usermode
    POP_REGS
    movq 32(%rsp), %rsp
    swapgs
    sysretq
SYMBOL_END entry_SYSCALL_64

// SYSCALL from compatibility mode, which we do not support: answer ENOSYS.
SYMBOL_START entry_SYSCALL_compat
    movl $-38, %eax
    sysretl
SYMBOL_END entry_SYSCALL_compat

// INT 0x80, the system call of 32-bit programs; 64-bit ones may do it too.
SYMBOL_START asm_int80_emulation
    swapgs
    movl %eax, %eax
    pushq %rax                          // orig_rax
    cld
    PUSH_REGS $-38
    xorl %ebp, %ebp
    movq %rsp, %rdi
    call do_int80_syscall_32            // interrupts are off again when it returns
    jmp swapgs_restore_regs_and_return_to_usermode
SYMBOL_END asm_int80_emulation

SYMBOL_START swapgs_restore_regs_and_return_to_usermode
    POP_REGS
    addq $8, %rsp
    swapgs
    .globl native_irq_return_iret
native_irq_return_iret:                 // may fault: see RETURN_FAULT
    iretq
SYMBOL_END swapgs_restore_regs_and_return_to_usermode

// A new task starts here with its switch frame popped: RAX = previous task, RBX = kernel thread function or 0.
SYMBOL_START ret_from_fork
    movq %rax, %rdi
    call schedule_tail
    testq %rbx, %rbx
    jz 1f
    movq %r12, %rdi
    call *%rbx
1:  movq %rsp, %rdi
    call exit_to_user_mode
    jmp swapgs_restore_regs_and_return_to_usermode
SYMBOL_END ret_from_fork

// task_struct* __switch_to_asm(prev, next, &prev->thread.sp, next->thread.sp): change kernel stacks.
SYMBOL_START __switch_to_asm
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdx)
    movq %rcx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    jmp __switch_to
SYMBOL_END __switch_to_asm

SYMBOL_START error_return
    cli
    testb $3, 17*8(%rsp)
    jz 1f
    movq %rsp, %rdi
    call exit_to_user_mode
    jmp swapgs_restore_regs_and_return_to_usermode
1:  POP_REGS
    addq $8, %rsp
    iretq
SYMBOL_END error_return

IDTENTRY divide_error, exc_divide_error, 0
IDTENTRY int3, exc_int3, 0
IDTENTRY overflow, exc_overflow, 0
IDTENTRY bounds, exc_bounds, 0
IDTENTRY invalid_op, exc_invalid_op, 0
IDTENTRY device_not_available, exc_device_not_available, 0
IDTENTRY coproc_segment_overrun, exc_reserved, 0
IDTENTRY invalid_tss, exc_invalid_tss, 1
IDTENTRY segment_not_present, exc_segment_not_present, 1
IDTENTRY stack_segment, exc_stack_segment, 1
IDTENTRY general_protection, exc_general_protection, 1
IDTENTRY page_fault, exc_page_fault, 1
IDTENTRY reserved, exc_reserved, 0
IDTENTRY coprocessor_error, exc_coprocessor_error, 0
IDTENTRY alignment_check, exc_alignment_check, 1
IDTENTRY simd_coprocessor_error, exc_simd_coprocessor_error, 0
IDTENTRY reserved_with_code, exc_reserved, 1
IDTENTRY_PARANOID debug, exc_debug, 0
IDTENTRY_PARANOID nmi, exc_nmi, 0
IDTENTRY_PARANOID double_fault, exc_double_fault, 1
IDTENTRY_PARANOID machine_check, exc_machine_check, 0

// Hardware interrupts: 16 bytes per vector from 32 on, each pushing its number.
    .balign 16
    .globl irq_entries_start
    .type irq_entries_start, @function
irq_entries_start:
    vector = 32
    .rept 224
    .balign 16
    pushq $vector
    jmp asm_common_interrupt
    vector = vector + 1
    .endr
    .size irq_entries_start, . - irq_entries_start

SYMBOL_START asm_common_interrupt
    cld
    testb $3, 16(%rsp)
    jz 1f
    swapgs
1:  PUSH_REGS %rax
    movq %rsp, %rdi
    movq 15*8(%rsp), %rsi
    movq $-1, 15*8(%rsp)
    call common_interrupt
    jmp error_return
SYMBOL_END asm_common_interrupt

    .section .rodata
    .balign 8
    .globl exception_entries
exception_entries:
    .quad asm_exc_divide_error, asm_exc_debug, asm_exc_nmi, asm_exc_int3
    .quad asm_exc_overflow, asm_exc_bounds, asm_exc_invalid_op, asm_exc_device_not_available
    .quad asm_exc_double_fault, asm_exc_coproc_segment_overrun, asm_exc_invalid_tss, asm_exc_segment_not_present
    .quad asm_exc_stack_segment, asm_exc_general_protection, asm_exc_page_fault, asm_exc_reserved
    .quad asm_exc_coprocessor_error, asm_exc_alignment_check, asm_exc_machine_check, asm_exc_simd_coprocessor_error
    .quad asm_exc_reserved, asm_exc_reserved_with_code, asm_exc_reserved, asm_exc_reserved
    .quad asm_exc_reserved, asm_exc_reserved, asm_exc_reserved, asm_exc_reserved
    .quad asm_exc_reserved, asm_exc_reserved_with_code, asm_exc_reserved_with_code, asm_exc_reserved
    .section .note.GNU-stack, "", @progbits
