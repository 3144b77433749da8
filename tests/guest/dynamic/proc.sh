# What a process's files in /proc say, and that they say it of the same memory.
python3 - <<'EOF'
import ctypes, mmap, os, re, struct, subprocess

data = ctypes.create_string_buffer(b"hello world")
address = ctypes.addressof(data)
mem = open("/proc/self/mem", "r+b", buffering=0)
mem.seek(address)
print(mem.read(11))
mem.seek(address)
mem.write(b"HELLO")
print(data.value)
for what in (lambda: (mem.seek(0), mem.read(4)), lambda: open("/proc/self/mem").seek(0, 2)):
    try:
        what()
    except OSError as e:
        print(e.strerror)

area = mmap.mmap(-1, 4 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area[mmap.PAGESIZE] = 1
start = ctypes.addressof(ctypes.c_char.from_buffer(area))
pagemap = open("/proc/self/pagemap", "rb", buffering=0)
pagemap.seek(start // mmap.PAGESIZE * 8)
words = struct.unpack("4Q", pagemap.read(32))
print("present", [w >> 63 for w in words], "exclusive", words[1] >> 56 & 1, "file", words[1] >> 61 & 1)
try:
    pagemap.seek(1)
    pagemap.read(8)
except OSError as e:
    print(e.strerror)

def sums(path):
    found = {}
    for line in open(path):
        m = re.match(r"(\w+): +(\d+) kB$", line)
        if m:
            found[m[1]] = found.get(m[1], 0) + int(m[2])
    return found

areas, rollup = sums("/proc/self/smaps"), sums("/proc/self/smaps_rollup")
for name in ("Rss", "Shared_Clean", "Private_Dirty", "Anonymous", "AnonHugePages", "Swap", "Locked"):
    print(name, abs(areas[name] - rollup[name]) <= 64)
print("sum", areas["Rss"] == sum(areas[n] for n in ("Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty")))

status = dict(line.rstrip("\n").split(":", 1) for line in open("/proc/self/status"))
print([n for n in ("Umask", "FDSize", "NStgid", "VmPeak", "VmLib", "VmPTE", "HugetlbPages", "CoreDumping", "THP_enabled",
                   "Seccomp", "Cpus_allowed_list", "Mems_allowed_list", "nonvoluntary_ctxt_switches") if n not in status])
print(int(status["VmPTE"].split()[0]) >= 12)

io = dict(line.split(": ") for line in open("/proc/self/io"))
before = int(io["wchar"])
os.write(os.open("/dev/null", os.O_WRONLY), b"x" * 1000)
after = int(dict(line.split(": ") for line in open("/proc/self/io"))["wchar"])
print(list(io), after - before)

with open("/proc/self/oom_score_adj", "w") as f:
    f.write("300")
print(open("/proc/self/oom_score_adj").read(), open("/proc/self/oom_adj").read())
for bad in ("1001", "x"):
    try:
        with open("/proc/self/oom_score_adj", "w") as f:
            f.write(bad)
    except OSError as e:
        print(e.strerror)

auxv = open("/proc/self/auxv", "rb").read()
pairs = dict(struct.iter_unpack("QQ", auxv))
print(pairs[6], pairs[11], auxv[-16:] == bytes(16))

child = subprocess.Popen(["sleep", "1000"])
print(str(child.pid) in open(f"/proc/self/task/{os.getpid()}/children").read().split())
while not open(f"/proc/{child.pid}/syscall").read().startswith("230 0x0 0x0 "):
    pass  # clock_nanosleep, once it has come there
child.kill()
print(open("/proc/self/uid_map").read().split()[:2], open("/proc/self/setgroups").read())
EOF
