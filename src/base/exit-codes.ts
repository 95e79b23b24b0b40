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

/** What each says, for the help and docs/exit-codes.md. */
export const EXIT_MEANINGS: Record<ExitCode, string> = {
  [EXIT.done]: "done",
  [EXIT.failure]: "it failed",
  [EXIT.usage]: "the command line makes no sense",
  [EXIT.noRepository]: "no repository, or not set up",
  [EXIT.locked]: "somebody else holds the lock",
  [EXIT.verification]: "verification failed: something is damaged or hostile",
  [EXIT.noSpace]: "not enough space",
  [EXIT.refused]: "refused or declined",
  [EXIT.missing]: "a program or a privilege is missing",
  [EXIT.cancelled]: "cancelled",
};
