/** The program on a terminal of its own (Python's pty), with keys pressed when something appears. */
import { spawnSync } from "node:child_process";

export interface OnTerminal {
  readonly code: number;
  /** All that was on the terminal, control sequences included. */
  readonly screen: string;
}

/** When `appears` is on the screen, `press` is typed. */
export interface Key {
  readonly appears: string;
  readonly press: string;
}

const DRIVER = `
import json, os, pty, select, sys, time
job = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.chdir(job["cwd"])
    os.execve(job["program"], [job["program"]] + job["args"], job["env"])
screen, keys, deadline = b"", job["keys"], time.time() + 60
while time.time() < deadline:
    if select.select([fd], [], [], 0.05)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        screen += piece
    if keys and keys[0]["appears"].encode() in screen:
        os.write(fd, keys.pop(0)["press"].encode())
else:
    os.kill(pid, 9)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({"code": code, "screen": screen.decode("utf8", "replace")}))
`;

export interface TerminalJob {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly keys: readonly Key[];
}

export function onTerminal(job: TerminalJob): OnTerminal {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", DRIVER, JSON.stringify(job)], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as OnTerminal;
}
