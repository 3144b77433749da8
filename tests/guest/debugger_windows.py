#!/usr/bin/env python3
"""The debugger's text twins on a booted guest: orrery show, orrery strace.

usage: debugger_windows.py ORRERY
Boots our kernel with the built-in image beside ORRERY and checks what each window says of it.
"""
import json
import re
import subprocess
import sys

ORRERY = sys.argv[1]
FAILURES = []


def orrery(*words):
    done = subprocess.run([ORRERY, *words], capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def check(what, condition, shown=""):
    if not condition:
        FAILURES.append(what)
        print(f"FAILED: {what}\n{shown}")


def check_strace():
    status, out, trace = orrery("strace", "--", "ls", "/")
    lines = trace.splitlines()
    check("ls's output is on stdout", status == 0 and "bin" in out.split(), out + trace)
    check("the first line is the command's execve",
          re.match(r'execve\("/bin/ls", \["ls", "/"\], 0x[0-9a-f]+ /\* \d+ vars \*/\) = 0$', lines[0]), lines[0])
    check("ls reads its directory", any(line.startswith('openat(AT_FDCWD, "/", O_RDONLY|') for line in lines), trace)
    check("the last lines are its exit", lines[-2].startswith("exit_group(0) ") and lines[-2].endswith("= ?")
          and lines[-1] == "+++ exited with 0 +++", trace[-300:])

    status, out, trace = orrery("strace", "--", "sh", "-c", "ls / | wc -l; cat /nonexistent; exit 7")
    check("strace's status is the command's", status == 7, trace[-300:])
    check("children are traced", "[pid" in trace and "<unfinished ...>" in trace and " resumed>" in trace, trace)
    check("errors have names", "= -1 ENOENT (No such file or directory)" in trace, trace)
    check("the end is told", trace.rstrip().endswith("+++ exited with 7 +++"), trace[-300:])

    _, _, trace = orrery("strace", "--", "sh", "-c", "trap : USR1; kill -USR1 $$; kill -SEGV $$")
    check("a handled signal is shown", "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=" in trace, trace)
    check("a deadly signal is shown", "+++ killed by SIGSEGV" in trace, trace)

    _, _, table = orrery("strace", "-c", "--", "true")
    check("-c prints a table", table.startswith("% time     seconds  usecs/call") and " total\n" in table, table)

    status, _, error = orrery("strace")
    check("strace needs a command", status == 2 and error.count("\n") == 1, error)


def check_windows():
    status, text, _ = orrery("show", "tasks")
    check("tasks: swapper, init and a shell", status == 0 and re.search(r"^ +1 +0 +S +\S", text, re.M), text)
    tasks = json.loads(orrery("show", "tasks", "--format", "json")[1])["tasks"]
    shell = max(task["pid"] for task in tasks)
    check("tasks: the shell waits for a key", any("poll(" in t["system_call"] or "read(" in t["system_call"]
                                                for t in tasks if t["pid"] == shell), str(tasks))

    space = json.loads(orrery("show", "address-space", str(shell), "pages", "--format", "json")[1])
    names = [area["name"] for area in space["areas"]]
    check("address-space: program, heap and stack",
          "/bin/busybox" in names and "[heap]" in names and "[stack]" in names, str(names))
    check("address-space: init's text is shared", any(area["shared_frames"] for area in space["areas"]), str(space))
    check("address-space: every resident page is in an area",
          sum(area["mapped_pages"] for area in space["areas"]) == space["resident_pages"], str(space["areas"]))

    # A task's address by its own page tables: what its address space says of it.
    init = json.loads(orrery("show", "address-space", "1", "pages", "--format", "json")[1])
    wrong = []
    for run in init["runs"][::len(init["runs"]) // 5 + 1]:
        walk = json.loads(orrery("show", "page-walk", run["linear"], "1", "--format", "json")[1])
        if not walk["mapped"] or walk["physical"] != run["physical"]:
            wrong.append((run, walk["verdict"]))
    check("page-walk of a task: its own frames", init["runs"] and not wrong, str(wrong))
    memory = orrery("show", "memory", init["areas"][0]["start"], "16", "1")[1]
    check("memory of a task: its program's first bytes", "7f 45 4c 46" in memory, memory)
    check("memory that is not there is not read", "-- --" in orrery("show", "memory", "0x1000", "16", "1")[1])

    walk = json.loads(orrery("show", "page-walk", "do_syscall_64", "--format", "json")[1])
    check("page-walk: the kernel's text", walk["mapped"] and walk["symbol"] == "do_syscall_64", str(walk))
    registers = json.loads(orrery("show", "registers", "--at", "syscall:write", "--format", "json", "--", "ls", "/")[1])
    check("registers at a system call",
          registers["ring"] == 0 and registers["location"] == "entry_SYSCALL_64" and registers["task"].startswith("ls "),
          str(registers))
    ring = json.loads(orrery("show", "ring", "--at", "syscall:write", "--format", "json", "--", "ls", "/")[1])
    check("ring at a system call: it came from user mode", ring["ring"] == 0 and ring["crossed"] and
          int(ring["registers"]["CPL"]["before"], 16) == 3 and int(ring["registers"]["CPL"]["now"], 16) == 0, str(ring))
    check("registers: the call's number is in RAX", int(registers["general"]["RAX"]["value"], 16) == 1, str(registers))
    text = orrery("show", "disassembly", "--at", "vfs_write")[1]
    check("disassembly at a function", "vfs_write:" in text and "=>" in text and "guest-kernel/fs/" in text, text)
    check("console: the prompt", "~ #" in orrery("show", "console")[1])
    tlb = json.loads(orrery("show", "tlb", "--format", "json")[1])
    check("tlb: counted and filled", tlb["data_lookups"] > 100000 and tlb["arrays"][0]["used"] > 8, str(tlb)[:400])
    calls = json.loads(orrery("show", "syscalls", "--format", "json")[1])["calls"]
    check("syscalls: mount's calls are there", any(call["text"].startswith("mount(") for call in calls))
    check("syscalls: a call that waits is whole", any(not call.get("finished", True) and call["text"].endswith(")")
                                                     for call in calls), str(calls[-3:]))
    check("syscalls: none ends before it begins", all(call.get("end_ticks") is None or call["end_ticks"] >= call["begin_ticks"]
                                                     for call in calls))
    check("devices: the serial port", "uart16550.0  ports 0x3f8" in orrery("show", "devices")[1])
    check("memory", orrery("show", "memory", "init_task", "32")[1].count("\n") == 3)


def check_errors():
    for words, message in [
            (["page-walk", "0xzz"], "orrery: show page-walk: 0xzz is not an address\n"),
            (["page-walk"], "orrery: show page-walk: needs an address\n"),
            (["page-walk", "0x401000", "7777"], "orrery: show page-walk: no task has pid 7777\n"),
            (["page-walk", "0x401000", "one"], "orrery: show page-walk: one is not a pid\n"),
            (["address-space", "7777"], "orrery: show address-space: no task has pid 7777\n"),
            (["memory", "nowhere"], "orrery: show memory: no symbol is called nowhere\n"),
    ]:
        status, out, error = orrery("show", *words)
        check(" ".join(words), status == 2 and out == "" and error == message, error)
    status, _, error = orrery("show", "foo")
    check("an unknown window", status == 2 and error.startswith("orrery: show: no window is called foo; there are: "))
    status, _, error = orrery("show", "tlb", "--at", "noon")
    check("an unknown moment", status == 2 and error.startswith("orrery: show: --at noon: ") and error.count("\n") == 1)


check_strace()
check_windows()
check_errors()
print("failed" if FAILURES else "all windows are right")
sys.exit(1 if FAILURES else 0)
