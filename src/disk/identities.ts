/** New identities for a disk: what no other disk has. */
import { randomBytes, randomUUID } from "node:crypto";
import type { FileSystemType, Layout } from "./layout.ts";
import type { DiskIdentities } from "./plan-disk.ts";

export function newIdentities(layout: Layout): DiskIdentities {
  const partitions = layout.partitions.map(
    (wish) => [wish.role, { partition: randomUUID(), fileSystem: newFileSystemId(wish.fileSystem.type) }] as const,
  );
  return { disk: randomUUID(), partitions: Object.fromEntries(partitions) };
}

function newFileSystemId(type: FileSystemType): string {
  if (type !== "fat") return randomUUID();
  const digits = randomBytes(4).toString("hex").toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}
