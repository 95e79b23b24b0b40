/** Whether the engine is in place: its files in the root, and the initramfs images that have it in them. */
import type { ByteString } from "../../base/byte-string.ts";
import { type FileState, gatherEngineFacts } from "./engine-facts.ts";
import { type EngineInImage, engineInImage, initramfsImages } from "./initramfs-image.ts";

export interface EngineState {
  /** `outdated`: all files are there, but not all as this version has them. `partly`: some are missing. */
  readonly installed: "current" | "outdated" | "partly" | "absent";
  readonly files: readonly { readonly path: ByteString; readonly state: FileState }[];
  /** Empty where no generator is there that would take it in, or /boot has no image. */
  readonly images: readonly { readonly path: ByteString; readonly engine: EngineInImage }[];
}

/** Looks at the root that is open as `rootFd`; takes about a second for each image. Throws as `gatherEngineFacts` does. */
export async function engineState(rootFd: number): Promise<EngineState> {
  const { machine, files } = gatherEngineFacts(rootFd);
  const images: { path: ByteString; engine: EngineInImage }[] = [];
  if (machine.generators.length > 0) {
    for (const path of initramfsImages(rootFd)) images.push({ path, engine: await engineInImage(rootFd, path) });
  }
  return {
    installed: summary(files.map(({ state }) => state)),
    files: files.map(({ file, state }) => ({ path: file.path, state })),
    images,
  };
}

function summary(states: readonly FileState[]): EngineState["installed"] {
  if (states.every((state) => state === "absent")) return "absent";
  if (states.includes("absent")) return "partly";
  return states.includes("other") ? "outdated" : "current";
}
