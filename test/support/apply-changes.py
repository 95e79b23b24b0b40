"""Makes one tree out of another by a list of changes, with nothing but the list and the new tree to copy from.
Usage: apply-changes.py OLD NEW < JSON list of {kind, path, from, type}, paths one character a byte. OLD becomes NEW.

What the list does not name stays as it is: OLD is the new tree afterwards exactly if the list is complete.
"""
import json, os, shutil, stat, sys

old, new = (os.fsencode(argument) for argument in sys.argv[1:3])
changes = json.load(sys.stdin)
aside = old + b".aside"
os.mkdir(aside)


def bytes_of(text):
    return text.encode("latin1")


def below(top, path):
    return os.path.join(top, path) if path else top


def is_folder(path):
    return os.path.lexists(path) and stat.S_ISDIR(os.lstat(path).st_mode)


def drop(path):
    if is_folder(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def copy_metadata(source, target):
    info = os.lstat(source)
    if os.geteuid() == 0:
        os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
    for name in os.listxattr(target, follow_symlinks=False):
        if name not in os.listxattr(source, follow_symlinks=False):
            os.removexattr(target, name, follow_symlinks=False)
    for name in os.listxattr(source, follow_symlinks=False):
        os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
    if not stat.S_ISLNK(info.st_mode):
        os.chmod(target, stat.S_IMODE(info.st_mode))
    os.utime(target, ns=(info.st_mtime_ns, info.st_mtime_ns), follow_symlinks=False)


def copy(source, target):
    info = os.lstat(source)
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(source), target)
    elif not stat.S_ISREG(info.st_mode):
        os.mknod(target, info.st_mode, info.st_rdev)
    else:
        copy_data(source, target, info.st_size)
    copy_metadata(source, target)


def copy_data(source, target, size):
    reader, writer = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    at = 0
    while at < size:
        try:
            start = os.lseek(reader, at, os.SEEK_DATA)
        except OSError:
            break
        at = min(os.lseek(reader, start, os.SEEK_HOLE), size)
        os.pwrite(writer, os.pread(reader, at - start, start), start)
    os.ftruncate(writer, size)
    os.close(reader)
    os.close(writer)


times = {}
for where, dirs, files in os.walk(old):
    times[os.lstat(where).st_ino] = os.lstat(where).st_mtime_ns

renamed = [change for change in changes if change["kind"] == "renamed"]
for index, change in enumerate(sorted(renamed, key=lambda change: change["from"], reverse=True)):
    change["aside"] = os.path.join(aside, b"%d" % index)
    os.rename(below(old, bytes_of(change["from"])), change["aside"])
# What was removed from inside of a folder that moved is named by its old path.
for change in changes:
    if change["kind"] == "removed":
        path = bytes_of(change["path"])
        for move in renamed:
            start = bytes_of(move["from"]) + b"/"
            if path.startswith(start):
                drop(os.path.join(move["aside"], path[len(start):]))
        drop(below(old, path))
others = [change for change in changes if change["kind"] in ("added", "modified")]
for change in others:
    source, target = below(new, bytes_of(change["path"])), below(old, bytes_of(change["path"]))
    if os.path.lexists(target) and (not is_folder(target) or not is_folder(source)):
        drop(target)
for change in sorted(others + renamed, key=lambda change: change["path"]):
    target = below(old, bytes_of(change["path"]))
    if change["kind"] == "renamed":
        os.rename(change["aside"], target)
    elif is_folder(below(new, bytes_of(change["path"]))) and not is_folder(target):
        os.mkdir(target)

names = {}
for where, dirs, files in os.walk(new):
    for name in files + [name for name in dirs if not is_folder(os.path.join(where, name))]:
        path = os.path.join(where, name)
        names.setdefault(os.lstat(path).st_ino, []).append(path[len(new) + 1:])
pending = {bytes_of(change["path"]) for change in changes if change["kind"] != "removed"}
for change in changes:
    path = bytes_of(change["path"])
    source, target = below(new, path), below(old, path)
    if change["kind"] == "removed" or is_folder(source):
        continue
    pending.discard(path)
    if change["kind"] == "renamed" and not change["what"]:
        continue
    drop(target)
    twins = [twin for twin in names[os.lstat(source).st_ino] if twin != path and twin not in pending and os.path.lexists(below(old, twin))]
    if twins:
        os.link(below(old, twins[0]), target, follow_symlinks=False)
    else:
        copy(source, target)

changed = {bytes_of(change["path"]) for change in changes if change["kind"] in ("added", "modified") or change.get("what")}
for where, dirs, files in os.walk(old, topdown=False):
    path = where[len(old) + 1:]
    if path in changed:
        copy_metadata(below(new, path), where)
    else:
        when = times[os.lstat(where).st_ino]
        os.utime(where, ns=(when, when))
os.rmdir(aside)
