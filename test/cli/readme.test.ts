/**
 * The session in the README is what the program really says: each command line of it is run again, and the output compared, but for
 * checksums and durations. `REGROW_UPDATE=1` writes the session anew.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";

const root = path.resolve(import.meta.dirname, "../..");
const readme = path.join(root, "README.md");

const isRoot = process.geteuid!() === 0;

const COMMANDS = [
  "export REGROW_REPO=repo",
  "regrow init",
  'regrow commit -b main -m "As installed" etc',
  "echo '192.0.2.7 web' >> etc/hosts; mv etc/motd etc/issue; rm etc/fstab",
  "regrow diff main ./etc",
  'regrow commit -b main -m "Web server, and a mistake" etc',
  "regrow log --oneline",
  "regrow checkout main^ etc-before",
  "cat etc-before/fstab",
  "regrow fsck",
];

test("the README's session is what the program says", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "regrow-readme-"));
  try {
    const session = runSession(folder);
    const text = readFileSync(readme, "utf8");
    const [before, rest] = text.split("<!-- session -->\n```\n");
    const [shown, after] = rest!.split("```\n<!-- end -->");
    if (process.env["REGROW_UPDATE"] === "1") {
      writeFileSync(readme, `${before}<!-- session -->\n\`\`\`\n${session}\`\`\`\n<!-- end -->${after}`);
      return;
    }
    assert.equal(steady(shown!), steady(session));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function runSession(folder: string): string {
  makeFolder(folder);
  const marked = COMMANDS.map((line) => `printf '$ %s\\n' ${quoted(line)}; { ${line}; } 2>&1`).join("\n");
  const { stdout, stderr } = spawnSync("sh", ["-c", marked], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PATH: `${folder}/bin:${process.env["PATH"]}`, REGROW_REPO: "", NO_COLOR: "1" },
  });
  assert.equal(stderr, "");
  return stdout;
}

function makeFolder(folder: string): void {
  mkdirSync(path.join(folder, "bin"));
  mkdirSync(path.join(folder, "etc"));
  writeFileSync(path.join(folder, "etc/hosts"), "127.0.0.1 localhost\n");
  writeFileSync(path.join(folder, "etc/motd"), "Welcome.\n");
  writeFileSync(path.join(folder, "etc/fstab"), "UUID=2a4c / btrfs defaults 0 0\n");
  const program = path.join(folder, "bin/regrow");
  writeFileSync(program, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(path.join(root, "src/bin.ts"))} "$@"\n`);
  chmodSync(program, 0o755);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function steady(text: string): string {
  return (
    text
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "DATE")
      .replace(/mode bare(-user)?/, "MODE")
      .replace(/\b[0-9a-f]{7,64}\b/g, "CHECKSUM")
      // Root's folders have the metadata of those that hold sidecars: one object less.
      .replace(/^\d+ objects \([\d.]+ kB\)/gm, (found) => (isRoot ? found : "OBJECTS"))
      .replace(/\b[\d.]+ (ms|s|min)\b/g, "TIME")
  );
}
