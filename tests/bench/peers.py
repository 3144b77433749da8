"""How each emulator boots the same kernel with the same initial file system, and what its process costs.

Each writes the guest's serial port, line by line, to a pipe; the processor time of its process is read as lines arrive.
"""
import os
import shutil
import subprocess
import threading
import time

MEMORY = "512"  # MiB


def processor_seconds(pid):
    """User and system time of all threads of a process so far (its CPU-time clock, clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


class Peer:
    """An emulator; `lines()` boots it and yields (line, processor seconds of the process) until it ends."""

    def __init__(self, kernel, initrd, append, work):
        self.kernel, self.initrd, self.append, self.work = kernel, initrd, append, work

    def command(self):
        raise NotImplementedError

    def start(self):
        """The process, and the stream of its guest's serial port."""
        process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        return process, process.stdout

    def lines(self, deadline_seconds):
        process, output = self.start()
        alarm = threading.Timer(deadline_seconds, process.kill)
        alarm.start()
        try:
            for line in iter(output.readline, b""):
                if process.poll() is not None:
                    return
                yield line.decode(errors="replace").strip(), processor_seconds(process.pid)
        finally:
            alarm.cancel()
            process.kill()
            process.wait()


class Orrery(Peer):
    name = "orrery"

    def __init__(self, program, *arguments):
        super().__init__(*arguments)
        self.program = program

    def command(self):
        return [self.program, "run", "--headless", "--kernel", self.kernel, "--initrd", self.initrd, "-m", MEMORY + "M",
                "--append", self.append]


class Qemu(Peer):
    name = "qemu"

    def command(self):
        return ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-m", MEMORY + "M", "-kernel",
                self.kernel, "-initrd", self.initrd, "-append", "console=ttyS0 " + self.append, "-display", "none",
                "-serial", "stdio", "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


BOCHSRC = """\
megs: {memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=corei7_sandy_bridge_2600k, count=1, ips=200000000, reset_on_triple_fault=0
clock: sync=none
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
display_library: rfb, options="timeout=0"
speaker: enabled=0
sound: driver=dummy
log: {log}
panic: action=fatal
error: action=report
"""

ISOLINUX = """\
default guest
prompt 0
label guest
  kernel /kernel
  append initrd=/initrd console=ttyS0 {append}
"""


class Bochs(Peer):
    """Debian's package, which is built with its debugger: some 3 to 4 times slower than an optimised build. It boots
    from a CD by ISOLINUX."""
    name = "bochs"

    @staticmethod
    def missing():
        """What this peer lacks here, or None."""
        for program in ("bochs", "genisoimage"):
            if shutil.which(program) is None:
                return program
        for path in ("/usr/lib/ISOLINUX/isolinux.bin", "/usr/share/vgabios/vgabios.bin"):
            if not os.path.exists(path):
                return path
        return None

    def command(self):
        tree = os.path.join(self.work, "cd")
        os.makedirs(tree, exist_ok=True)
        for source, name in ((self.kernel, "kernel"), (self.initrd, "initrd"),
                             ("/usr/lib/ISOLINUX/isolinux.bin", "isolinux.bin"),
                             ("/usr/lib/syslinux/modules/bios/ldlinux.c32", "ldlinux.c32")):
            shutil.copyfile(source, os.path.join(tree, name))
        with open(os.path.join(tree, "isolinux.cfg"), "w", encoding="utf-8") as file:
            file.write(ISOLINUX.format(append=self.append))
        iso = os.path.join(self.work, "cd.iso")
        subprocess.run(["genisoimage", "-quiet", "-o", iso, "-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot",
                        "-boot-load-size", "4", "-boot-info-table", tree], check=True, stderr=subprocess.DEVNULL)
        self.serial = os.path.join(self.work, "bochs-serial")
        if not os.path.exists(self.serial):
            os.mkfifo(self.serial)
        config = os.path.join(self.work, "bochsrc")
        with open(config, "w", encoding="utf-8") as file:
            file.write(BOCHSRC.format(memory=MEMORY, iso=iso, serial=self.serial,
                                      log=os.path.join(self.work, "bochs.log")))
        # Its debugger asks once whether to begin.
        begin = os.path.join(self.work, "bochs-begin")
        with open(begin, "w", encoding="utf-8") as file:
            file.write("continue\n")
        return ["bochs", "-q", "-f", config, "-rc", begin]

    def start(self):
        command = self.command()
        # Both ends of the serial port's pipe are held, or it would end with every silence.
        output = os.fdopen(os.open(self.serial, os.O_RDWR), "rb")
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        threading.Thread(target=self.watch, args=(process,), daemon=True).start()
        return process, output

    def watch(self, process):
        process.wait()
        with open(self.serial, "wb") as wake:
            wake.write(b"\n")
