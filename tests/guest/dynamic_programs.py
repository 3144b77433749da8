#!/usr/bin/env python3
"""Runs Debian's own dynamically linked programs on our kernel under QEMU: each script of tests/guest/dynamic by bash, in
the guest with the image's programs and on the host with the host's, and compares the outputs; the host's Linux is the
oracle. procps, whose output depends on the system, is looked at by patterns.

With ORRERY_EMULATOR=PATH it is Orrery that runs the guest; there a command line with such a program is tried too.

usage: dynamic_programs.py KERNEL IMAGE [NAME...]     exit status: 0 all right, 1 not, 77 cannot run here
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from qemu_programs import run_guest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dynamic")
PATTERNS = {
    "ps": ("ps -o pid,ppid,stat,args -p $$", rf"^ +PID +PPID STAT COMMAND\n +\d+ +\d+ +S +/bin/bash .*$"),
    "top": ("top -b -n1", r"^top - [\d:]+ up .*\nTasks: +\d+ total.*\n%Cpu\(s\):.*\nMiB Mem :(.*\n)+ +\d+ root .* R .* top$"),
    "free": ("free -m", r"^Mem: +\d+ +\d+ +\d+"),
    "pgrep": ("pgrep -x bash >/dev/null && echo found", r"^found$"),
    "vmstat": ("vmstat", r"^procs -+memory.*\n.*\n( +\d+)+$"),
    "meminfo": ("wc -l </proc/meminfo; grep VmallocTotal /proc/meminfo", r"^54\nVmallocTotal:   34359738367 kB$"),
    "cpus": ("cat /sys/devices/system/cpu/online /sys/bus/cpu/devices/cpu0/topology/core_cpus", r"^0\n1$"),
    "rtc": ("a=$(cat /sys/class/rtc/rtc0/since_epoch); b=$(date +%s); echo $((b - a)) $(ls /dev/rtc0)", r"^-?[01] /dev/rtc0$"),
    "uptime": ("uptime -p", r"^up "),
}
COMMAND = """cd /tmp
for name in $(cat /scripts/list); do
    mkdir $name; cd $name
    echo "@@@ begin $name"
    /bin/bash /scripts/$name.sh </dev/null 2>&1 | cat
    echo "@@@ end $name"
    cd ..
done
"""


def make_image(image, names, directory):
    """The image, and behind it an archive with what is to run: the kernel reads one after the other."""
    root = os.path.join(directory, "root")
    os.makedirs(os.path.join(root, "orrery"))
    os.makedirs(os.path.join(root, "scripts"))
    for name in names:
        script = os.path.join(root, "scripts", name + ".sh")
        if name in PATTERNS:
            with open(script, "w") as f:
                f.write(PATTERNS[name][0] + "\n")
        else:
            shutil.copy(os.path.join(SCRIPTS, name + ".sh"), script)
    with open(os.path.join(root, "scripts/list"), "w") as f:
        f.write("\n".join(names) + "\n")
    with open(os.path.join(root, "orrery/command"), "w") as f:
        f.write(COMMAND)
    path = os.path.join(directory, "image.cpio")
    shutil.copy(image, path)
    with open(path, "ab") as out:
        find = subprocess.run(["find", ".", "-mindepth", "1"], cwd=root, stdout=subprocess.PIPE, check=True)
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, input=find.stdout, stdout=out,
                       check=True)
    return path


def run_host(name, directory):
    work = os.path.join(directory, "work", name)
    os.makedirs(work)
    script = os.path.join(SCRIPTS, name + ".sh")
    result = subprocess.run(["timeout", "120", "/bin/bash", script], cwd=work, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "TERM": "xterm-256color"})
    return result.stdout.decode(errors="replace").replace(SCRIPTS, "/scripts")


def compare(name, guest, directory):
    """None if all is right, else what is not."""
    if name in PATTERNS:
        return None if re.search(PATTERNS[name][1], guest, re.M) else f"does not match {PATTERNS[name][1]!r}:\n{guest}"
    host = run_host(name, directory)
    if guest == host:
        return None
    return "".join(difflib.unified_diff(host.splitlines(True), guest.splitlines(True), "host", "guest", n=1))


def try_command_line(emulator, kernel, image):
    """The command line that a user would type."""
    result = subprocess.run([emulator, "run", "--kernel", kernel, "--initrd", image, "--", "/bin/bash", "-c",
                             'ls -l /bin/bash; python3 -c "print(6*7)"'], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE)
    text = result.stdout.decode(errors="replace")
    if result.returncode == 0 and re.fullmatch(r"-rwxr-xr-x 1 root root \d+ .* /bin/bash\n42\n", text):
        return None
    return f"status {result.returncode}:\n{text}"


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    kernel, image = sys.argv[1:3]
    for tool in ("qemu-system-x86_64", "cpio", "bash", "python3"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    if not os.path.exists(image):
        print(f"{image} has not been made (target dynamic-initramfs)")
        return 77
    names = sys.argv[3:] or sorted(f[:-3] for f in os.listdir(SCRIPTS)) + list(PATTERNS)
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        text = run_guest(kernel, make_image(image, names, directory), [], "512M")
        for name in names:
            match = re.search(rf"^@@@ begin {name}\n(.*?)^@@@ end {name}$", text, re.S | re.M)
            if match:
                wrong = compare(name, match.group(1), directory)
            else:
                wrong = "did not finish; the console's last lines:\n" + "\n".join(text.splitlines()[-30:])
            print(f"{name}: {wrong or 'right'}")
            failed += wrong is not None
            if not match:
                break
    emulator = os.environ.get("ORRERY_EMULATOR")
    if emulator and not sys.argv[3:]:
        wrong = try_command_line(emulator, kernel, image)
        print(f"command line: {wrong or 'right'}")
        failed += wrong is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
