# A visit to real mode, made from 32-bit protected mode (legacy32.S): enter_real copies the code below to 7000H, enters
# it with the snippet that EDI points to (at most 64 bytes, copied to 7800H), and comes back from its far return or from
# an interrupt. real_state: vector (256: none), the IP pushed less 7800H, FLAGS pushed, and AX, BX, CX, DX.
# Real mode: DS = ES = SS = 0, SP = 7000H; the interrupt table is at 0.

.set BASE, 0x7000
.set SNIPPET, 0x7800
#define AT(label) (BASE + label - blob)

.text
.code32
.globl enter_real
enter_real:
    pushal
    mov %edi, %edx
    mov $blob, %esi
    mov $BASE, %edi
    mov $blob_end - blob, %ecx
    rep movsb
    mov %edx, %esi
    mov $SNIPPET, %edi
    mov $64, %ecx
    rep movsb
    # Vectors 0-31 and 60H to stubs of 8 bytes each.
    xor %ecx, %ecx
1:  mov %ecx, %eax
    shl $3, %eax
    add $AT(stubs16), %eax
    mov %eax, (, %ecx, 4)
    inc %ecx
    cmp $33, %ecx
    jne 1b
    mov $AT(stubs16) + 32 * 8, %eax
    mov %eax, 0x60 * 4
    mov %esp, real_esp
    ljmp $0x38, $AT(in16)
back_from_real:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov real_esp, %esp
    lidt real_idt32
    popal
    ret

.code16
blob:
in16:
    mov $0x40, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %ax, %fs
    mov %ax, %gs
    mov %cr0, %eax
    and $0xfffffffe, %eax
    mov %eax, %cr0
    ljmp $0, $AT(in_real)
in_real:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %ax, %fs
    mov %ax, %gs
    mov $BASE, %sp
    lidtl AT(ivt)
    xor %eax, %eax
    xor %ebx, %ebx
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    push %ax
    popf
    movw $256, AT(state)
    lcall $0, $SNIPPET
    jmp keep
stubs16:
.set vector, 0
.rept 33
    push $vector
    jmp trapped16
    .org stubs16 + 8 * (vector + 1)
.set vector, vector + 1
.endr
trapped16:
    popw %cs:AT(state)
    popw %cs:AT(state) + 2
    subw $SNIPPET, %cs:AT(state) + 2
    popw %cs:AT(state) + 4
    popw %cs:AT(state) + 4
keep:
    mov %ax, %cs:AT(state) + 6
    mov %bx, %cs:AT(state) + 8
    mov %cx, %cs:AT(state) + 10
    mov %dx, %cs:AT(state) + 12
    cli
    cld
    xor %ax, %ax
    mov %ax, %ds
    lidtl AT(ivt)
    lgdtl AT(gdt_again)
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $0x18, $back_from_real
ivt:
    .word 0x3ff
    .long 0
gdt_again:
    .word 75 * 8 - 1              # as start.S has it
    .long gdt
state:
    .fill 7, 2, 0
blob_end:

.data
.globl real_state
real_state:
    .long BASE + state - blob
real_esp:
    .long 0
real_idt32:
    .word 256 * 8 - 1
    .long idt32
