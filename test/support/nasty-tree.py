"""Makes a tree of everything that is hard to keep, with system calls only. Usage: nasty-tree.py FOLDER OPTION…

Options: root (owners, devices, trusted.*, capabilities), odd (names and targets that are not UTF-8), nodes (FIFOs,
sockets, and devices as root), flags (inode flags; `nocow` also +C), large (files around 32 MiB and more),
many=N (files in one folder), deep=N (folders in one another).
Prints what it made, one "KIND COUNT" a line. One hard link leads to FOLDER.outside, a folder beside the tree.
"""
import errno, fcntl, os, socket, struct, sys
from collections import Counter

root = os.fsencode(sys.argv[1])
options = dict(option.partition("=")[::2] for option in sys.argv[2:])
made = Counter()
as_root = "root" in options
MiB = 1 << 20
PATTERN = bytes((i * i + (i >> 8)) & 0xFF for i in range(4096))
FLAGS = dict(sync=0x8, i=0x10, a=0x20, d=0x40, A=0x80, D=0x10000, T=0x20000, C=0x800000)
pending_flags = []
pending_times = []


def at(path):
    return os.path.join(root, path)


def folder(path, mode=0o755):
    os.makedirs(at(path), exist_ok=True)
    os.chmod(at(path), mode)
    made["folder"] += 1
    return path


def file(path, data=b"", mode=0o644, kind="file"):
    with open(at(path), "wb") as out:
        out.write(data)
    os.chmod(at(path), mode)
    made[kind] += 1
    return path


def pieces(path, size, *parts):
    fd = os.open(at(path), os.O_CREAT | os.O_WRONLY, 0o644)
    os.ftruncate(fd, size)
    for offset, data in parts:
        os.pwrite(fd, data, offset)
    os.close(fd)
    made["sparse"] += 1


def symlink(target, path):
    os.symlink(target, at(path))
    made["symlink"] += 1
    return path


def link(first, *others):
    for other in others:
        os.link(at(first), at(other), follow_symlinks=False)
    made["hardlink group"] += 1


def node(path, mode, major=0, minor=0, kind="fifo"):
    os.mknod(at(path), mode, os.makedev(major, minor))
    os.chmod(at(path), mode & 0o7777)
    made[kind] += 1
    return path


def xattr(path, name, value):
    os.setxattr(at(path), name, value, follow_symlinks=False)
    made["xattr " + name.split(".")[0]] += 1


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, perm, who) for tag, perm, who in entries)


def time(path, seconds, nanoseconds=0):
    pending_times.append((path, seconds * 10**9 + nanoseconds))
    made["time"] += 1


def flags(path, letters):
    pending_flags.append((path, sum(FLAGS[letter] for letter in letters)))


def own(path, uid, gid):
    os.chown(at(path), uid, gid, follow_symlinks=False)
    made["owner"] += 1


os.makedirs(root)
os.umask(0)

folder(b"plain")
file(b"plain/hello", b"hello\n")
file(b"plain/empty", b"")
file(b"plain/script", b"#!/bin/sh\n", 0o755)
file(b"plain/secret", b"s", 0o600)
file(b"plain/unreadable" if as_root else b"plain/private", b"u", 0o000 if as_root else 0o400)
file(b"plain/block", PATTERN)
file(b"plain/odd-size", PATTERN * 25 + b"tail")
folder(b"plain/empty-folder")
folder(b"plain/mode-0700", 0o700)
file(b"plain/mode-0700/file", b"in 0700")
symlink(b"hello", b"plain/link")
symlink(b"/nowhere/at/all", b"plain/dangling")
symlink(b"../plain", b"plain/loop")
symlink(b"t" * 1000, b"plain/long-target")

folder(b"modes")
for mode in (0o4755, 0o2755, 0o1755, 0o6711, 0o7777, 0o640):
    file(b"modes/file-%o" % mode, b"%o" % mode, mode, "special mode")
for mode in (0o1777, 0o2775, 0o3770, 0o711):
    folder(b"modes/dir-%o" % mode)
    file(b"modes/dir-%o/file" % mode, b"x")
    folder(b"modes/dir-%o/sub" % mode)
    pending_times.append((b"modes/dir-%o" % mode, -mode))
    os.chmod(at(b"modes/dir-%o" % mode), mode)

folder(b"names")
for name in (b"new\nline", b"tab\t", b"quote'\"", b"back\\slash", b"-dash", b" space ", b"%", b"%.names", b"%25", b"a%00",
             b"*", b"\x01\x7f", "ü€😀".encode(), "u\u0308".encode(), b"n" * 255, "ü".encode() * 127 + b"n", b".hidden", b"...", b"#", b"$HOME",
             b"a", b"a.b", b"a-b", b"ab"):
    file(b"names/" + name, name, kind="name")
for name in (b"d", b"d.e", b"d%", b"%.", b"d\n"):
    folder(b"names/dir-" + name)
    file(b"names/dir-" + name + b"/%", b"inside", kind="name")
if "odd" in options:
    for name in (b"bad\xff\xfe", b"\xc3", b"\xc3\xbc\xff", b"\xed\xa0\x80", b"\xff%", b"\x80" * 255):
        file(b"names/" + name, name, kind="odd name")
    folder(b"names/odd\xff/sub/\xfesub")
    file(b"names/odd\xff/plain", b"plain below odd", kind="odd name")
    file(b"names/odd\xff/sub/\xfesub/deep\xfd", b"odd below odd", kind="odd name")
    folder(b"names/only-odd")
    file(b"names/only-odd/\xfa", b"", kind="odd name")
    if "oddtarget" in options:
        symlink(b"\xff\xfe/target", b"names/link-to-odd")
    symlink(b"plain", b"names/link\xff")
    link(b"names/odd\xff/plain", b"names/odd\xff/sub/second\xfc", b"names/second-of-odd")
    time(b"names/odd\xff/plain", 1_111_111_111, 1)

folder(b"links/far/away")
file(b"links/far/away/z-first", b"three names")
link(b"links/far/away/z-first", b"links/a-second", b"plain/third")
file(b"links/pair", b"two names")
link(b"links/pair", b"links/pair2")
file(b"links/two\nlines", b"newline in a group")
link(b"links/two\nlines", b"links/far/two")
symlink(b"some/target", b"links/symlink")
link(b"links/symlink", b"links/far/symlink-twin")
os.makedirs(root + b".outside")
file(b"links/outside", b"one name outside")
os.link(at(b"links/outside"), root + b".outside/name")
file(b"links/outside-two", b"two inside, one outside")
link(b"links/outside-two", b"links/far/outside-two")
os.link(at(b"links/outside-two"), root + b".outside/name2")

folder(b"times")
for name, seconds, nanoseconds in (("before", -86400 * 365 * 30, 0), ("minus", -1, 999_999_999), ("zero", 0, 0),
                                   ("nano", 1_600_000_000, 1), ("after-2038", 2**31 + 5, 5), ("after-2106", 2**32 + 86400, 999_999_999)):
    file(b"times/" + name.encode(), name.encode())
    time(b"times/" + name.encode(), seconds, nanoseconds)
    symlink(name.encode(), b"times/link-" + name.encode())
    time(b"times/link-" + name.encode(), seconds, nanoseconds)
folder(b"times/folder-old/sub")
time(b"times/folder-old", -5, 7)
folder(b"times/read-only", 0o755)
file(b"times/read-only/file", b"below a read-only folder")
folder(b"times/read-only/sub", 0o755)
os.chmod(at(b"times/read-only/sub"), 0o500)
time(b"times/read-only/sub", 1_000_000_007, 3)
os.chmod(at(b"times/read-only"), 0o500)

folder(b"sparse")
pieces(b"sparse/start", 300_000, (200_000, b"end"))
pieces(b"sparse/middle", 3 * MiB, (0, PATTERN), (3 * MiB - 4096, PATTERN))
pieces(b"sparse/end", 500_001, (0, b"start"))
pieces(b"sparse/all", 2 * MiB)
pieces(b"sparse/small", 5000, (4999, b"!"))
pieces(b"sparse/tiny", 100)
pieces(b"sparse/zeros-and-holes", MiB, (65536, bytes(65536)), (3 * 65536, PATTERN))
file(b"sparse/zeros", bytes(MiB))
file(b"sparse/zeros-ends", bytes(65536) + PATTERN + bytes(65536))
file(b"sparse/zero-tail", PATTERN + bytes(8192))
pieces(b"sparse/many", 200 * 16384, *((i * 16384, b"%d" % i) for i in range(200)))
pieces(b"sparse/linked", MiB, (512 * 1024, b"linked"))
link(b"sparse/linked", b"sparse/linked-twin")

if "large" in options:
    folder(b"large")
    for size, name in ((32 * MiB - 1, b"below"), (32 * MiB, b"limit"), (32 * MiB + 1, b"above"), (80 * MiB, b"eighty")):
        file(b"large/" + name, (PATTERN * (size // 4096 + 1))[:size], kind="large")
    pieces(b"large/sparse", 40 * MiB, (5 * MiB, b"five"), (33 * MiB + 100, PATTERN), (39 * MiB, bytes(4096)))
    pieces(b"large/all-hole", 36 * MiB)
    file(b"large/zeros", bytes(33 * MiB), kind="large")
    pieces(b"large/zero-run", 34 * MiB, (0, PATTERN), (MiB, bytes(2 * MiB)), (20 * MiB, bytes(3 * MiB)))

folder(b"xattrs")
for path in (file(b"xattrs/file", b"x"), folder(b"xattrs/folder")):
    xattr(path, "user.small", b"value")
    if "emptyxattr" in options:
        xattr(path, "user.empty", b"")
    xattr(path, "user.bytes", bytes(range(256)))
    xattr(path, "user.b=%", b"odd name")
xattr(file(b"xattrs/large", b"x"), "user.large", PATTERN[:3500])
if "bigxattr" in options:
    xattr(file(b"xattrs/larger", b"x"), "user.larger", PATTERN * 2)
many_attributes = file(b"xattrs/many", b"x")
for index in range(40):
    xattr(many_attributes, "user.%d" % index, b"%d" % index)
ACCESS = acl((1, 7, 2**32 - 1), (2, 5, 1234), (4, 5, 2**32 - 1), (8, 4, 4321), (16, 5, 2**32 - 1), (32, 1, 2**32 - 1))
NARROW = acl((1, 6, 2**32 - 1), (2, 7, 1234), (4, 0, 2**32 - 1), (16, 0, 2**32 - 1), (32, 0, 2**32 - 1))
xattr(file(b"xattrs/acl", b"x"), "system.posix_acl_access", ACCESS)
xattr(file(b"xattrs/acl-0600", b"x"), "system.posix_acl_access", NARROW)
xattr(folder(b"xattrs/acl-folder"), "system.posix_acl_access", ACCESS)
folder(b"xattrs/acl-default/sub")
file(b"xattrs/acl-default/file", b"made before the default")
xattr(b"xattrs/acl-default", "system.posix_acl_default", ACCESS)
folder(b"xattrs/acl-default/inherits")
file(b"xattrs/acl-default/inherits/file", b"made after it")
if as_root:
    for path in (b"xattrs/file", b"xattrs/folder", symlink(b"x", b"xattrs/symlink")):
        xattr(path, "trusted.mark", b"\x01")
    xattr(folder(b"xattrs/opaque"), "trusted.overlay.opaque", b"y")
    xattr(file(b"xattrs/redirect", b""), "trusted.overlay.redirect", b"/elsewhere")
    capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
    xattr(file(b"xattrs/capable", b"\x7fELF", 0o755), "security.capability", capability)
    own(file(b"xattrs/capable-owned", b"\x7fELF", 0o755), 33, 33)
    xattr(b"xattrs/capable-owned", "security.capability", capability)
    folder(b"owners")
    for uid, gid in ((0, 5), (1000, 0), (65534, 65534), (2**31 + 1, 2**32 - 2)):
        own(file(b"owners/file-%d-%d" % (uid, gid), b"x"), uid, gid)
        own(symlink(b"x", b"owners/link-%d-%d" % (uid, gid)), uid, gid)
        own(folder(b"owners/dir-%d-%d" % (uid, gid)), uid, gid)
    own(file(b"owners/setuid", b"x"), 12, 34)
    os.chmod(at(b"owners/setuid"), 0o6755)
    own(folder(b"owners/setgid-folder"), 7, 8)
    file(b"owners/setgid-folder/file", b"")
    own(b"owners/setgid-folder/file", 9, 10)
    folder(b"owners/setgid-folder/sub", 0o700)
    os.chmod(at(b"owners/setgid-folder"), 0o2775)

if "nodes" in options:
    folder(b"nodes")
    node(b"nodes/fifo", 0o010644)
    node(b"nodes/fifo-0000", 0o010000)
    link(b"nodes/fifo", b"nodes/fifo-twin")
    with socket.socket(socket.AF_UNIX) as listener:
        # The path of a socket is short: it is bound beside its folder.
        here = os.getcwd()
        os.chdir(at(b"nodes"))
        listener.bind(b"socket")
        os.chdir(here)
        made["socket"] += 1
    folder(b"nodes/only-fifo")
    node(b"nodes/only-fifo/one", 0o010600)
    time(b"nodes/only-fifo/one", 1234567890, 123456789)
    time(b"nodes/fifo", -77, 5)
    if as_root:
        node(b"nodes/null", 0o020666, 1, 3, "device")
        node(b"nodes/disk", 0o060660, 259, 70000, "device")
        node(b"nodes/whiteout", 0o020000, 0, 0, "device")
        own(b"nodes/disk", 0, 6)
        link(b"nodes/null", b"nodes/null-twin", b"links/null-third")
        xattr(b"nodes/null", "trusted.mark", b"node")
        xattr(b"nodes/null", "system.posix_acl_access", ACCESS)
        node(b"nodes/sticky", 0o021777, 7, 8, "device")
        time(b"nodes/null", 99, 9)

if "deep" in options:
    deep = b"/".join([b"deep"] + [b"%d" % (i % 10) for i in range(int(options["deep"]))])
    folder(deep)
    file(deep + b"/bottom", b"down here")
long_path = b"long"
while len(long_path) < 3780:
    long_path += b"/" + b"L" * 235
folder(long_path)
file(long_path + b"/" + b"f" * (3999 - len(long_path)), b"4000 bytes of path", kind="long path")

if "many" in options:
    folder(b"many")
    for index in range(int(options["many"])):
        file(b"many/%05d" % index, b"%d" % (index % 100), kind="file of many")
    link(b"many/00000", b"many/zz-twin")

if "flags" in options:
    folder(b"flags")
    for letters in ("d", "A", "dA", "i", "a", "iA", "D", "T", "sync"):
        name = letters.encode()
        listed = [letters] if letters in FLAGS else list(letters)
        if not set(listed) <= {"D", "T"}:
            flags(file(b"flags/file-" + name, name), listed)
        folder(b"flags/dir-" + name + b"/sub")
        file(b"flags/dir-" + name + b"/file", name)
        flags(b"flags/dir-" + name, listed)
        time(b"flags/dir-" + name, 1_500_000_000, 5)
    file(b"flags/linked-i", b"linked and immutable")
    link(b"flags/linked-i", b"flags/linked-i-2", b"links/linked-i-3")
    flags(b"flags/linked-i", ["i"])
    if "nocow" in options:
        folder(b"flags/nocow")
        flags(b"flags/nocow", ["C"])
        path = b"flags/nocow-file"
        fd = os.open(at(path), os.O_CREAT | os.O_WRONLY, 0o644)
        value = struct.unpack("i", fcntl.ioctl(fd, 0x80086601, bytes(4)))[0]
        fcntl.ioctl(fd, 0x40086602, struct.pack("i", value | FLAGS["C"]))
        os.write(fd, PATTERN * 20)
        os.close(fd)
        made["flags"] += 1

base = 1_400_000_000
for index, (where, dirs, files) in enumerate(os.walk(root, topdown=False)):
    for name in files:
        os.utime(os.path.join(where, name), ns=((base + index) * 10**9, (base + index) * 10**9 + len(name)), follow_symlinks=False)
    os.utime(where, ns=((base + index) * 10**9, (base + index) * 10**9 + 42))
for path, when in pending_times:
    os.utime(at(path), ns=(when, when), follow_symlinks=False)
for path, value in pending_flags:
    fd = os.open(at(path), os.O_RDONLY)
    before = struct.unpack("i", fcntl.ioctl(fd, 0x80086601, bytes(4)))[0]
    try:
        fcntl.ioctl(fd, 0x40086602, struct.pack("i", before | value))
        made["flags"] += 1
    except OSError as error:
        # Each file system knows some of them only.
        if error.errno != errno.EOPNOTSUPP:
            raise
    os.close(fd)
for kind in sorted(made):
    print(kind.replace(" ", "-"), made[kind])
