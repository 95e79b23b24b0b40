/**
 * The VM bench: boots a disk image under OVMF with QEMU and talks to its serial console. A guest has its own copy of the firmware's
 * variables and writes to an overlay, so that the image stays as it is. Its QEMU never outlives the test: it is stopped after the
 * test, and the kernel kills it should the test process die.
 */
import { copyFileSync, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runProgram, startProgram } from "../../src/sys/run-program.ts";
import { FIRMWARE, accelerationArguments } from "./vm-acceleration.ts";

/** What a test must require before it starts a guest. */
export const VM_NEEDS = { programs: ["qemu-system-x86_64", "qemu-img", "setpriv"], files: [FIRMWARE] } as const;

export interface GuestOptions {
  /** Where all console output goes; by default a file in the guest's own folder, which is removed after the test. */
  readonly log?: string;
  /** True lets the guest change the image itself. */
  readonly writable?: boolean;
  readonly memoryMib?: number;
  /** More of QEMU's arguments, such as another disk. */
  readonly more?: readonly string[];
}

export interface Wait {
  /** Throws after that time, with the end of the console's output. */
  readonly seconds: number;
  /** Throws as soon as this is seen: what a guest says that won't get there. */
  readonly unless?: RegExp;
}

export interface Guest {
  /** The first match in the output so far or to come. Throws also where the guest ends without it. */
  waitFor(pattern: RegExp, wait: Wait): Promise<RegExpExecArray>;
  /** Types on the serial console. */
  send(text: string): void;
  /** All console output so far, escape sequences removed. */
  output(): string;
  /** Waits until the guest has powered off or rebooted by itself. */
  ended(wait: { readonly seconds: number }): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MILLISECONDS = 100;
const TAIL = 3000;

/** Boots the raw image. The guest is stopped after the test. */
export async function startGuest(t: TestContext, image: string, options: GuestOptions = {}): Promise<Guest> {
  const folder = mkdtempSync(join(tmpdir(), "regrow-vm-"));
  const variables = join(folder, "vars.fd");
  copyFileSync(FIRMWARE.replace("CODE", "VARS"), variables);
  const disk = options.writable ? `file=${image},format=raw` : `file=${await makeOverlay(image, folder)},format=qcow2`;
  const qemu = startProgram({
    program: "setpriv",
    args: [
      ...["--pdeathsig", "KILL", "qemu-system-x86_64"],
      ...["-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio"],
      ...["-machine", "q35", "-smp", "2", "-m", String(options.memoryMib ?? 1024), "-device", "virtio-rng-pci"],
      ...["-drive", `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`, "-drive", `if=pflash,format=raw,file=${variables}`],
      ...["-drive", `if=virtio,cache=unsafe,${disk}`],
      ...(await accelerationArguments()),
      ...(options.more ?? []),
    ],
    effect: "read",
  });
  const guest = watch(qemu, options.log ?? join(folder, "console.log"));
  t.after(async () => {
    await guest.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return guest;
}

async function makeOverlay(image: string, folder: string): Promise<string> {
  const overlay = join(folder, "overlay.qcow2");
  await runProgram({
    program: "qemu-img",
    args: ["create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", overlay],
    effect: "change",
  });
  return overlay;
}

function watch(qemu: ReturnType<typeof startProgram>, log: string): Guest {
  let output = "";
  let end: string | undefined;
  const file = createWriteStream(log);
  qemu.stdout.on("data", (piece: Buffer) => {
    file.write(piece);
    output += piece.toString("latin1");
  });
  const finished = qemu.finished.then(
    () => (end = "the guest has ended"),
    (error: Error) => (end = error.message),
  );
  const text = (): string => withoutEscapes(output);
  const fail = (why: string): never => {
    throw new Error(`${why}. The end of its console:\n${text().slice(-TAIL)}`);
  };
  return {
    output: text,
    send: (typed) => qemu.stdin.write(typed),
    waitFor: async (pattern, wait) => {
      const deadline = Date.now() + wait.seconds * 1000;
      for (;;) {
        const ended = end;
        const match = pattern.exec(text());
        if (match) return match;
        const bad = wait.unless?.exec(text());
        if (bad) fail(`The guest said ${JSON.stringify(bad[0])} instead of ${pattern}`);
        if (ended !== undefined) fail(`${ended} without ${pattern}`);
        if (Date.now() > deadline) fail(`The guest did not say ${pattern} in ${wait.seconds} s`);
        await sleep(POLL_MILLISECONDS);
      }
    },
    ended: async (wait) => {
      const timeOut = new AbortController();
      await Promise.race([finished, sleep(wait.seconds * 1000, undefined, { signal: timeOut.signal }).catch(() => {})]);
      timeOut.abort();
      if (end === undefined) fail(`The guest did not end in ${wait.seconds} s`);
    },
    stop: async () => {
      qemu.kill();
      await finished;
      file.end();
    },
  };
}

function withoutEscapes(output: string): string {
  return output.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78cDEHMZ])/g, "").replace(/\r/g, "");
}
