/** The order of versions is that of the package managers themselves, which are asked about generated pairs. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { PackageManager } from "../../src/codec/packages/manifest.ts";
import { compareVersions } from "../../src/codec/packages/package-changes.ts";
import { runText } from "../support/programs.ts";
import { seed, times } from "../support/property.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

type Pair = readonly [string, string];

/** dpkg is started for each question, rpm and libalpm answer many at once. */
const FEW = 200;
const MANY = 2000;
/** What fits into one argument of a program. */
const AT_ONCE = 1000;

test("dpkg", (t) => {
  if (!requires(t, { programs: ["dpkg"] })) return;
  const ask = `while read -r a b; do
    if dpkg --compare-versions "$a" lt "$b"; then echo -1
    elif dpkg --compare-versions "$a" gt "$b"; then echo 1
    else echo 0; fi
  done`;
  judge(t, "dpkg", pairs(versions([".", "+", "~", "-"]), FEW), (lines) => runText("sh", ["-c", ask], { input: lines }));
});

test("rpm", (t) => {
  if (!requires(t, { programs: ["rpm"] })) return;
  judge(t, "rpm", pairs(versions([".", "_", "+", "~", "^"]), MANY), (lines) => {
    const asked = lines.trimEnd().split("\n");
    const parts = Array.from({ length: Math.ceil(asked.length / AT_ONCE) }, (_, part) =>
      asked.slice(part * AT_ONCE, (part + 1) * AT_ONCE),
    );
    return parts.map(askRpm).join("\n");
  });
});

test("pacman", (t) => {
  if (!requires(t, { programs: ["pacman", "python3"] })) return;
  const ask = `
import ctypes, glob, sys
alpm = ctypes.CDLL(glob.glob("/usr/lib/*/libalpm.so.*")[0])
for line in sys.stdin:
    a, b = line.split()
    print(alpm.alpm_pkg_vercmp(a.encode(), b.encode()))`;
  judge(t, "pacman", pairs(versions([".", "_", "+", "~"]), MANY), (lines) => runText("python3", ["-c", ask], { input: lines }));
});

function askRpm(lines: readonly string[]): string {
  const calls = lines.map((line) => `add("${line.replace(" ", '", "')}")`);
  const script = [
    "local t = {}",
    "local add = function(a, b) t[#t + 1] = rpm.vercmp(a, b) end",
    ...calls,
    'print(table.concat(t, " "))',
  ];
  return runText("rpm", ["--eval", `%{lua:${script.join("\n")}}`]);
}

function judge(t: TestContext, manager: PackageManager, list: readonly Pair[], ask: (lines: string) => string): void {
  const answers = ask(list.map((pair) => `${pair.join(" ")}\n`).join(""))
    .split(/\s/)
    .map(Number);
  assert.equal(answers.length, list.length);
  const counts = new Map<number, number>();
  for (const [index, [a, b]] of list.entries()) {
    const wanted = Math.sign(answers[index]!);
    assert.equal(Math.sign(compareVersions(manager, a, b)), wanted, `${a} and ${b}, seed ${seed}`);
    assert.equal(Math.sign(compareVersions(manager, b, a)), wanted === 0 ? 0 : -wanted, `${b} and ${a}, seed ${seed}`);
    counts.set(wanted, (counts.get(wanted) ?? 0) + 1);
  }
  t.diagnostic(`seed ${seed} (FC_SEED): ${[...counts].map(([order, count]) => `${order}: ${count}`).join(", ")}`);
  assert.equal(counts.size, 3, "each answer was given");
  tally("generated values", "versions of packages", list.length);
}

/** Half of them differ in some characters only. */
function pairs(version: fc.Arbitrary<string>, count: number): Pair[] {
  const near = fc.tuple(version, fc.nat(), fc.constantFrom("", "0", "1", "a", ".", "~", ".0")).map(([text, at, piece]): Pair => {
    const place = 1 + (at % text.length);
    return [text, `${text.slice(0, place)}${piece}${text.slice(place + (at % 2))}`];
  });
  const isSound = (pair: Pair): boolean => pair.every((text) => /^(?:[0-9]+:)?[0-9][^:]*(?<!-)$/.test(text));
  return fc.sample(fc.oneof(near, fc.tuple(version, version)).filter(isSound), { seed, numRuns: times(count) });
}

function versions(signs: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.constantFrom("0", "1", "01", "2", "10", "a", "b", "rc", "Z"), fc.constantFrom(...signs));
  const part = fc.array(piece, { maxLength: 5 }).map((pieces) => `1${pieces.join("")}`);
  const release = fc.oneof(
    fc.constant(""),
    part.map((text) => `-${text}`),
  );
  return fc.tuple(fc.constantFrom("", "", "", "0:", "1:", "2:"), part, release).map((pieces) => pieces.join(""));
}
