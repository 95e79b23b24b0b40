"""Removes from a folder what no OSTree object can hold. Usage: what-ostree-holds.py FOLDER"""
import fcntl, os, shutil, stat, struct, sys


def is_text(name):
    try:
        name.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def holds(path):
    mode = os.lstat(path).st_mode
    if not is_text(os.path.basename(path)): return False
    if stat.S_ISLNK(mode): return is_text(os.readlink(path))
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def clear_flags(path):
    if not (os.path.isfile(path) or os.path.isdir(path)) or os.path.islink(path): return
    # What stands in place of a nested subvolume has no flags.
    if os.lstat(path).st_ino == 2: return
    fd = os.open(path, os.O_RDONLY)
    flags = struct.unpack("i", fcntl.ioctl(fd, 0x80086601, bytes(4)))[0]
    if flags & 0x30: fcntl.ioctl(fd, 0x40086602, struct.pack("i", flags & ~0x30))
    os.close(fd)


def everything(top):
    for where, dirs, files in os.walk(top):
        yield from (os.path.join(where, name) for name in dirs + files)


for path in list(everything(os.fsencode(sys.argv[1]))):
    if not os.path.lexists(path) or holds(path): continue
    for inner in [path, *everything(path)]: clear_flags(inner)
    if os.path.isdir(path) and not os.path.islink(path): shutil.rmtree(path)
    else: os.unlink(path)
