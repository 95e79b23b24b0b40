/** Looking at a repository without changing anything: what is damaged, what is missing, and what that touches. */
import { objectText } from "../../codec/ostree/object-name.ts";
import type { ByteString } from "../../base/byte-string.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { indexObjects } from "../list-objects.ts";
import { listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { type ContentCheck, beginContentCheck } from "./check-contents.ts";
import { namedCommits, refsOfCommits } from "./check-refs.ts";
import { type CheckedName, type DamagedObject } from "./damage.ts";
import { type MetadataReader, openMetadata } from "./metadata-reader.ts";
import { type Pause, newPause } from "./pause.ts";
import { traceDamage } from "./trace-damage.ts";
import { type WalkedCommits, walkCommits } from "./walk-commits.ts";

export interface BadObject extends CheckedName {
  /**
   * Malformed: its bytes are those that its name calls for, and make no object. Misplaced: a good object that can't be what a
   * commit takes it for, its sidecar; other commits may need it for what it is.
   */
  readonly problem: "missing" | "damaged" | "malformed" | "misplaced";
  readonly reason: string;
  /** Commits that need it, for their tree or their sidecar, and refs whose history holds such a commit. */
  readonly commits: readonly Checksum[];
  readonly refs: readonly string[];
  /** The first path at which it stands in the first of the commits; of a sidecar, the folder that it belongs to. */
  readonly path: ByteString | undefined;
  readonly outcome: "found" | "repaired" | "deleted";
}

export interface Findings {
  readonly checked: number;
  readonly bytes: number;
  readonly commits: number;
  /** Commits that are known to lack a part of their tree. */
  readonly partial: readonly Checksum[];
  /** Sorted. Empty for a good repository. */
  readonly bad: readonly BadObject[];
}

export interface LookOptions {
  /** `nothing`: whether everything is there, as far as the folders and what they list tell. */
  readonly read: "nothing" | "sidecars" | "everything";
  readonly workers?: number | undefined;
}

const DEFAULT_WORKERS = 2;

/** Throws `cancelled`, SystemError. */
export async function look(repository: Repository, options: LookOptions, observer: Observer): Promise<Findings> {
  const pause = newPause(observer.signal);
  // The threads begin before anything else: starting takes them a while.
  const everything = options.read === "everything";
  const content = everything ? beginContentCheck(repository, options.workers ?? DEFAULT_WORKERS) : undefined;
  try {
    return await lookAt(repository, options.read !== "nothing", content, pause, observer);
  } finally {
    await content?.close();
  }
}

/** What the objects touch as the repository is now, missing or damaged as they are said to be. */
export async function lookAgain(
  repository: Repository,
  objects: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<readonly BadObject[]> {
  const pause = newPause(signal);
  const index = indexObjects(repository);
  const reader = openMetadata(repository, index);
  const partial = unchecked(repository);
  const walked = await walkCommits({ repository, index, reader, named: [], partial, records: false, pause });
  return describe(repository, reader, walked, partial, objects);
}

async function lookAt(
  repository: Repository,
  records: boolean,
  content: ContentCheck | undefined,
  pause: Pause,
  observer: Observer,
): Promise<Findings> {
  const index = indexObjects(repository);
  const reader = openMetadata(repository, index);
  const partial = unchecked(repository);
  const walked = await walkCommits({ repository, index, reader, named: namedCommits(repository), partial, records, pause });
  if (content !== undefined) await reader.readRest(pause);
  const contents = await content?.finish(pause, index.file.size, observer);
  const damaged = [...reader.damaged.values(), ...(contents?.damaged ?? [])];
  return {
    checked: reader.counts.checked + (contents?.checked ?? 0),
    bytes: reader.counts.bytes + (contents?.bytes ?? 0),
    commits: walked.commits.size,
    partial: [...listPartial(repository).keys()].sort(),
    bad: describe(repository, reader, walked, partial, problemsOf(walked, damaged)),
  };
}

/** Commits that rightly lack a part. Those that ostree or regrow marked for their damage still do it wrongly. */
function unchecked(repository: Repository): Set<Checksum> {
  const marks = [...listPartial(repository)].filter(([, reason]) => reason !== "damaged");
  return new Set(marks.map(([commit]) => commit));
}

type Problem = Pick<BadObject, "kind" | "checksum" | "problem" | "reason">;

function problemsOf({ missing, problems }: WalkedCommits, damaged: readonly DamagedObject[]): Problem[] {
  const all = new Map<string, Problem>();
  for (const { kind, checksum, reason, isMalformed } of damaged)
    all.set(objectText({ kind, checksum }), { kind, checksum, problem: isMalformed === true ? "malformed" : "damaged", reason });
  for (const object of missing) all.set(objectText(object), { ...object, problem: "missing", reason: "it is missing" });
  for (const problem of [...problems.values()].flat()) {
    const text = objectText(problem);
    if (!all.has(text)) all.set(text, { ...problem, problem: "misplaced" });
  }
  return [...all.values()];
}

function describe(
  repository: Repository,
  reader: MetadataReader,
  walked: WalkedCommits,
  partial: ReadonlySet<Checksum>,
  problems: readonly Problem[],
): BadObject[] {
  if (problems.length === 0) return [];
  // What is misplaced is bad there alone.
  const everywhere = problems.filter(({ problem }) => problem !== "misplaced");
  const traces = traceDamage(reader, walked, partial, new Set(everywhere.map(objectText)));
  const refs = refsOfCommits(repository, walked.commits);
  const described = problems.map(({ kind, checksum, problem, reason }): BadObject => {
    const touched = traces.get(objectText({ kind, checksum })) ?? [];
    const names = new Set(touched.flatMap(({ commit }) => refs.get(commit) ?? []));
    return {
      kind,
      checksum,
      problem,
      reason,
      commits: touched.map(({ commit }) => commit),
      refs: [...names].sort(),
      path: touched[0]?.path,
      outcome: "found",
    };
  });
  return described.sort((a, b) => (objectText(a) < objectText(b) ? -1 : 1));
}
