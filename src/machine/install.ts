/**
 * Carries out an install plan. The image gets its name last, when everything in it is flushed: cut at any point, what had
 * that name before is untouched, and no mount or loop device stays behind.
 */
import { throwIfCancelled } from "../base/errors.ts";
import { type Observer, report } from "../base/events.ts";
import type { BootFile } from "../boot/boot-loader.ts";
import { driverOf, openTree, putFile } from "../disk/file-systems.ts";
import { createImageFile } from "../disk/image-file.ts";
import { writePartitionTable } from "../disk/partition-table.ts";
import { type DiskPlan, partitionOf } from "../disk/plan-disk.ts";
import { regionOf } from "../disk/region.ts";
import { editTree } from "./edit-tree.ts";
import { readContent } from "./install-facts.ts";
import { type InstallPlan, type InstallWork, requireChecks } from "./install-plan.ts";
import type { TreeSource } from "./tree-source.ts";

/**
 * Makes the image that the plan describes, from the source that it was planned for. Throws the problem of a failed check before
 * anything is written; `cancelled` once the observer's signal is raised.
 */
export async function installImage(plan: InstallPlan, source: TreeSource, observer: Observer): Promise<void> {
  const work = requireChecks(plan);
  throwIfCancelled(observer.signal);
  const image = createImageFile(plan.target.path, work.disk.geometry.size);
  try {
    await makeDisk(image.path, work.disk, observer);
    await writeTree(image.path, work, source, observer);
    await writeBootFiles(image.path, work, source, observer);
    throwIfCancelled(observer.signal);
    report(observer, "flush", {});
    image.publish(plan.replaces);
  } finally {
    image.close();
  }
}

async function makeDisk(path: string, disk: DiskPlan, observer: Observer): Promise<void> {
  report(observer, "partition", {});
  await writePartitionTable(path, disk, observer);
  for (const [index, partition] of disk.partitions.entries()) {
    report(observer, "format", { done: index, total: disk.partitions.length });
    const { fileSystem } = partition;
    await driverOf(fileSystem.type).make(regionOf(path, disk, partition), fileSystem, observer);
  }
}

async function writeTree(path: string, work: InstallWork, source: TreeSource, observer: Observer): Promise<void> {
  const root = partitionOf(work.disk, "root");
  const tree = await openTree(regionOf(path, work.disk, root), root.fileSystem, observer);
  try {
    await source.writeTo(tree.fd, observer);
    editTree(tree.fd, work.edits);
  } finally {
    await tree.close();
  }
}

async function writeBootFiles(path: string, work: InstallWork, source: TreeSource, observer: Observer): Promise<void> {
  const esp = partitionOf(work.disk, "esp");
  const region = regionOf(path, work.disk, esp);
  for (const [index, file] of work.bootFiles.entries()) {
    report(observer, "boot", { done: index, total: work.bootFiles.length });
    const content = await contentOf(file, source);
    await putFile(region, esp.fileSystem, { path: file.path, content }, observer);
  }
}

function contentOf(file: BootFile, source: TreeSource): Promise<Buffer> | Buffer {
  return "text" in file.content ? Buffer.from(file.content.text) : readContent(file.content, source);
}
