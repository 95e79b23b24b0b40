/** Finds out what an install must know beforehand. Only looks; changes nothing. */
import { createHash } from "node:crypto";
import process from "node:process";
import { bytesOf } from "../base/byte-string.ts";
import type { Observer } from "../base/events.ts";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import type { BootLoader, ContentFile } from "../boot/boot-loader.ts";
import { chooseKernel, findKernels } from "../boot/find-kernels.ts";
import { osTitle, parseOsRelease } from "../codec/os-release.ts";
import { driverOf } from "../disk/file-systems.ts";
import { folderOf } from "../disk/image-file.ts";
import { TABLE_PROGRAMS } from "../disk/partition-table.ts";
import { isBlank } from "../sys/blank.ts";
import { loopDevicesOf } from "../sys/loop-device.ts";
import { CWD, O, closeFd, openAt, tryOpenAt } from "../sys/open.ts";
import { findProgram } from "../sys/program-packages.ts";
import { readLinkAt, tryReadFileAt } from "../sys/read-file.ts";
import { spaceOf } from "../sys/space.ts";
import { S_IFREG, statFd, tryStatAt, typeOf } from "../sys/stat.ts";
import type { InstallFacts, InstallRequest, TargetFacts } from "./install-plan.ts";
import type { TreeSource } from "./tree-source.ts";

/** Throws what the source throws, and SystemError where the target can't be looked at. */
export async function gatherInstallFacts(request: InstallRequest, source: TreeSource, observer: Observer): Promise<InstallFacts> {
  throwIfCancelled(observer.signal);
  const kernel = chooseKernel(await findKernels(source));
  const osRelease = (await source.read("etc/os-release")) ?? (await source.read("usr/lib/os-release"));
  const fstab = await source.read("etc/fstab");
  return {
    isRoot: process.geteuid?.() === 0,
    hasLoopDevices: tryStatAt(CWD, "/dev/loop-control") !== undefined,
    missingPrograms: programsFor(request).filter((program) => findProgram(program) === undefined),
    target: lookAtTarget(request.target.path, observer),
    tree: await source.describe(observer),
    title: osTitle(parseOsRelease(osRelease?.toString("utf8") ?? "")),
    fstab: fstab?.toString("utf8") ?? "",
    kernel,
    kernelFile: kernel && (await contentInTree(source, kernel.imagePath)),
    initrdFile: kernel?.initrdPath === undefined ? undefined : await contentInTree(source, kernel.initrdPath),
    loaderProgram: await findLoaderProgram(request.loader, source),
  };
}

/** The content that was found before. Throws `corrupt` where it is another one by now. */
export async function readContent(file: ContentFile, source: TreeSource): Promise<Buffer> {
  const content = file.origin === "tree" ? await source.read(file.path) : tryReadFileAt(CWD, bytesOf(`/${file.path}`));
  if (content !== undefined && sha256(content) === file.sha256) return content;
  const hint = "Nothing may change it while an install runs: begin again.";
  throw new RegrowError("corrupt", `${file.path}: is not what it was when the install was planned.`, { path: file.path, hint });
}

function programsFor(request: InstallRequest): string[] {
  const drivers = request.layout.partitions.map((wish) => driverOf(wish.fileSystem.type));
  return [...TABLE_PROGRAMS, ...drivers.flatMap((driver) => driver.programs)];
}

async function contentInTree(source: TreeSource, path: string): Promise<ContentFile | undefined> {
  const content = await source.read(path);
  return content && { origin: "tree", path, bytes: content.length, sha256: sha256(content) };
}

async function findLoaderProgram(loader: BootLoader, source: TreeSource): Promise<ContentFile | undefined> {
  const paths = loader.programPaths(process.arch);
  for (const path of paths) {
    const found = await contentInTree(source, path);
    if (found !== undefined) return found;
  }
  for (const path of paths) {
    const content = tryReadFileAt(CWD, bytesOf(`/${path}`));
    if (content !== undefined) return { origin: "host", path, bytes: content.length, sha256: sha256(content) };
  }
  return undefined;
}

function lookAtTarget(path: string, observer: Observer): TargetFacts {
  const folderFd = tryOpenAt(CWD, bytesOf(folderOf(path)), O.RDONLY | O.DIRECTORY);
  if (folderFd < 0) return { folderExists: false, state: "absent", available: 0 };
  try {
    return { folderExists: true, state: stateOf(path, observer), available: spaceOf(folderFd).available };
  } finally {
    closeFd(folderFd);
  }
}

function stateOf(path: string, observer: Observer): TargetFacts["state"] {
  const stat = tryStatAt(CWD, bytesOf(path));
  if (stat === undefined) return "absent";
  if (typeOf(stat.mode) !== S_IFREG) return "not-a-file";
  const fd = openAt(CWD, bytesOf(path), O.RDONLY | O.NOFOLLOW);
  try {
    const realPath = Buffer.from(readLinkAt(CWD, `/proc/self/fd/${fd}`), "latin1").toString("utf8");
    if (loopDevicesOf(realPath).length > 0) return "in-use";
    return isBlank(fd, statFd(fd).size, observer.signal) ? "blank" : "not-blank";
  } finally {
    closeFd(fd);
  }
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
