/** Operations: done, pending, refused or half done, and what runs that were cut have left. */
import type { DoctorFacts, HomeFacts } from "../facts.ts";
import { type Said, orOk, problem, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";

export function checkOperations(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.home, (home) =>
    orOk(
      [...placeFindings(home), ...operationFindings(home), ...leftOverFindings(home)],
      `${home.path}: no operation is open, and nothing is left over.`,
    ),
  );
}

export function checkSnapshots(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.home, ({ path, writableSnapshots, alteredSnapshots }) => {
    const remove = (snapshot: string): string =>
      `Nothing has to be done: the commit is whole. To have the space back: \`btrfs subvolume delete /.${snapshot.slice(1)}\``;
    return orOk(
      [
        ...writableSnapshots.map((snapshot) =>
          warning(
            `${snapshot}: can be written to, so it is no base for the next commit, which reads everything.`,
            remove(snapshot),
          ),
        ),
        ...alteredSnapshots.map((snapshot) =>
          warning(
            `${snapshot}: was changed after its commit, so it is no base for the next one, which reads everything.`,
            remove(snapshot),
          ),
        ),
      ],
      `${path}/base: every snapshot is read-only and as it was committed.`,
    );
  });
}

function placeFindings({ path, mode, owner }: HomeFacts): Said[] {
  if (owner === 0 && (mode & 0o077) === 0) return [];
  const message = `${path}: others than root may enter it, and old programs with setuid are in there.`;
  return [
    problem(
      message,
      path.startsWith("/") ? `\`chown root ${path}; chmod 700 ${path}\`` : "`chown root /.regrow; chmod 700 /.regrow`",
    ),
  ];
}

function operationFindings({ operations, pending, refused, path }: HomeFacts): Said[] {
  const found: Said[] = [];
  if ("reason" in operations) found.push(problem(operations.reason, "Look at it, and move it away."));
  if (pending !== undefined && "reason" in pending) {
    found.push(
      problem(`${path}/policy/switch: ${pending.reason}`, "Take the order back with `regrow undo`, or use the newer regrow."),
    );
    return found;
  }
  if (refused !== undefined) {
    found.push(
      problem(
        `${path}/policy/switch.refused: the switch of operation ${pending?.operation} was not carried out: ${refused}`,
        "Mend that and reboot, or take the order back: `regrow undo`.",
      ),
    );
  } else if (pending !== undefined) {
    const message = `${path}/policy/switch: operation ${pending.operation} waits for the end of the next shutdown; what is changed until then goes with the old root.`;
    found.push(warning(message, "Reboot, or take it back: `regrow undo`."));
  }
  if ("reason" in operations) return found;
  const open = operations.filter(
    ({ state, number }) => state === "prepared" || (state === "armed" && pending?.operation !== `${number}`),
  );
  const unfinished = operations.filter(({ state, boot }) => state === "done" && boot !== undefined && boot.isPutBack !== true);
  return [
    ...found,
    ...unfinished.map(({ number, boot }) =>
      warning(
        `${path}/log/operations/${number}.json: what is on /${boot!.volume} has not been put back to what the new root was committed with.`,
        `With /${boot!.volume} mounted: \`regrow status\` finishes it.`,
      ),
    ),
    ...open.map(({ number, kind }) =>
      warning(
        `${path}/log/operations/${number}.json: this ${kind} was cut, or done and not entered yet.`,
        "`regrow status` settles it.",
      ),
    ),
  ];
}

function leftOverFindings({ leftOvers }: HomeFacts): Said[] {
  if (leftOvers.length === 0) return [];
  const more = leftOvers.length === 1 ? "" : ` and ${leftOvers.length - 1} more`;
  return [
    warning(
      `${leftOvers[0]}${more}: a run that was cut has left this, or one is at work.`,
      "`regrow status` takes it away, once no other command runs.",
    ),
  ];
}
