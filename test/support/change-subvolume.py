"""Changes a btrfs subvolume at random. Usage: change-subvolume.py FOLDER SEED COUNT

The last line on stdout is a JSON object with the count of each kind of change that was really made.
"""
from collections import Counter
import ctypes, fcntl, json, os, random, shutil, socket, stat, struct, subprocess, sys

root = os.fsencode(sys.argv[1])
rng = random.Random(int(sys.argv[2]))
done = Counter()
libc = ctypes.CDLL(None, use_errno=True)
NAMES = [b"a", b"b", b"c", b"d", b"e", b"f", b"a.b", b"z z", b"\xc3\xbc", b"new\nline", b"\xff\xfe", b"o257-7-0", b"long" * 50]
CLEAR, SET = 0x80086601, 0x40086602
FLAGS = {"nocow": 0x800000, "nodump": 0x40, "noatime": 0x80, "sync": 0x8, "immutable": 0x10, "append": 0x20}


def kind_of(path):
    return stat.S_IFMT(os.lstat(path).st_mode)


def is_placeholder(path):
    return os.lstat(path).st_ino in (2, 256) and path != root


def everything(*kinds):
    found = []
    for where, dirs, files in os.walk(root):
        dirs[:] = sorted(name for name in dirs if not is_placeholder(os.path.join(where, name)))
        found += [os.path.join(where, name) for name in dirs + sorted(files)]
    return [path for path in found if not kinds or kind_of(path) in kinds]


def choose(*kinds):
    found = everything(*kinds)
    return rng.choice(found) if found else None


def folder():
    return rng.choice([root] + everything(stat.S_IFDIR))


def fresh(where=None):
    where = where or folder()
    free = [name for name in NAMES if not os.path.lexists(os.path.join(where, name))]
    return os.path.join(where, rng.choice(free)) if free else None


def content():
    return rng.randbytes(8) * rng.choice([0, 1, 100, 513, 3000, 20_000])


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)


def flags_of(path):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return struct.unpack("i", fcntl.ioctl(fd, CLEAR, bytes(4)))[0]
    finally:
        os.close(fd)


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, SET, struct.pack("i", flags))
    finally:
        os.close(fd)


def exchange(one, other):
    if libc.renameat2(-100, one, -100, other, 2) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def below(path, other):
    return other == path or other.startswith(path + b"/")


def remove(path):
    if kind_of(path) == stat.S_IFDIR:
        shutil.rmtree(path)
    else:
        os.unlink(path)


def has_subvolume(path):
    return any(is_placeholder(os.path.join(where, name)) for where, dirs, _ in os.walk(path) for name in dirs)


FILE, DIR, LINK, FIFO, CHR, SOCK = stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK
LEAVES = (FILE, LINK, FIFO, CHR, SOCK)


def create():
    path = fresh()
    if not path: return False
    write(path, content())


def make_folder():
    path = fresh()
    if not path: return False
    os.mkdir(path)


def make_symlink():
    path = fresh()
    if not path: return False
    os.symlink(rng.choice(NAMES), path)


def make_node():
    path = fresh()
    if not path: return False
    os.mknod(path, CHR | 0o600, os.makedev(rng.randrange(300), rng.randrange(100_000)))


def make_fifo():
    path = fresh()
    if not path: return False
    os.mkfifo(path)


def make_socket():
    path = fresh(root)
    if not path or len(path) > 100: return False
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.close()


def rewrite():
    path = choose(FILE)
    if not path: return False
    write(path, content())


def write_inside():
    path = choose(FILE)
    if not path: return False
    with open(path, "r+b") as out:
        out.seek(rng.randrange(os.lstat(path).st_size + 5000))
        out.write(rng.randbytes(50))


def same_bytes():
    path = choose(FILE)
    if not path or os.lstat(path).st_size == 0: return False
    with open(path, "r+b") as out:
        data = out.read()
        out.seek(0)
        out.write(data)


def truncate():
    path = choose(FILE)
    if not path: return False
    os.truncate(path, rng.choice([0, 10, 5000, 100_000]))


def fallocate(*options):
    path = choose(FILE)
    if not path: return False
    subprocess.run([b"fallocate", *options, b"-o", b"4096", b"-l", b"%d" % rng.choice([4096, 8192]), path], check=True)


def punch():
    return fallocate(b"-p")


def preallocate():
    return fallocate(b"-n")


def make_sparse():
    path = fresh()
    if not path: return False
    write(path, b"")
    os.truncate(path, rng.choice([70_000, 1_000_000]))
    with open(path, "r+b") as out:
        for _ in range(rng.randrange(4)):
            out.seek(4096 * rng.randrange(16))
            out.write(b"data")


def make_nocow():
    path = fresh()
    if not path: return False
    write(path, b"")
    set_flags(path, flags_of(path) | FLAGS["nocow"])
    write(path, content())


def make_swapfile():
    path = fresh()
    if not path: return False
    write(path, b"")
    set_flags(path, flags_of(path) | FLAGS["nocow"])
    write(path, bytes(65536))
    os.chmod(path, 0o600)
    subprocess.run(["mkswap", "-q", "--", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def reflink():
    source, path = choose(FILE), fresh()
    if not source or not path: return False
    subprocess.run([b"cp", b"--reflink=auto", b"--", source, path], check=True)


def rename_file():
    path, other = choose(*LEAVES), fresh()
    if not path or not other: return False
    os.rename(path, other)


def rename_over_file():
    path, other = choose(*LEAVES), choose(*LEAVES)
    if not path or path == other or os.path.samestat(os.lstat(path), os.lstat(other)): return False
    os.rename(path, other)


def rename_folder():
    path, other = choose(DIR), fresh()
    if not path or not other or below(path, other): return False
    os.rename(path, other)


def rename_linked_folder():
    """One that holds, at some depth, a file with several names."""
    holding = {os.path.dirname(path) for path in everything(*LEAVES) if os.lstat(path).st_nlink > 1}
    found = [path for path in everything(DIR) if any(below(path, one) for one in holding)]
    if not found: return False
    path, other = rng.choice(found), fresh()
    if not other or below(path, other): return False
    os.rename(path, other)


def rename_folder_over_folder():
    path, other = choose(DIR), choose(DIR)
    if not path or below(path, other) or below(other, path) or has_subvolume(other): return False
    for name in os.listdir(other):
        remove(os.path.join(other, name))
    os.rename(path, other)


def swap(*kinds):
    path, other = choose(*kinds), choose(*kinds)
    if not path or below(path, other) or below(other, path): return False
    exchange(path, other)


def swap_files():
    return swap(*LEAVES)


def swap_folders():
    return swap(DIR)


def swap_any():
    return swap()


def turn_around():
    """A folder becomes a child of what was its child."""
    path = choose(DIR)
    inner = path and [os.path.join(path, name) for name in os.listdir(path) if kind_of(os.path.join(path, name)) == DIR]
    inner = inner and [one for one in inner if not is_placeholder(one)]
    other = fresh()
    if not inner or not other or below(path, other): return False
    child = rng.choice(inner)
    os.rename(child, other)
    target = fresh(other)
    if target: os.rename(path, target)


def hardlink():
    path, other = choose(*LEAVES), fresh()
    if not path or not other: return False
    os.link(path, other, follow_symlinks=False)


def linked(*kinds):
    found = [path for path in everything(*kinds) if os.lstat(path).st_nlink > 1]
    return rng.choice(found) if found else None


def write_through_hardlink():
    path = linked(FILE)
    if not path: return False
    with open(path, "ab") as out:
        out.write(b"more")


def chmod_through_hardlink():
    path = linked(FILE, FIFO)
    if not path: return False
    os.chmod(path, rng.choice([0o600, 0o640, 0o4755]))


def unlink():
    path = choose(*LEAVES)
    if not path: return False
    os.unlink(path)


def unlink_hardlink():
    path = linked(*LEAVES)
    if not path: return False
    os.unlink(path)


def rename_hardlink():
    path, other = linked(*LEAVES), fresh()
    if not path or not other: return False
    os.rename(path, other)


def remove_folder():
    path = choose(DIR)
    if not path or has_subvolume(path): return False
    shutil.rmtree(path)


def chmod():
    path = choose(FILE, DIR, FIFO, CHR)
    if not path: return False
    os.chmod(path, rng.choice([0o755, 0o644, 0o600, 0o711, 0o4755, 0o1777, 0o2770]))


def chown():
    path = choose()
    if not path: return False
    os.chown(path, rng.randrange(5), rng.randrange(70_000), follow_symlinks=False)


def chattr():
    path = choose(FILE, DIR)
    if not path: return False
    names = ["nodump", "noatime", "sync"] + (["nocow"] if kind_of(path) == DIR or os.lstat(path).st_size == 0 else [])
    set_flags(path, flags_of(path) ^ FLAGS[rng.choice(names)])


def set_xattr():
    path = choose(FILE, DIR)
    if not path: return False
    os.setxattr(path, b"user.%d" % rng.randrange(3), rng.randbytes(rng.choice([0, 1, 40, 2000])))


def trusted_xattr():
    path = choose(LINK, CHR, FIFO)
    if not path: return False
    os.setxattr(path, b"trusted.%d" % rng.randrange(2), rng.randbytes(5), follow_symlinks=False)


def remove_xattr():
    found = [path for path in everything(FILE, DIR) if any(name.startswith("user.") for name in os.listxattr(path))]
    if not found: return False
    path = rng.choice(found)
    os.removexattr(path, next(name for name in os.listxattr(path) if name.startswith("user.")))


def acl():
    path = choose(FILE, DIR)
    if not path: return False
    subprocess.run([b"setfacl", b"-m", b"u:%d:r" % rng.randrange(3), b"--", path], check=True)


def default_acl():
    path = choose(DIR)
    if not path: return False
    subprocess.run([b"setfacl", b"-d", b"-m", b"g:%d:rx" % rng.randrange(3), b"--", path], check=True)


def capability():
    path = choose(FILE)
    if not path: return False
    os.setxattr(path, b"security.capability", struct.pack("<5I", 0x2000001, rng.randrange(1, 255), 0, 0, 0))


def touch():
    path = choose()
    if not path: return False
    when = rng.choice([0, -10**18, 1_600_000_000_123_456_789, 2**33 * 10**9 + 7])
    os.utime(path, ns=(when, when), follow_symlinks=False)


def read_only_time():
    path = choose(FILE, DIR)
    if not path: return False
    info = os.lstat(path)
    os.utime(path, ns=(info.st_atime_ns + 10**9, info.st_mtime_ns))


def read():
    """With strictatime the time of the last access is written."""
    path = choose(FILE)
    if not path: return False
    with open(path, "rb") as source:
        source.read()


def folder_becomes_file():
    path = choose(DIR)
    if not path or has_subvolume(path): return False
    shutil.rmtree(path)
    write(path, content())


def leaf_becomes_folder():
    path = choose(*LEAVES)
    if not path: return False
    os.unlink(path)
    os.mkdir(path)
    write(os.path.join(path, b"inner"), content())


def make_odd_symlink():
    path = fresh()
    if not path: return False
    os.symlink(b"\xff" + rng.randbytes(2).hex().encode(), path)


def change_symlink():
    path = choose(LINK)
    if not path: return False
    os.unlink(path)
    os.symlink(rng.randbytes(4).hex(), path)


def replace_atomically():
    path = choose(FILE)
    if not path or len(os.path.basename(path)) > 200: return False
    write(path + b".new", content())
    os.rename(path + b".new", path)


def subvolumes():
    return [os.path.join(where, name) for where, dirs, _ in os.walk(root) for name in sorted(dirs) if is_placeholder(os.path.join(where, name))]


def nest_subvolume():
    path = fresh()
    if not path: return False
    subprocess.run([b"btrfs", b"-q", b"subvolume", b"create", b"--", path], check=True, stdout=subprocess.DEVNULL)


def drop_subvolume():
    found = subvolumes()
    if not found: return False
    subprocess.run([b"btrfs", b"-q", b"subvolume", b"delete", b"--", rng.choice(found)], check=True, stdout=subprocess.DEVNULL)


def immutable():
    path = choose(FILE)
    if not path: return False
    set_flags(path, flags_of(path) ^ FLAGS[rng.choice(["immutable", "append"])])


CHANGES = [create] * 9 + [make_folder] * 6 + [make_symlink, make_node, make_fifo, make_socket, rewrite, write_inside,
    same_bytes, truncate, punch, preallocate, reflink, rename_file, rename_over_file, rename_folder, rename_folder, rename_folder_over_folder,
    swap_files, swap_folders, swap_folders, swap_any, turn_around, turn_around, hardlink, hardlink, write_through_hardlink, chmod_through_hardlink,
    unlink, unlink_hardlink, rename_hardlink, remove_folder, chmod, chown, chattr, set_xattr, trusted_xattr, remove_xattr, acl, default_acl,
    capability, make_sparse, make_nocow, make_swapfile, rename_linked_folder, make_odd_symlink, read, touch, read_only_time, folder_becomes_file, leaf_becomes_folder, change_symlink, replace_atomically]
if "--subvolumes" in sys.argv: CHANGES += [nest_subvolume, drop_subvolume]

os.umask(0o022)
for path in everything(FILE, DIR):
    flags = flags_of(path)
    if flags & 0x30:
        set_flags(path, flags & ~0x30)
for _ in range(int(sys.argv[3])):
    change = rng.choice(CHANGES)
    if change() is not False:
        done[change.__name__] += 1
# What is immutable can't be changed, so these come last.
for _ in range(2):
    if immutable() is not False:
        done["immutable"] += 1
print(json.dumps(done))
