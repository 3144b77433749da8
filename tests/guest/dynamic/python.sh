# Python's own library: processes, threads, files, signals, terminals.
python3 -c 'print(6*7)'
python3 - <<'PYTHON'
import ctypes, hashlib, json, mmap, os, select, signal, subprocess, tempfile, threading

print(json.dumps({"a": [1, 2.5, None]}), hashlib.sha256(b"x").hexdigest()[:8])
print(subprocess.run(["sh", "-c", "echo child; exit 3"], capture_output=True))
try:
    subprocess.run(["sleep", "10"], timeout=0.1)
except subprocess.TimeoutExpired:
    print("timed out")

total, lock = 0, threading.Lock()
def add():
    global total
    for _ in range(1000):
        with lock:
            total += 1
threads = [threading.Thread(target=add) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(total)

with tempfile.TemporaryFile() as f:
    f.truncate(8192)
    with mmap.mmap(f.fileno(), 8192) as m:
        m[4096:4100] = b"mmap"
        print(os.pread(f.fileno(), 4, 4096))

r, w = os.pipe()
with select.epoll() as e:
    e.register(r, select.EPOLLIN)
    print(e.poll(0))
    os.write(w, b"x")
    print(e.poll(0) == [(r, select.EPOLLIN)])

signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
signal.setitimer(signal.ITIMER_REAL, 0.01)
print(signal.sigwait([signal.SIGALRM]) == signal.SIGALRM)
signal.raise_signal(signal.SIGALRM)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
pid = os.fork()
if pid == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
m, s = os.openpty()
os.write(s, b"tty\n")
print(os.read(m, 10), os.isatty(s))
print(os.get_terminal_size(s) == (0, 0), os.sysconf("SC_PAGESIZE"), len(os.urandom(16)))
print(ctypes.CDLL(None).abs(-5))
try:
    os.open("/nowhere", os.O_RDONLY)
except FileNotFoundError as error:
    print(error)
PYTHON
python3 - <<'PYTHON'
# Processes that share a queue and a counter, by semaphores in /dev/shm.
from multiprocessing import Process, Queue, Value

def work(queue, value):
    with value.get_lock():
        value.value += 1
    queue.put("from the child")

value, queue = Value("i", 1), Queue()
child = Process(target=work, args=(queue, value))
child.start()
print(queue.get())
child.join()
print(value.value, child.exitcode)
PYTHON
python3 -c 'import sys; sys.exit(5)'
echo "status $?"
python3 -c 'raise ValueError("no")' 2>&1 | tail -n 1
