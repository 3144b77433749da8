// How CPUs come into the kernel: the first by PVH from 32-bit protected mode without paging (EBX: start_info), the
// others from real mode.
//
// Guarantees: kernel_main(physical address of start_info) runs with the first 4 GiB mapped at 0 and at the direct
// map, the first 1 GiB at KERNEL_MAP, interrupts off, GS at the boot CPU's data, 16 KiB of stack.
// After: the PVH boot ABI (Xen's docs/misc/pvh.pandoc); Intel SDM vol. 3, 10.8.5 (entering IA-32e mode).

#define KERNEL_MAP 0xffffffff80000000
#define PHYS(symbol) ((symbol) - KERNEL_MAP)

// From 32-bit protected mode without paging to 64-bit mode on the early page tables, at \target's physical address.
.macro ENTER_LONG_MODE target
    movl %cr4, %eax
    orl $0x20, %eax                     // PAE
    movl %eax, %cr4
    movl $PHYS(early_pml4), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              // EFER
    rdmsr
    orl $0x100, %eax                    // LME
    wrmsr
    movl %cr0, %eax
    andl $0x9fffffff, %eax              // CD, NW: caches on, as INIT leaves them off
    orl $0x80000001, %eax               // PG, PE
    movl %eax, %cr0
    lgdt PHYS(boot_gdt_pointer)
    ljmp $0x10, $PHYS(\target)
.endm

// In 64-bit mode at the kernel's addresses: data segments, and GS base = RAX.
.macro SET_SEGMENTS
    movl $0x18, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %ss
    xorl %ecx, %ecx
    movl %ecx, %fs
    movl %ecx, %gs
    movl $0xc0000101, %ecx              // GS base
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
.endm

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18                      // name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PHYS(pvh_start)

    .section .head.text, "ax"
    .code32
    .globl pvh_start
    .type pvh_start, @function
pvh_start:
    cld
    cli
    movl %ebx, PHYS(boot_start_info)

    // Page tables: PML4[0] and PML4[273] (0xffff888000000000) share one PDPT over 4 GiB of 2 MiB pages.
    movl $PHYS(early_pdpt) + 3, PHYS(early_pml4)
    movl $PHYS(early_pdpt) + 3, PHYS(early_pml4) + 273 * 8
    movl $PHYS(early_kernel_pdpt) + 3, PHYS(early_pml4) + 511 * 8
    movl $PHYS(early_pd) + 3, PHYS(early_kernel_pdpt) + 510 * 8
    movl $PHYS(early_pd) + 3, %eax
    movl $PHYS(early_pdpt), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b
    movl $0x83, %eax                    // present, writable, 2 MiB
    movl $PHYS(early_pd), %edi
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b

    ENTER_LONG_MODE start_64

    .code64
start_64:
    movabsq $start_high, %rax
    jmp *%rax
start_high:
    movq $cpu_data, %rax                // the boot CPU's data
    SET_SEGMENTS
    movq $init_stack + 16384, %rsp
    movl boot_start_info(%rip), %edi
    xorl %ebp, %ebp
    call kernel_main
3:  cli
    hlt
    jmp 3b

// Every other CPU: from its SIPI in real mode (a copy below 1 MiB), to ap_main with the stack and the data that
// smp.cpp has laid out for it. Intel SDM vol. 3, 8.4.4 (MP initialization).
    .code32
ap_start_32:
    movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    ENTER_LONG_MODE ap_start_64
    .code64
ap_start_64:
    movabsq $ap_start_high, %rax
    jmp *%rax
ap_start_high:
    movq ap_cpu_data, %rax
    SET_SEGMENTS
    movq ap_stack_top, %rsp
    xorl %ebp, %ebp
    call ap_main
4:  cli
    hlt
    jmp 4b

    .section .rodata
    .globl trampoline_start, trampoline_end
    .code16
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdt_pointer - trampoline_start
    movl %cr0, %eax
    orl $1, %eax                        // PE
    movl %eax, %cr0
    ljmpl $0x08, $PHYS(ap_start_32)
trampoline_gdt_pointer:
    .word 31
    .long PHYS(boot_gdt)
trampoline_end:

    .align 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            // 0x08: 32-bit code
    .quad 0x00af9b000000ffff            // 0x10: 64-bit code
    .quad 0x00cf93000000ffff            // 0x18: data
boot_gdt_pointer:
    .word 31
    .quad PHYS(boot_gdt)

    .bss
    .align 4096
    .globl early_pml4, init_stack, boot_start_info
early_pml4: .skip 4096
early_pdpt: .skip 4096
early_kernel_pdpt: .skip 4096
early_pd: .skip 4096 * 4
    .align 16384
init_stack: .skip 16384
boot_start_info: .skip 8
    .section .note.GNU-stack, "", @progbits
