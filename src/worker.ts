/**
 * What worker threads run: the table of jobs by name. A handler loads its module when it is first asked for, so that a
 * worker starts fast.
 */
import { serveJobs } from "./sys/worker-server.ts";

serveJobs({
  echo: (job: unknown) => job,
  "hash-files": async (job) => (await import("./store/scan/hash-files-job.ts")).hashFiles(job),
  "stage-objects": async (job) => (await import("./store/stage-objects-job.ts")).stageObjects(job),
  "check-objects": async (job) => (await import("./store/fsck/check-objects-job.ts")).checkObjects(job),
  "fill-folders": async (job) => (await import("./store/checkout/fill-folder-job.ts")).fillFolders(job),
  "pull-objects": async (job) => (await import("./store/pull/pull-objects-job.ts")).pullObjects(job),
  "send-subvolume": async (job) => (await import("./sys/btrfs/send-job.ts")).sendIntoPipe(job),
  "self-test": async () => (await import("./machine/thread-test.ts")).testThread(),
});
