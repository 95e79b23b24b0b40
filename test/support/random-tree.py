"""Carries out random operations on a folder. Usage: random-tree.py FOLDER < operations, one JSON object a line.

Each operation is {"kind": …, "a": n, "b": n}; n chooses among what is there, so that every sequence makes sense. The last
line on stdout is a JSON object with the count of each kind that was really done.
"""
import json, os, stat, struct, sys
from collections import Counter

root = os.fsencode(sys.argv[1])
done = Counter()
NAMES = [b"a", b"b", b"a.b", b"a-b", b"%", b"%41", b"z z", b"\xc3\xbc", b"new\nline", b"A", b".hid", b"0", b"long" * 50]
ODD = [b"\xff", b"a\xfe", b"\xc3", b"%\x80"]
SIZES = [0, 1, 100, 4096, 5000, 70_000, 300_000]
SECONDS = [0, -1, 1, 1_600_000_000, 2**31, 2**32 + 5, -10**9]


def everything():
    found = []
    for where, dirs, files in os.walk(root):
        for name in dirs + files:
            found.append(os.path.join(where, name))
    return sorted(found)


def is_type(*types):
    return lambda path: stat.S_IFMT(os.lstat(path).st_mode) in types


def choose(number, types):
    fitting = [path for path in everything() if is_type(*types)(path)]
    return fitting[number % len(fitting)] if fitting else None


def folder(number):
    folders = [root] + [path for path in everything() if is_type(stat.S_IFDIR)(path)]
    return folders[number % len(folders)]


def fresh(a, b, names=NAMES):
    where = folder(a)
    for shift in range(len(names)):
        path = os.path.join(where, names[(b + shift) % len(names)])
        if not os.path.lexists(path):
            return path
    return None


def content(number):
    return (b"%d." % number * 1000)[: SIZES[number % len(SIZES)]]


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)


def keeping(path, change):
    info = os.lstat(path)
    change()
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)


def operate(kind, a, b):
    if kind == "file":
        path = fresh(a, b)
        if path: write(path, content(a ^ b))
    elif kind == "odd name":
        path = fresh(a, b, ODD)
        if path: write(path, content(b))
    elif kind == "odd folder":
        path = fresh(a, b, ODD)
        if path: os.mkdir(path)
    elif kind == "folder":
        path = fresh(a, b)
        if path: os.mkdir(path)
    elif kind == "symlink":
        path = fresh(a, b)
        if path: os.symlink(NAMES[a % len(NAMES)], path)
    elif kind == "odd target":
        path = fresh(a, b)
        if path: os.symlink(ODD[a % len(ODD)], path)
    elif kind == "fifo":
        path = fresh(a, b)
        if path: os.mkfifo(path)
    elif kind == "device":
        path = fresh(a, b)
        if path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(a % 300, b % 3000))
    elif kind == "sparse":
        path = fresh(a, b)
        if path:
            write(path, b"")
            os.truncate(path, 200_000 + a % 100_000)
            fd = os.open(path, os.O_WRONLY)
            os.pwrite(fd, b"data", (b % 20) * 8192)
            os.close(fd)
    elif kind == "zeros":
        path = fresh(a, b)
        if path: write(path, bytes(8192 + a % 50_000))
    elif kind == "hardlink":
        first, path = choose(a, (stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO)), fresh(b, a)
        if not first: return False
        if path: os.link(first, path, follow_symlinks=False)
    elif kind == "mode":
        path = choose(a, (stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO))
        if path: os.chmod(path, [0o755, 0o644, 0o600, 0o711, 0o4755, 0o1777, 0o700][b % 7])
    elif kind == "owner":
        path = choose(a, (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO))
        if path: os.chown(path, b % 5, a % 70_000, follow_symlinks=False)
    elif kind == "attribute":
        path = choose(a, (stat.S_IFREG, stat.S_IFDIR))
        if path: os.setxattr(path, "user.%d" % (b % 3), b"%d" % a)
    elif kind == "empty attribute":
        path = choose(a, (stat.S_IFREG, stat.S_IFDIR))
        if path: os.setxattr(path, "user.empty%d" % (b % 2), b"")
    elif kind == "time":
        path = choose(a, (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO))
        if path:
            when = SECONDS[b % len(SECONDS)] * 10**9 + (a * 7919) % 10**9
            os.utime(path, ns=(when, when), follow_symlinks=False)
    elif kind == "rewrite":
        path = choose(a, (stat.S_IFREG,))
        if path: write(path, content(a + b + 1))
    elif kind == "append":
        path = choose(a, (stat.S_IFREG,))
        if path:
            with open(path, "ab") as out:
                out.write(b"more")
    elif kind == "same size and time":
        path = choose(a, (stat.S_IFREG,))
        if not path or os.lstat(path).st_size == 0: return False
        def change():
            fd = os.open(path, os.O_RDWR)
            byte = os.pread(fd, 1, 0)
            os.pwrite(fd, bytes([byte[0] ^ 1]), 0)
            os.close(fd)
        keeping(path, change)
    elif kind == "remove":
        path = choose(a, (stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR))
        if path: os.unlink(path)
    elif kind == "remove folder":
        path = choose(a, (stat.S_IFDIR,))
        if path: remove_tree(path)
    elif kind == "rename":
        path, other = choose(a, (stat.S_IFREG, stat.S_IFLNK)), fresh(b, a)
        if path and other: os.rename(path, other)
        path = other and path
    elif kind == "rename folder":
        path = choose(a, (stat.S_IFDIR,))
        places = [fresh(b + shift, a) for shift in range(8)] if path else []
        # A folder can't be moved into itself.
        other = next((place for place in places if place and not place.startswith(path + b"/")), None)
        if not other: return False
        os.rename(path, other)
    elif kind == "other type":
        path = choose(a, (stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR))
        if path:
            was = stat.S_IFMT(os.lstat(path).st_mode)
            remove_tree(path) if was == stat.S_IFDIR else os.unlink(path)
            if was == stat.S_IFDIR or b % 3 == 0 and was != stat.S_IFREG: write(path, b"a file now")
            elif b % 3 == 1 and was != stat.S_IFLNK: os.symlink(b"a link now", path)
            else: os.mkdir(path)
    else:
        raise ValueError(kind)
    return path is not None


def remove_tree(path):
    for where, dirs, files in os.walk(path, topdown=False):
        for name in files + dirs:
            inner = os.path.join(where, name)
            os.rmdir(inner) if is_type(stat.S_IFDIR)(inner) else os.unlink(inner)
    os.rmdir(path)


os.umask(0o022)
os.makedirs(root, exist_ok=True)
for line in sys.stdin:
    operation = json.loads(line)
    if operate(operation["kind"], operation["a"], operation["b"]):
        done[operation["kind"]] += 1
print(json.dumps(done))
