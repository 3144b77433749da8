#!/usr/bin/env python3
"""A kernel that is a 32-bit ELF under Debian's gdb: with that file, and with the same code as a 64-bit ELF, as people have
who wrap their kernel for multiboot. Registers, a breakpoint, steps, writes, and going back.

usage: gdb_32bit.py ORRERY
"""
import os
import shutil
import subprocess
import sys
import tempfile

ORRERY = os.path.abspath(sys.argv[1])
SKIPPED = 77
KERNEL = """
.section .multiboot, "a"
.align 4
.long 0x1badb002, 0, -0x1badb002
.text
.globl _start
_start: mov $0x1234, %eax
    mov $stack, %esp
    call next
    mov $0xf4, %dx
    mov $3, %al
    out %al, %dx
1:  jmp 1b
next: inc %eax
    ret
.bss
.skip 4096
stack:
"""
LAYOUT = "ENTRY(_start) SECTIONS { . = 0x200000; .text : { *(.multiboot) *(.text) } .bss : { *(.bss) } }"
COMMANDS = ["break next", "continue", "backtrace", "print/x $eax", "print $cs", "stepi", "print/x $eax", "set $eax=0xffffffff",
            "print/x $rax", "print/x $xmm0.uint128", "stepi", "x/i $pc", "reverse-stepi", "x/i $pc", "print $cr0",
            "delete", "continue"]
EXPECTED = ["Breakpoint 1, next ()", "$1 = 0x1234", "$2 = 8", "$3 = 0x1235", "$4 = 0xffffffff", "$5 = 0x0", "<_start+",
            "<next+1>", "$6 = [ PE ET ]", "No more reverse-execution history"]


def build(directory):
    paths = {name: os.path.join(directory, name) for name in ("kernel.S", "layout.ld", "kernel32", "kernel64")}
    for name, text in (("kernel.S", KERNEL), ("layout.ld", LAYOUT)):
        with open(paths[name], "w", encoding="utf-8") as file:
            file.write(text)
    subprocess.run(["gcc", "-m32", "-g", "-nostdlib", "-static", f"-Wl,-T,{paths['layout.ld']},--build-id=none",
                    "-Wl,--no-warn-rwx-segments", paths["kernel.S"], "-o", paths["kernel32"]], check=True)
    subprocess.run(["objcopy", "-O", "elf64-x86-64", paths["kernel32"], paths["kernel64"]], check=True)
    return paths


def transcript(kernel, symbols, address, cpu):
    guest = subprocess.Popen([ORRERY, "run", "--headless", "--kernel", kernel, "--cpu", cpu, "--device", "isa-debug-exit",
                              "--gdb", address, "-S"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    guest.stderr.readline()
    words = ["gdb", "-nx", "-batch", symbols]
    for line in ["set pagination off", "set confirm off", f"target remote {address}", *COMMANDS]:
        words += ["-ex", line]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    guest.kill()
    guest.wait()
    return done.stdout.decode(errors="replace")


def main():
    if shutil.which("gdb") is None:
        print("gdb is not installed")
        return SKIPPED
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        paths = build(directory)
        for symbols, cpu in (("kernel32", "v2"), ("kernel32", "v3"), ("kernel64", "v2")):
            said = transcript(paths["kernel32"], paths[symbols], os.path.join(directory, f"{symbols}-{cpu}"), cpu)
            at = 0
            for line in EXPECTED:
                found = said.find(line, at)
                if found < 0:
                    failed = True
                    print(f"FAILED: {symbols} on {cpu}: no {line!r} in\n{said[at:]}")
                    break
                at = found
    print("failed" if failed else "gdb takes 32-bit kernels")
    return failed


if __name__ == "__main__":
    sys.exit(main())
