/** The exit codes of the command line, fixed for good: scripts depend on them. See docs/exit-codes.md. */
export const EXIT = {
  done: 0,
  failure: 1,
  usage: 2,
  noRepository: 10,
  locked: 11,
  verification: 12,
  noSpace: 13,
  refused: 14,
  missing: 15,
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
