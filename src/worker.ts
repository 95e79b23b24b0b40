/**
 * What worker threads run: the table of jobs by name. A handler loads its module when it is first asked for, so that a
 * worker starts fast.
 */
import { serveJobs } from "./sys/worker-server.ts";

serveJobs({
  echo: (job: unknown) => job,
  "self-test": async () => (await import("./machine/thread-test.ts")).testThread(),
});
