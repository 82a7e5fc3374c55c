"""What a hostile command tries from inside a box, and that none of it works.

Where it makes sense the same attack is first shown to work on the host, so that a check cannot
pass because the attack itself is broken.
"""

import asyncio
import os
import socket
import subprocess

import pytest

from factory_tui.sandbox import Door, Limits, read_beneath

from .attacks import FORKS, HOARD, NOBODYS, saying
from .conftest import PYTHON, Lab
from .test_sandbox_run import gone

SYSCALL = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    ctypes.set_errno(0)
    result = libc.syscall(*[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
    return "worked" if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""


def outside(code: str, *words: object) -> str:
    """The same attack without a box."""
    command = [*PYTHON, code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


async def test_files_outside_the_mounts_are_not_there(lab: Lab) -> None:
    canary = lab.ground / "holdout.md"
    canary.write_text("CANARY-7f3a")
    canary.chmod(0o644)
    attack = """
import os, sys
path = sys.argv[1]
tries = [path, "/proc/1/root" + path, "/proc/self/root" + path, "/work/.." + path,
         "/work/../holdout.md", "/app/../holdout.md", "/proc/1/cwd/holdout.md"]
for number in os.listdir("/proc/self/fd"):
    tries.append(f"/proc/self/fd/{number}/../holdout.md")
for each in tries:
    try:
        print(open(each).read())
    except OSError:
        pass
for folder, folders, files in os.walk(sys.argv[2]):
    if folder == "/":
        folders[:] = set(folders) - {"proc", "usr"}
    if "holdout.md" in files:
        print(folder)
"""
    assert "CANARY-7f3a" in outside(attack, canary, lab.ground)
    assert await lab.attempt(attack, canary, "/") == ""


async def test_only_the_named_directories_exist(lab: Lab) -> None:
    listing = await lab.attempt("import os; print(*sorted(os.listdir('/')), *os.listdir('/etc'))")
    known = {"app", "work", "usr", "etc", "proc", "dev", "tmp"}
    known |= {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}
    known |= {"hosts", "nsswitch.conf", "passwd", "group", "ld.so.cache", "alternatives", "ssl"}
    assert set(listing.split()) <= known


async def test_other_processes_cannot_be_seen_or_signalled(lab: Lab) -> None:
    decoy = subprocess.Popen(["/usr/bin/sleep", "600.125"])
    attack = """
import os, sys
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if b"600.125" in open(f"/proc/{name}/cmdline", "rb").read().split(b"\\0"):
                print("seen")
        except OSError:
            pass
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, 0)
        print("signalled", pid)
    except OSError:
        pass
"""
    # Far above what a fresh pid namespace hands out.
    targets = [pid for pid in (decoy.pid, os.getpid(), lab.sandbox.broker_pid) if pid > 100]
    try:
        assert "seen" in outside(attack, *targets)
        assert "signalled" in outside(attack, *targets)
        assert await lab.attempt(attack, *targets) == ""
        done = await lab.python("import os; os.kill(-1, 15)")
        assert done.killed is None
        assert decoy.poll() is None
    finally:
        decoy.kill()
        decoy.wait()


async def test_the_key_is_in_no_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary-51")
    attack = """
import os
seen = repr(dict(os.environ)).encode()
for name in os.listdir("/proc"):
    for part in ("environ", "cmdline"):
        try:
            seen += open(f"/proc/{name}/{part}", "rb").read()
        except OSError:
            pass
print(b"sk-" b"canary" in seen, b"factory-" b"test" in seen, b"SLACK_" b"TOKEN" in seen)
"""
    assert outside(attack).startswith("True")
    assert await lab.attempt(attack, env={"SLACK_TOKEN": "x"}) == "False False True\n"


async def test_no_descriptor_leaks_in(lab: Lab) -> None:
    secret = os.open(lab.ground, os.O_RDONLY)
    os.set_inheritable(secret, True)
    attack = """
import os
for process in ("self", "1"):
    try:
        for number in os.listdir(f"/proc/{process}/fd"):
            print(process, number, os.readlink(f"/proc/{process}/fd/{number}"))
    except OSError:
        pass
"""
    try:
        lines = (await lab.attempt(attack)).splitlines()
    finally:
        os.close(secret)
    own = {line.split()[1]: line.split()[2] for line in lines if line.startswith("self")}
    listing = own.pop("3", "")  # the listing itself
    assert listing in ("", "/proc/2/fd")
    assert set(own) == {"0", "1", "2"}
    assert all(target.startswith("pipe:") for target in own.values())
    assert "factory-test" not in "".join(lines)


async def test_host_sockets_are_out_of_reach(lab: Lab) -> None:
    name = f"factory-test-{os.getpid()}"
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.settimeout(10)
    abstract, path = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{name}")
    path.bind(str(lab.ground / "sock"))
    (lab.ground / "sock").chmod(0o777)
    for listener in (abstract, path):
        listener.listen()
    attack = """
import socket, sys
tcp, udp, name, path = sys.argv[1:]
def attempt(kind, family, address):
    try:
        socket.socket(family).connect(address)
        print(kind)
    except OSError:
        pass
attempt("tcp", socket.AF_INET, ("127.0.0.1", int(tcp)))
attempt("abstract", socket.AF_UNIX, "\\0" + name)
attempt("path", socket.AF_UNIX, path)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"canary", ("127.0.0.1", int(udp)))
except OSError:
    pass
"""
    words = (tcp.getsockname()[1], udp.getsockname()[1], name, lab.ground / "sock")
    try:
        assert outside(attack, *words).split() == ["tcp", "abstract", "path"]
        assert udp.recv(16) == b"canary"
        assert await lab.attempt(attack, *words) == ""
        udp.setblocking(False)
        with pytest.raises(BlockingIOError):
            udp.recv(16)
    finally:
        for item in (tcp, udp, abstract, path):
            item.close()


async def test_no_other_network_and_no_names(lab: Lab) -> None:
    attack = """
import socket
print([name for _, name in socket.if_nameindex()])
for address in ("1.1.1.1", "169.254.169.254", "10.0.0.1", "192.168.1.1"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        line = socket.socket(socket.AF_INET, kind)
        line.settimeout(5)
        try:
            line.connect((address, 53))
            print("reached", address)
        except OSError as error:
            assert error.errno == 101, error  # network is unreachable: at once, not by time-out
for name in ("example.com", "metadata.google.internal"):
    try:
        print("resolved", socket.getaddrinfo(name, 80))
    except OSError:
        pass
print(socket.gethostbyname("localhost"))
"""
    assert await lab.attempt(attack) == "['lo']\n127.0.0.1\n"


async def test_socket_families_that_pass_namespaces_are_refused(lab: Lab) -> None:
    attack = """
import errno, socket
def attempt(name, *kind):
    try:
        socket.socket(*kind).close()
        print(name, "made")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
attempt("unix", socket.AF_UNIX, socket.SOCK_STREAM)
attempt("tcp6", socket.AF_INET6, socket.SOCK_STREAM)
attempt("route", socket.AF_NETLINK, socket.SOCK_RAW, 0)
attempt("vsock", 40, socket.SOCK_STREAM)
attempt("alg", 38, socket.SOCK_SEQPACKET)
attempt("bluetooth", 31, socket.SOCK_RAW)
attempt("can", 29, socket.SOCK_RAW)
attempt("xdp", 44, socket.SOCK_RAW)
attempt("netfilter", socket.AF_NETLINK, socket.SOCK_RAW, 12)
attempt("audit", socket.AF_NETLINK, socket.SOCK_RAW, 9)
attempt("packet", 17, socket.SOCK_RAW, 3)
attempt("icmp", socket.AF_INET, socket.SOCK_RAW, 1)
attempt("raw", socket.AF_INET, socket.SOCK_RAW, 255)
"""
    said = dict(line.split() for line in (await lab.attempt(attack)).splitlines())
    assert {name for name, came in said.items() if came == "made"} == {"unix", "tcp6", "route"}
    assert {came for came in said.values() if came != "made"} == {"EPERM"}


async def test_a_door_cannot_be_taken_over(lab: Lab) -> None:
    attack = """
import errno, socket
for address in ("127.0.0.1", "127.1.0.1", "0.0.0.0"):
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            line.bind((address, 7002)); line.listen()
            print("took", address)
        except OSError as error:
            print(errno.errorcode[error.errno])
"""
    said = await lab.attempt(attack, doors=(Door("slack", 7002, saying("")),))
    # 127.1.0.1 is another address: to own it does not take the door's.
    assert "took 127.0.0.1" not in said
    assert "took 0.0.0.0" not in said
    assert "EADDRINUSE" in said


async def test_no_namespace_can_be_made_or_entered(lab: Lab) -> None:
    attack = (
        SYSCALL
        + """
import platform
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000):
    print("unshare", errno.errorcode[ctypes.get_errno()] if libc.unshare(flag) else "worked")
    print("clone", call(clone, flag | 17, 0, 0, 0, 0))
print("clone3", call(435, 0, 0))
for name in ("user", "net", "pid", "mnt"):
    place = os.open(f"/proc/1/ns/{name}", os.O_RDONLY) if os.access(f"/proc/1/ns/{name}", 4) else 0
    print("setns", "worked" if libc.setns(place, 0) == 0 else "no")
"""
    )
    said = await lab.attempt(attack)
    assert "worked" not in said
    assert "clone3 ENOSYS" in said
    again = ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"]
    assert (await lab.sandbox.run(again, lab.box())).exit_code != 0


async def test_nothing_can_be_mounted_or_made_writable(lab: Lab) -> None:
    attack = (
        SYSCALL
        + """
for source, target, kind, flags in (
    (b"none", b"/tmp", b"tmpfs", 0),
    (b"none", b"/usr", None, 32 | 4096),            # remount, bind: writable
    (b"none", b"/app", None, 32 | 4096),
    (b"/usr", b"/work", None, 4096),
    (b"none", b"/", None, 1 << 19),                 # shared
):
    ctypes.set_errno(0)
    print("worked" if libc.mount(source, target, kind, flags, None) == 0 else "no")
print("worked" if libc.umount2(b"/app", 2) == 0 else "no")
print("worked" if libc.chroot(b"/work") == 0 else "no")
for path in ("/usr/x", "/etc/x", "/x", "/app/x", "/dev/x", "/etc/passwd",
             "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
             "/proc/sysrq-trigger", "/proc/self/oom_score_adj"):
    try:
        open(path, "r+" if os.path.exists(path) else "w").close()
        print("wrote", path)
    except OSError:
        pass
for kind in (0o20000, 0o60000):
    try:
        os.mknod("/work/node", kind | 0o666, os.makedev(8, 0)); print("node")
    except OSError:
        pass
"""
    )
    said = (await lab.attempt(attack)).splitlines()
    # Its own badness is a process's to raise.
    assert set(said) <= {"no", "wrote /proc/self/oom_score_adj"}


async def test_no_rights_are_left_and_none_can_be_gained(lab: Lab) -> None:
    status = await lab.attempt("print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert fields["Uid"].split() == ["1000"] * 4
    assert fields["Groups"].split() in ([], ["1000"], ["65534"])


async def test_kernel_identity_is_never_root(lab: Lab, as_root: None) -> None:
    await lab.attempt("open('/work/mine', 'w')")
    assert (lab.work / "mine").stat().st_uid == 64001


async def test_calls_that_widen_the_kernel_are_refused(lab: Lab) -> None:
    attack = (
        SYSCALL
        + """
import platform
row = {"x86_64": 0, "aarch64": 1}[platform.machine()]
numbers = dict(ptrace=(101, 117), process_vm_readv=(310, 270), bpf=(321, 280), keyctl=(250, 219),
    add_key=(248, 217), perf_event_open=(298, 241), userfaultfd=(323, 282),
    io_uring_setup=(425, 425), pidfd_getfd=(438, 438), open_by_handle_at=(304, 265),
    fsopen=(430, 430), memfd_secret=(447, 447), syslog=(103, 116), kexec_load=(246, 104),
    reboot=(169, 142), settimeofday=(164, 170))
for name, columns in numbers.items():
    print(name, call(columns[row], 0, 0, 0, 0, 0))
if row == 0:
    print("x32", call(0x40000000 + 39))
"""
    )
    said = dict(line.split() for line in (await lab.attempt(attack)).splitlines())
    assert set(said.values()) == {"EPERM"}, said
    allowed = outside(attack)
    assert "bpf EPERM" not in allowed or "userfaultfd EPERM" not in allowed


async def test_input_cannot_be_typed_into_a_terminal(lab: Lab) -> None:
    attack = """
import errno, fcntl, os, pty, termios
try:
    os.open("/dev/tty", os.O_RDWR); print("terminal")
except OSError:
    pass
leader, follower = pty.openpty()
for request in (termios.TIOCSTI, 0x541C):
    try:
        fcntl.ioctl(follower, request, b"x"); print("typed")
    except OSError as error:
        print(errno.errorcode[error.errno])
print(len(fcntl.ioctl(follower, termios.TIOCGWINSZ, bytes(8))))
"""
    assert (await lab.attempt(attack)).split() == ["EPERM", "EPERM", "8"]


async def test_links_lead_nowhere(lab: Lab) -> None:
    secret = lab.ground / "secret"
    secret.write_text("CANARY")
    attack = """
import os, sys
os.symlink(sys.argv[1], "/work/link")
os.symlink(os.path.dirname(sys.argv[1]), "/work/folder")
os.mkfifo("/work/pipe")
open("/work/plain", "w").write("fine")
try:
    print(open("/work/link").read())
except OSError:
    pass
for source in ("/etc/passwd", "/app/hello", "/usr/bin/env"):
    try:
        os.link(source, "/work/hard"); print("linked", source)
    except OSError:
        pass
"""
    assert await lab.attempt(attack, secret) == ""
    assert (lab.work / "link").read_text() == "CANARY"  # why the host must not follow it
    assert read_beneath(lab.work, "plain") == b"fine"
    for name in ("link", "folder/secret", "pipe", "../secret", "absent", "plain/x", ""):
        assert read_beneath(lab.work, name) is None, name


async def test_a_fork_bomb_is_held_and_leaves_others_alone(lab: Lab) -> None:
    limits = Limits(pids=50, wall_s=30)
    first = asyncio.create_task(lab.attempt(FORKS, "mark-bomb", limits=limits))
    second = asyncio.create_task(lab.attempt(FORKS, "mark-bomb", limits=limits))
    for said in await asyncio.gather(first, second):
        assert 40 <= int(said) <= 50
    assert await gone("mark-bomb")


MEMORY_BOMBS = {
    "one process": "x = bytearray(1 << 30)",
    "many processes": HOARD,
    "nobody's memory": NOBODYS,
}


@pytest.mark.parametrize("kind", MEMORY_BOMBS)
async def test_a_memory_bomb_is_ended(lab: Lab, kind: str) -> None:
    done = await lab.python(MEMORY_BOMBS[kind], limits=Limits(memory_mb=128, wall_s=30))
    assert done.exit_code != 0
    if done.killed is None:  # without a memory cgroup one process is refused instead
        assert "MemoryError" in done.stderr or "PermissionError" in done.stderr
    else:
        assert (done.killed, done.exit_code) == ("memory", None)


async def test_the_disk_cannot_be_filled(lab: Lab) -> None:
    many = """
number = 0
while True:
    with open(f"/work/{number}", "wb") as file:
        file.write(b"x" * (4 << 20))
    number += 1
"""
    done = await lab.python(many, limits=Limits(disk_mb=20, wall_s=60))
    assert (done.killed, done.exit_code) == ("disk", None)
    used = sum(file.stat().st_size for file in lab.work.iterdir())
    assert used < 2 << 30
    # What was there before counts as allowed, so that a full tree can still be tidied.
    done = await lab.sandbox.run(
        ["sh", "-c", "rm /work/*; sleep 0.2"], lab.box(limits=Limits(disk_mb=20))
    )
    assert (done.killed, done.exit_code) == (None, 0)
    one = "open('/work/big', 'wb').write(b'x' * (30 << 20))"
    done = await lab.python(one, limits=Limits(disk_mb=20))
    assert done.exit_code == 1
    assert "File too large" in done.stderr
    entries = "import os\nfor n in range(10**6): os.mkdir(f'/work/d{n}')"
    done = await lab.python(entries, limits=Limits(files=500, wall_s=60))
    assert done.killed == "disk"


async def test_memory_file_systems_cannot_be_filled(lab: Lab) -> None:
    attack = """
import os
for folder in ("/tmp", "/dev/shm", "/dev", "/", "/run", "/var", "/etc", "/dev/pts", "/proc"):
    written = 0
    try:
        with open(folder + "/fill", "wb") as file:
            while written < 64 << 20:
                written += file.write(b"x" * (1 << 20))
    except OSError:
        pass
    print(folder, written >> 20)
    try:
        os.unlink(folder + "/fill")
    except OSError:
        pass
"""
    said = await lab.attempt(attack, limits=Limits(scratch_mb=8))
    written = {folder: int(size) for folder, size in (line.split() for line in said.splitlines())}
    assert 6 <= written.pop("/tmp") <= 8
    assert 6 <= written.pop("/dev/shm") <= 8
    assert set(written.values()) == {0}


async def test_a_daemon_does_not_outlive_its_box(lab: Lab) -> None:
    attack = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        while True:
            with open("/work/beat", "a") as file:
                file.write(".")
            time.sleep(0.02)
    os._exit(0)
while not os.path.exists("/work/beat"):
    time.sleep(0.01)
"""
    await lab.attempt(attack, "mark-daemon")
    assert await gone("mark-daemon")
    size = (lab.work / "beat").stat().st_size
    await asyncio.sleep(0.2)
    assert (lab.work / "beat").stat().st_size == size


async def test_one_box_cannot_see_another(lab: Lab) -> None:
    holder = """
import os, socket, time
line = socket.socket(); line.bind(("127.0.0.1", 9000)); line.listen()
hidden = socket.socket(socket.AF_UNIX); hidden.bind("\\0hidden"); hidden.listen()
open("/tmp/shared", "w").close(); open("/dev/shm/shared", "w").close()
open("/work/up", "w").close()
time.sleep(60)
"""
    seeker = """
import os, socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 9000)), (socket.AF_UNIX, "\\0hidden")):
    try:
        socket.socket(family).connect(address); print("reached", address)
    except OSError:
        pass
processes = [name for name in os.listdir("/proc") if name.isdigit()]
print(*os.listdir("/tmp"), *os.listdir("/dev/shm"), len(processes))
"""
    stop = asyncio.Event()
    box = lab.box(limits=Limits(grace_s=0.1))
    first = asyncio.create_task(lab.sandbox.run([*PYTHON, holder], box, stop=stop))
    while not (lab.work / "up").exists():
        await asyncio.sleep(0.02)
    assert (await lab.attempt(seeker)).split() == ["2"]
    stop.set()
    await first


async def test_flooding_output_does_not_stall_the_others(lab: Lab) -> None:
    flood = lab.box(limits=Limits(output_bytes=64 << 20, wall_s=60))
    task = asyncio.create_task(lab.sandbox.run(["yes"], flood))
    assert (await lab.sandbox.run(["/app/hello"], lab.box())).exit_code == 0
    assert (await task).killed == "output"
