/** All that `doctor` knows of a machine before it judges: gathered once, plain data, so that every check is a table of facts and findings. */
import type { DeviceName } from "../../codec/blkid.ts";
import type { BootEntry } from "../../codec/bls-entry.ts";
import type { FstabLine } from "../../codec/fstab.ts";
import type { GrubConfig } from "../../codec/grub/config.ts";
import type { Kernel } from "../../boot/find-kernels.ts";
import type { FileState } from "../../boot/engine/engine-facts.ts";
import type { EngineInImage } from "../../boot/engine/initramfs-image.ts";
import type { Check } from "../check.ts";
import type { Operation } from "../switch/operation-log.ts";
import type { BootVerdict } from "../switch/boot-class.ts";
import type { Looked } from "./looked.ts";

export interface DoctorFacts {
  readonly sysroot: string;
  readonly isLive: boolean;
  /** Whether root looks. */
  readonly isPrivileged: boolean;
  readonly isSetUp: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly root: RootFact;
  /** Why the machine could not be opened as other commands do; undefined where it could. */
  readonly obstacle: Obstacle | undefined;
  /** What is wrong with the configuration. */
  readonly configuration: Obstacle | undefined;
  readonly devices: Looked<readonly DeviceName[]>;
  /** Paths from the top level, with their ids. */
  readonly subvolumes: Looked<readonly SubvolumeFact[]>;
  readonly bootClass: Looked<BootVerdict>;
  /** Why the loader of a machine of boot class b can't be told what to start next; a value of undefined: it can. */
  readonly loader: Looked<Obstacle | undefined>;
  readonly fstab: Looked<readonly FstabFact[]>;
  readonly commandLines: Looked<readonly CommandLineFact[]>;
  readonly grub: Looked<GrubFacts>;
  readonly entries: Looked<readonly EntryFolderFact[]>;
  readonly firmware: Looked<FirmwareFacts>;
  readonly kernels: Looked<KernelFacts>;
  readonly bootSpace: Looked<readonly SpaceFact[]>;
  readonly metadata: Looked<MetadataFact>;
  readonly programs: Looked<ProgramFacts>;
  readonly packages: Looked<PackageFact>;
  readonly swap: Looked<readonly SwapFact[]>;
  readonly engine: Looked<EngineFacts>;
  readonly home: Looked<HomeFacts>;
  readonly repository: Looked<RepositoryFacts>;
  /** Where the machine is not set up: what `setup` would say. */
  readonly setup: Looked<readonly Check[]>;
}

export interface RootFact {
  readonly type: string;
  readonly device: string;
  /** Of the file system, as fstab writes it; undefined where it is not known. */
  readonly uuid: string | undefined;
  /** The root subvolume from the top level; undefined where there is none, or it can't be told. */
  readonly subvolume: { readonly path: string; readonly id: bigint } | undefined;
  /** Bytes. */
  readonly available: number;
}

export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

export interface SubvolumeFact {
  readonly path: string;
  readonly id: bigint;
}

export interface FstabFact {
  readonly line: Exclude<FstabLine, string>;
  /** Whether the folder that it mounts on is there; true for swap. */
  readonly hasMountPoint: boolean;
  /** It is not mounted: what is on it can't be seen, and what is below its folder is not what a start reads. */
  readonly isAway: boolean;
}

export interface CommandLineFact {
  /** Where it stands, such as `/proc/cmdline`. */
  readonly path: string;
  readonly text: string;
}

/** A file that a boot loader names. `unseen`: where it is can't be looked at from here. */
export interface BootFile {
  readonly path: string;
  readonly state: "there" | "empty" | "missing" | "unseen";
}

export interface GrubFacts {
  /** Programs and small configurations on the ESP that look for a file system. */
  readonly searches: readonly GrubSearchFact[];
  readonly configs: readonly GrubConfigFact[];
  readonly environments: readonly GrubEnvironmentFact[];
  /** `GRUB_SAVEDEFAULT=true` in /etc/default/grub. */
  readonly savesDefault: boolean;
}

export interface GrubSearchFact {
  readonly path: string;
  readonly uuids: readonly string[];
  /** The configuration that it goes on with. */
  readonly config: BootFile | undefined;
}

export interface GrubConfigFact {
  readonly path: string;
  /** Or why it can't be read. */
  readonly config: GrubConfig | { readonly reason: string };
  readonly entries: readonly GrubEntryFact[];
}

export interface GrubEntryFact {
  readonly title: string;
  readonly files: readonly BootFile[];
  readonly parameters: readonly string[];
}

export interface GrubEnvironmentFact {
  readonly path: string;
  readonly values: ReadonlyMap<string, string> | { readonly reason: string };
  /** Of the file system that it is on, and the device. */
  readonly type: string;
  readonly device: string;
}

/** A folder `loader/` with the entries of the Boot Loader Specification. */
export interface EntryFolderFact {
  /** Such as `/boot/efi`. */
  readonly partition: string;
  readonly entries: readonly BootEntryFact[];
  /** Unified kernel images, by file name. */
  readonly images: readonly string[];
  /** What loader.conf says. */
  readonly default: string | undefined;
}

export interface BootEntryFact {
  readonly path: string;
  /** By its file name, without counters. */
  readonly id: string;
  readonly entry: BootEntry | { readonly reason: string };
  readonly files: readonly BootFile[];
}

export interface FirmwareFacts {
  /** `LoaderEntryDefault` and `LoaderEntryOneShot` of systemd-boot. */
  readonly entryDefault: string | undefined;
  readonly entryOneShot: string | undefined;
}

export interface KernelFacts {
  readonly kernels: readonly Kernel[];
  /** Releases with modules. */
  readonly modules: readonly string[];
  readonly running: string | undefined;
}

export interface SpaceFact {
  readonly path: string;
  readonly available: number;
  /** What one more kernel with its initramfs takes, of the present sizes; 0 where none is there. */
  readonly needed: number;
}

export interface MetadataFact {
  /** Bytes, as files see them: what is free in the block groups for metadata, and what may still become one. */
  readonly free: number;
  readonly growable: number;
  readonly used: number;
  readonly unallocated: number;
}

export interface ProgramFacts {
  /** `isVital`: without it a switch or a start fails. */
  readonly needed: readonly {
    readonly program: string;
    readonly why: string;
    readonly isVital: boolean;
    readonly isThere: boolean;
  }[];
  /** `ID` and `ID_LIKE` of os-release. */
  readonly distribution: readonly string[];
}

export interface PackageFact {
  /** The database's folder, such as `/var/lib/dpkg`. */
  readonly database: string;
  /** Whether it is on the volume that /usr is on; `volume` names the one that it is on. */
  readonly isBesideUsr: boolean;
  readonly volume: string;
  /** The rule that carries it, of the configuration. */
  readonly carriedBy: string | undefined;
}

export interface SwapFact {
  readonly path: string;
  readonly isActive: boolean;
  readonly state: "swap" | "hibernated" | undefined;
  /** A file in the root subvolume itself, of which no snapshot can be taken while it is active. */
  readonly isInRoot: boolean;
}

export interface EngineFacts {
  readonly files: readonly { readonly path: string; readonly state: FileState }[];
  readonly images: readonly { readonly path: string; readonly engine: EngineInImage }[];
  /** Makes the images anew; undefined where no tool for it is known. */
  readonly remake: string | undefined;
  readonly hasSystemd: boolean;
  readonly mountUnit: "current" | "other" | "absent";
  readonly mountUnitIsEnabled: boolean;
  /** Undefined for a machine that doesn't run. */
  readonly isMounted: boolean | undefined;
}

export interface HomeFacts {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: number;
  readonly operations: readonly Operation[] | { readonly reason: string };
  /** Of the order that is pending. */
  readonly pending: { readonly operation: string } | { readonly reason: string } | undefined;
  /** Why the engine did not carry it out. */
  readonly refused: string | undefined;
  /** What runs that were cut have left, by path. */
  readonly leftOvers: readonly string[];
  /** Snapshots of commits that can be written to, and those that were changed. */
  readonly writableSnapshots: readonly string[];
  readonly alteredSnapshots: readonly string[];
}

export interface RepositoryFacts {
  readonly branch: string;
  readonly last: { readonly commit: string; readonly timestamp: number } | undefined;
  readonly refs: number;
  readonly bad: readonly { readonly ref: string; readonly reason: string }[];
  /** Bytes, and what a commit must leave. */
  readonly available: number;
  readonly reserve: number;
}
