"""Says what is in a tree, by system calls alone, as JSON: {path: facts}, paths one character a byte. Usage: inode-facts.py FOLDER

`inode` and `ctime` say whether a file was replaced or written at all; they are no facts of the tree itself.
"""
import fcntl, hashlib, json, os, stat, struct, sys

CHATTR = 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x4 | 0x400 | 0x10000 | 0x800000
root = os.fsencode(sys.argv[1])
tree = {}


def flags_of(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("i", fcntl.ioctl(fd, 0x80086601, bytes(4)))[0] & CHATTR
    finally:
        os.close(fd)


def facts(path):
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    if info.st_ino == 2:
        # In place of a nested subvolume. Its times are made up at each look; its owner is that of the folder that it is in.
        return dict(type=kind, inode=2, owner=[info.st_uid, info.st_gid])
    found = dict(type=kind, mode=info.st_mode & 0o7777, owner=[info.st_uid, info.st_gid], time=str(info.st_mtime_ns), inode=info.st_ino, ctime=str(info.st_ctime_ns), links=info.st_nlink)
    found["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(os.listxattr(path, follow_symlinks=False))}
    if kind == stat.S_IFREG:
        found["content"] = [info.st_size, hashlib.sha256(open(path, "rb").read()).hexdigest()]
    if kind == stat.S_IFLNK:
        found["content"] = os.readlink(path).decode("latin1")
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        found["content"] = info.st_rdev
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        found["flags"] = flags_of(path)
    return found


def walk(path, here):
    tree[here.decode("latin1")] = facts(path)
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in os.listdir(path):
            walk(os.path.join(path, name), here + b"/" + name if here else name)


walk(root, b"")
print(json.dumps(tree))
