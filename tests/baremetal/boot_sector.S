# The boot medium for emulators that start like a PC (Bochs): the first sector of a disk whose next SECTORS sectors
# are the program, linked at 1 MiB. The BIOS reads them to 64 KiB and up; then 32-bit protected mode, the copy to
# 1 MiB, and the jump behind the 12 bytes of the multiboot header.
.code16
.globl boot
boot:
    cli
    cld
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
    mov %dl, drive
    mov $SECTORS, %bp
1:  mov $packet, %si                # INT 13H, AH = 42H: extended read (EDD 3.0)
    mov $0x42, %ah
    mov drive, %dl
    int $0x13
    jc fail
    addw $0x20, packet + 6          # the next 512 bytes
    addl $1, packet + 8
    dec %bp
    jnz 1b
    cli
    in $0x92, %al                   # A20
    or $2, %al
    and $0xfe, %al
    out %al, $0x92
    lgdtl pointer
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $8, $protected
fail:
    hlt
    jmp fail
.code32
protected:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $0x10000, %esi
    mov $0x100000, %edi
    mov $SECTORS * 128, %ecx
    rep movsl
    mov $0x10000c, %eax
    jmp *%eax
.align 4
packet:
    .byte 16, 0
    .word 1                         # sectors
    .word 0, 0x1000                 # to
    .long 1, 0                      # from
table:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
pointer:
    .word 23
    .long table
drive:
    .byte 0
    .org 510
    .word 0xaa55
