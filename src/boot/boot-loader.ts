/**
 * What a boot loader must be able to do: say, without touching anything, which files it needs where. Whoever acts on that writes
 * them in the order given, so that nothing is named before it is there.
 */

/** A file whose content is known beforehand by its checksum. */
export interface ContentFile {
  /** `tree`: of the system that is installed; `host`: of the machine that installs. */
  readonly origin: "tree" | "host";
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, in hex. */
  readonly sha256: string;
}

/** What is to be booted. */
export interface BootRequest {
  /** Letters, digits and `-_.`: names the entry. */
  readonly id: string;
  readonly title: string;
  /** The kernel's release. */
  readonly version: string;
  readonly kernel: ContentFile;
  readonly initrd: ContentFile;
  readonly commandLine: string;
  /** Seconds that the menu waits. */
  readonly menuSeconds: number;
  /** The loader's own program, from one of its `programPaths`. */
  readonly program: ContentFile;
}

/** A file for the boot partition. */
export interface BootFile {
  /** On that partition, without a leading `/`. */
  readonly path: string;
  readonly content: ContentFile | { readonly text: string };
}

export interface BootLoader {
  readonly name: string;
  /** The Debian package that has its program. */
  readonly debianPackage: string;
  /** Where its program may be, in the tree or on the host, best first; none where it knows no such processor. */
  programPaths(architecture: string): readonly string[];
  /** All files that it needs, in the order in which they must be written: what boots the system comes last. */
  planFiles(request: BootRequest): readonly BootFile[];
}

export function bytesOfFile(file: BootFile): number {
  return "text" in file.content ? Buffer.byteLength(file.content.text) : file.content.bytes;
}
