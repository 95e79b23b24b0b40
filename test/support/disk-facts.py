"""Says what is on disk, by system calls alone: one JSON object a line, {"path": …, facts}. Usage: disk-facts.py FOLDER [nohash]

Paths, targets and names are one character a byte. `same` is the first path of the same file, `holes` the stretches of data
of a file with holes by SEEK_DATA, `flags` the inode flags that chattr sets.
"""
from collections import Counter
import fcntl, hashlib, json, os, stat, struct, sys

SEEK_DATA, SEEK_HOLE = 3, 4
CHATTR = 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x4 | 0x400 | 0x10000 | 0x20000 | 0x800000
root = os.fsencode(sys.argv[1])
with_hash = "nohash" not in sys.argv[2:]
first_names = {}
name_counts = Counter()


def text(data):
    return data.decode("latin1")


def stretches(fd, size):
    found, at = [], 0
    while at < size:
        try:
            start = os.lseek(fd, at, SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, start, SEEK_HOLE)
        found.append([start, min(end, size) - start])
        at = end
    return None if found == [[0, size]] or size == 0 else found


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            sha256.update(piece)
    return sha256.hexdigest()


def facts(path, here):
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    found = dict(path=text(here), type=oct(kind), mode=oct(info.st_mode & 0o7777), uid=info.st_uid, gid=info.st_gid, mtime=str(info.st_mtime_ns))
    found["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(os.listxattr(path, follow_symlinks=False))}
    if kind != stat.S_IFDIR and info.st_nlink > 1:
        found["same"] = first_names.setdefault(info.st_ino, text(here))
        name_counts[found["same"]] += 1
    if kind == stat.S_IFLNK:
        found["target"] = text(os.readlink(path))
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        found["device"] = "%d:%d" % (os.major(info.st_rdev), os.minor(info.st_rdev))
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        fd = os.open(path, os.O_RDONLY)
        try:
            value = struct.unpack("i", fcntl.ioctl(fd, 0x80086601, bytes(4)))[0]
            found["flags"] = value & CHATTR
        except OSError:
            found["flags"] = 0
        if kind == stat.S_IFREG:
            found["size"] = info.st_size
            found["holes"] = stretches(fd, info.st_size)
            if found["holes"] is not None:
                # What is in memory hides holes.
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                found["holes"] = stretches(fd, info.st_size)
            if with_hash:
                found["sha256"] = digest(path)
        os.close(fd)
    return found


def walk(path, here):
    yield facts(path, here)
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        return
    for name in sorted(os.listdir(path)):
        yield from walk(os.path.join(path, name), here + b"/" + name if here else name)


sys.setrecursionlimit(10000)
for found in list(walk(root, b"")):
    # Where all other names are outside the tree, the file has one name here.
    if name_counts.get(found.get("same")) == 1:
        del found["same"]
    print(json.dumps(found))
