/**
 * The library's face: what a program can do with repositories without the command line. Nothing here prints; long
 * operations take an Observer (an AbortSignal and a callback for typed events) and throw RegrowError. See docs/library.md.
 */
export { type ByteString, bufferOf, bytesFromBuffer, bytesOf, displayBytes } from "./base/byte-string.ts";
export { type ErrorCode, type ErrorDetail, isErrno, RegrowError, SystemError } from "./base/errors.ts";
export type { NoticeEvent, Observer, ProgressEvent, RegrowEvent } from "./base/events.ts";
export { EXIT, type ExitCode } from "./base/exit-codes.ts";
export { VERSION } from "./base/version.ts";
export type { Dictionary, GValue, Variant } from "./codec/gvariant/value.ts";
export type { Checksum } from "./codec/ostree/checksum.ts";
export type { Commit } from "./codec/ostree/commit.ts";
export { type CheckoutOptions, checkoutCommit } from "./store/checkout/checkout.ts";
export { type CommitSnapshotOptions, type SnapshotBase, commitSnapshot } from "./machine/capture/commit-snapshot.ts";
export { type CommitOptions, type CommitResult, type CommitSource, commitTree } from "./store/commit.ts";
export type { Change, ChangeKind, Aspect, EntryType } from "./store/diff/change.ts";
export { type Diff, diffCommitFolder, diffCommits, diffFolders } from "./store/diff/diff.ts";
export type { ChangesCommit } from "./store/incremental/commit-changes.ts";
export { moveRefs, type RefChange } from "./store/move-refs.ts";
export { loadCommit } from "./store/object-files.ts";
export { isCompanionRef, listRefs, readRef, type Ref } from "./store/refs.ts";
export {
  type InitOptions,
  type Repository,
  closeRepository,
  initRepository,
  openRepository,
  withRepository,
} from "./store/repository.ts";
export { type RepositoryConfig, type RepositoryMode } from "./store/repository-config.ts";
export { resolveRevision } from "./store/revision.ts";
export { type BadObject, type FsckOptions, type FsckReport, checkRepository, isSound } from "./store/fsck/fsck.ts";
export { type MergeOptions, type RevertOptions, mergeCommits, revertCommit } from "./store/merge/merge.ts";
export type { MergeReport } from "./store/merge/merge-types.ts";
export { type ForgetOptions, type ForgetReport, forgetPaths } from "./store/forget/forget.ts";
export { type PinnedReport, pinnedSpace } from "./store/prune/pinned-space.ts";
export { type RetentionCommit, type RetentionDecision, planRetention } from "./store/prune/plan-retention.ts";
export { type ThinningPlan, type ThinningRequest, planThinning } from "./store/prune/plan-thinning.ts";
export { type PruneOptions, type PruneReport, prune } from "./store/prune/prune.ts";
export { type RetentionPolicy, parseRetentionPolicy } from "./store/prune/retention-policy.ts";
export { repositorySource } from "./store/pull/object-source.ts";
export { pull, push } from "./store/pull/pull.ts";
export type { PullOptions, PullReport } from "./store/pull/pull-options.ts";
export { type ExportOptions, exportTar } from "./store/tar/export-tar.ts";
