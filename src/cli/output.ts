/**
 * Where a command writes: results go to stdout, all else to stderr. Once nobody reads stdout any more, the next result
 * throws OutputClosed, which ends the command quietly.
 */
import process from "node:process";
import { throwIfCancelled } from "../base/errors.ts";

/** Nobody reads what the command prints: no error, but the end of it. */
export class OutputClosed extends Error {}

export interface Output {
  /** One line of the result. */
  print(line: string): void;
  /** Bytes of the result, as they are. */
  write(data: Uint8Array): void;
  /** One object of the result: with --json. */
  json(value: unknown): void;
  /** Many lines, without holding up signals. */
  printAll(lines: Iterable<string>): Promise<void>;
  /** Many pieces of bytes, the same way. */
  writeAll(pieces: Iterable<Uint8Array>): Promise<void>;
  /** For people, to stderr; not with --quiet or --json. */
  say(line: string): void;
  /** Everything out that `print` has gathered. */
  flush(): void;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
  /** Called before anything else goes to the terminal: takes the progress bar away. */
  readonly beforeText: () => void;
}

const BUFFER_SIZE = 64 * 1024;

export function createOutput({ json, quiet, signal, beforeText }: OutputOptions): Output {
  let pending = "";

  function write(data: string | Uint8Array): void {
    if (process.stdout.errored !== null) throw new OutputClosed();
    process.stdout.write(data);
    // A broken pipe shows at once, since pipes are written synchronously; the event follows only after the command.
    if (process.stdout.errored !== null) throw new OutputClosed();
  }

  function flush(): void {
    if (pending === "") return;
    const text = pending;
    pending = "";
    beforeText();
    write(text);
  }

  async function* withPauses<T>(items: Iterable<T>): AsyncGenerator<T> {
    let count = 0;
    for (const item of items) {
      yield item;
      if (++count % 1024 !== 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      throwIfCancelled(signal);
    }
  }

  function print(line: string): void {
    pending += `${line}\n`;
    if (pending.length >= BUFFER_SIZE) flush();
  }

  return {
    print,
    flush,
    json: (value) => print(JSON.stringify(value)),
    write(data) {
      flush();
      write(data);
    },
    async printAll(lines) {
      for await (const line of withPauses(lines)) print(line);
    },
    async writeAll(pieces) {
      flush();
      let gathered: Uint8Array[] = [];
      let size = 0;
      for await (const piece of withPauses(pieces)) {
        gathered.push(piece);
        size += piece.length;
        if (size < BUFFER_SIZE) continue;
        write(Buffer.concat(gathered));
        gathered = [];
        size = 0;
      }
      write(Buffer.concat(gathered));
    },
    say(line) {
      if (quiet || json) return;
      flush();
      beforeText();
      process.stderr.write(`${line}\n`);
    },
  };
}
