#!/usr/bin/env python3
"""Runs the programs of tests/baremetal on Orrery, on QEMU (TCG) and on Bochs, and compares what they observe.

A program prints one line per observation. tests/baremetal/expected/PROGRAM.txt has the right lines. Orrery's must be
equal to them; where QEMU's or Bochs's are not, tests/baremetal/disagreements.txt must have a rule that says who is
wrong and by what words of the manual. So no line is there that nobody but Orrery vouches for, unless a rule says why.

usage: bare_metal.py ORRERY [PROGRAM...]    exit status: 0 all as expected, 1 not, 77 cannot run here
       bare_metal.py ORRERY --accept        writes the expected lines anew: what two of the three agree on, by majority
ORRERY_BARE_METAL_PEERS=qemu,bochs says who else runs (default: those that are installed).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(os.path.dirname(HERE), "baremetal")
EXPECTED = os.path.join(SOURCES, "expected")
RULES = os.path.join(SOURCES, "disagreements.txt")
SHARED = {"runtime"}
CFLAGS = ("-m64 -O1 -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector "
          "-fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -Wall -Wextra -Werror").split()
INSTRUCTIONS = "200000000"  # many times what a program needs
SECONDS = os.environ.get("ORRERY_GUEST_TIMEOUT", "120")  # for the peers: they have no budget of instructions
QEMU_CPU = "Nehalem-v1,+smep,+smap,+pdpe1gb,+rdtscp,+xsave,+fsgsbase"
BOCHS = """cpu: model=broadwell_ult, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
memory: guest=64, host=64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=disk.img, mode=flat, cylinders=8, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev=serial.txt
clock: sync=none
log: log.txt
panic: action=fatal
error: action=report
display_library: term
speaker: enabled=0
sound: driver=dummy
"""
# What a peer has not got, or where it is lost at once: the program is not run there.
NOT_ON = {"qemu_devices": {"bochs"}, "apic": {"qemu"}, "control": {"qemu"}, "limits": {"qemu"},
          "registers": {"qemu"}}


def build(names, work):
    def compiled(source):
        out = os.path.join(work, os.path.basename(source) + ".o")
        subprocess.run(["gcc", *CFLAGS, "-c", "-o", out, os.path.join(SOURCES, source)], check=True)
        return out

    shared = [compiled("start.S"), compiled("legacy32.S"), compiled("real16.S"), compiled("runtime.c")]
    for name in names:
        base = os.path.join(work, name)
        subprocess.run(["ld", "-m", "elf_x86_64", "-T", os.path.join(SOURCES, "program.ld"), "-nostdlib", "-z",
                        "noexecstack", "--no-warn-rwx-segments", "-z", "max-page-size=4096", "-o", base + ".elf64",
                        *shared, compiled(name + ".c")], check=True)
        subprocess.run(["objcopy", "-O", "elf32-i386", base + ".elf64", base + ".elf"], check=True)
        subprocess.run(["objcopy", "-O", "binary", base + ".elf64", base + ".bin"], check=True)


def lines_of(data):
    lines = data.decode(errors="replace").replace("\r", "").splitlines()
    if "begin" not in lines:
        return None
    lines = lines[lines.index("begin") + 1:]
    return lines[:lines.index("end")] if "end" in lines else None


def run_orrery(emulator, name, work):
    command = [emulator, "run", "--kernel", os.path.join(work, name + ".elf"), "-m", "64", "--headless", "--device",
               "pc-testdev", "--fw_cfg", "opt/test,string=hello", "--append", "one two", "--max-insns", INSTRUCTIONS]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return lines_of(result.stdout), result.stdout.decode(errors="replace")


def run_qemu(name, work):
    command = ["timeout", SECONDS, "qemu-system-x86_64", "-m", "64", "-accel", "tcg,thread=single", "-cpu", QEMU_CPU,
               "-kernel", os.path.join(work, name + ".elf"), "-append", "one two", "-display", "none", "-serial",
               "stdio", "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-device",
               "pc-testdev", "-fw_cfg", "name=opt/test,string=hello"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return lines_of(result.stdout), result.stdout.decode(errors="replace")


def run_bochs(name, work):
    directory = os.path.join(work, "bochs." + name)
    os.makedirs(directory)
    with open(os.path.join(work, name + ".bin"), "rb") as f:
        program = f.read()
    program += bytes(-len(program) % 512)
    boot = os.path.join(directory, "boot")
    subprocess.run(["gcc", "-m32", "-c", f"-Wa,--defsym,SECTORS={len(program) // 512}", "-o", boot + ".o",
                    os.path.join(SOURCES, "boot_sector.S")], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "boot", "--oformat", "binary", "-o", boot,
                    boot + ".o"], check=True)
    with open(boot, "rb") as f:
        disk = f.read() + program
    with open(os.path.join(directory, "disk.img"), "wb") as f:
        f.write(disk.ljust(8 * 16 * 63 * 512, b"\0"))
    with open(os.path.join(directory, "rc"), "w") as f:
        f.write(BOCHS)
    with open(os.path.join(directory, "commands"), "w") as f:
        f.write("c\n")
    # Its display wants a terminal; Debian's Bochs is built with its debugger, which must be told to go on.
    subprocess.run(["timeout", SECONDS, "script", "-qec",
                    "stty rows 60 cols 132; TERM=vt100 exec bochs -q -f rc -rc commands", "/dev/null"],
                   cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with open(os.path.join(directory, "serial.txt"), "rb") as f:
            data = f.read()
    except FileNotFoundError:
        data = b""
    return lines_of(data), data.decode(errors="replace")


class Rules:
    """Lines "PROGRAM | regular expression of whole lines | who is wrong | why"; # begins a comment."""

    def __init__(self, path):
        self.rules = []
        with open(path) as f:
            for text in f:
                if text.strip() and not text.startswith("#"):
                    program, pattern, wrong, why = (part.strip() for part in text.split(" | ", 3))
                    self.rules.append([program, re.compile(pattern), set(wrong.split(", ")), why, 0])

    def excuse(self, program, line, who):
        for rule in self.rules:
            if rule[0] == program and who in rule[2] and rule[1].fullmatch(line):
                rule[4] += 1
                return True
        return False


def majority(runs):
    """Line by line what at least two say; what all dispute is left out (and will be complained about)."""
    chosen = []
    for lines in zip(*runs.values()):
        best = max(lines, key=lines.count)
        chosen.append(best if lines.count(best) > 1 else runs["orrery"][len(chosen)])
    return chosen


def main():
    arguments = sys.argv[1:]
    accept = "--accept" in arguments
    arguments = [a for a in arguments if a != "--accept"]
    if not arguments:
        print(__doc__)
        return 2
    for tool in ("gcc", "ld", "objcopy"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    names = arguments[1:] or sorted(f[:-2] for f in os.listdir(SOURCES) if f.endswith(".c") and f[:-2] not in SHARED)
    peers = {"qemu": run_qemu, "bochs": run_bochs}
    wanted = os.environ.get("ORRERY_BARE_METAL_PEERS")
    if wanted is not None:
        peers = {name: peers[name] for name in wanted.split(",") if name}
    else:
        there = {"qemu": shutil.which("qemu-system-x86_64"),
                 "bochs": shutil.which("bochs") and shutil.which("script")
                          and os.path.exists("/usr/share/bochs/BIOS-bochs-latest")}
        for name in [n for n in peers if not there[n]]:
            print(f"{name} is not installed: not asked")
            del peers[name]
    rules = Rules(RULES)
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        build(names, work)
        for name in names:
            runs = {"orrery": run_orrery(arguments[0], name, work)}
            for peer, run in peers.items():
                if peer not in NOT_ON.get(name, ()):
                    runs[peer] = run(name, work)
            for who, (lines, text) in runs.items():
                if lines is None:
                    print(f"{name}: {who} did not reach the end; its last lines:")
                    print("\n".join(text.splitlines()[-5:]))
                    failures += 1
            if any(lines is None for lines, _ in runs.values()):
                continue
            runs = {who: lines for who, (lines, _) in runs.items()}
            path = os.path.join(EXPECTED, name + ".txt")
            if accept:
                with open(path, "w") as f:
                    f.write("\n".join(majority(runs)) + "\n")
            with open(path) as f:
                expected = f.read().splitlines()
            notes = []
            for who, lines in runs.items():
                if len(lines) != len(expected):
                    print(f"{name}: {who} prints {len(lines)} lines, not {len(expected)}")
                    failures += 1
                excused = 0
                for line, right in zip(lines, expected):
                    if line == right:
                        continue
                    if who != "orrery" and rules.excuse(name, right, who):
                        excused += 1
                        continue
                    print(f"{name}: {who} says    {line}\n{' ' * len(name)}  expected    {right}")
                    failures += 1
                if who != "orrery":
                    notes.append(f"{who} differs in {excused}, as the rules say")
            print(f"{name}: {len(expected)} lines; " + "; ".join(notes))
    if not arguments[1:]:
        for rule in rules.rules:
            if rule[4] == 0 and rule[2] <= set(peers):
                print(f"unused rule: {rule[0]} | {rule[1].pattern}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
