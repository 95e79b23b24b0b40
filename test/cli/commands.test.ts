/** What the commands print, under a fixed clock: the same in every run and on every machine. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import process from "node:process";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();
/** What is committed here belongs to root; files on disk belong to whoever runs this. */
const ALL_OWNED =
  process.geteuid!() === 0
    ? ""
    : ["", "bin/", "bin/motd", "bin/tool", "etc/", "etc/hostname", "etc/motd"].map((name) => `M    /${name}`).join("\n");
const DAY = 86_400;
let first: string;
let second: string;

const FIRST = "4c1da2a7845bc7c9e0494e634b21e865e7980a3cef98125e27dcd1465d145dd1";
const SECOND = "6279fc194909158f0becb00227edcf4530b47622feee593396b9a29818b5d00a";
const LOG = `commit 6279fc194909158f0becb00227edcf4530b47622feee593396b9a29818b5d00a  (main)
Parent:  4c1da2a7845bc7c9e0494e634b21e865e7980a3cef98125e27dcd1465d145dd1
ContentChecksum:  1b012c080d500cef93d91fc5f080714574538c88a9ac424299a646c695a0a0da
Date:  1970-01-12 00:00:00 +0000

    Second

commit 4c1da2a7845bc7c9e0494e634b21e865e7980a3cef98125e27dcd1465d145dd1
ContentChecksum:  67eba9d12b425d15b5b573754781a018ba66996c79c65112f409e8c00a28d1a1
Date:  1970-01-11 00:00:00 +0000

    First

    with a body
`;
const ONELINE = `6279fc1949  1970-01-12 00:00  Second  (main)
4c1da2a784  1970-01-11 00:00  First`;
const SHOW = `commit 6279fc194909158f0becb00227edcf4530b47622feee593396b9a29818b5d00a  (main)
Parent:  4c1da2a7845bc7c9e0494e634b21e865e7980a3cef98125e27dcd1465d145dd1
ContentChecksum:  1b012c080d500cef93d91fc5f080714574538c88a9ac424299a646c695a0a0da
Date:  1970-01-12 00:00:00 +0000

    Second

Root:  eea4b2e10e5ac81c81dbe423dd0832a82a0ffd10582eca635a0772f9180f5c77 446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488
Metadata:  colour = 'green'`;
const LS_ALL = `d00755 0 0      0 eea4b2e10e5ac81c81dbe423dd0832a82a0ffd10582eca635a0772f9180f5c77 446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488 { @a(ayay) [] } /
d00755 0 0      0 73621f5d77a4d5bf6b71c2c37f3dcff0c8e3f76d9b1c3da16d13c3b2c9fb067d 446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488 { @a(ayay) [] } /bin
l00777 0 0      0 32bfd1f19f7838828f9dab9de625d7b5a40bdc1b6bd62f06031d8fb02a388e6c { @a(ayay) [] } /bin/motd -> ../etc/motd
-00755 0 0     10 60599fdf7cf9cb8925354cd74476b5ded7850eca9b6a120998125a578b6a4d4c { @a(ayay) [] } /bin/tool
d00755 0 0      0 4e6f27ce243fae23651cf394aeba99aa8bc04c60c675e03fa41317a098deb428 446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488 { @a(ayay) [] } /etc
-00644 0 0      6 77dd1351b87197acdc0be36640f85570657ff610349bebc0796c85f3b8d71203 { @a(ayay) [] } /etc/hostname
-00644 0 0      6 44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b { @a(ayay) [] } /etc/motd`;

before(() => {
  bench.write("tree/etc/hostname", "alder\n");
  bench.write("tree/etc/motd", "hello\n");
  bench.write("tree/bin/tool", "#!/bin/sh\n");
  symlinkSync("../etc/motd", bench.at("tree/bin/motd"));
  chmodSync(bench.at("tree/bin/tool"), 0o755);
  for (const name of ["tree", "tree/etc", "tree/bin"]) chmodSync(bench.at(name), 0o755);
  for (const name of ["tree/etc/hostname", "tree/etc/motd"]) chmodSync(bench.at(name), 0o644);
  bench.ok("init", "--mode=bare-user");
  first = commit("-m", "First\n\nwith a body", `--timestamp=@${10 * DAY}`);
  bench.write("tree/etc/hostname", "birch\n");
  second = commit("-s", "Second", `--timestamp=@${11 * DAY}`, "--add-metadata-string=colour=green");
});

test("commit prints the checksum last, which follows from what is committed alone", () => {
  assert.equal(first, FIRST);
  assert.equal(second, SECOND);
});

test("log prints what ostree prints, and the names beside", () => {
  assert.equal(bench.ok("log"), LOG);
  assert.equal(bench.ok("log", "--oneline"), ONELINE);
  assert.equal(bench.ok("log", "-n", "1", "--oneline"), ONELINE.split("\n")[0]);
  assert.equal(bench.ok("log", "main^", "--oneline"), ONELINE.split("\n")[1]);
  assert.equal(bench.ok("log", "-n0"), "");
});

test("log of paths, and beside a graph", () => {
  assert.equal(bench.ok("log", "--oneline", "--", "/etc/motd"), ONELINE.split("\n")[1]);
  assert.equal(bench.ok("log", "--oneline", "main", "--", "etc", "nowhere"), ONELINE);
  assert.equal(bench.ok("log", "--", "/nowhere"), "");
  assert.equal(bench.ok("log", "--oneline", "--graph"), ONELINE.replaceAll(/^/gm, "* "));
  assert.equal(
    bench.ok("log", "--graph").split("\n").slice(0, 2).join("\n"),
    LOG.split("\n").slice(0, 2).join("\n| ").replace(/^/, "* "),
  );
  assert.equal((JSON.parse(bench.ok("log", "--json", "--graph", "--", "etc/motd")) as { commit: string }).commit, first);
});

test("show --stat and its like add what changed against the parent", () => {
  assert.equal(bench.ok("show", "--name-status"), `${SHOW}\n\nM\tetc/hostname`);
  assert.equal(bench.ok("show", "--stat").replace(`${SHOW}\n\n`, ""), bench.ok("diff", "--stat", "main^", "main"));
  assert.equal(bench.ok("show", "--json", "--name-only").split("\n").length, 2);
  assert.match(bench.regrow("show", "--patch", "main^").err, /first of its line/);
  assert.equal(bench.regrow("show", "--stat", "--patch").code, 2);
});

test("show adds the root and the metadata", () => {
  assert.equal(bench.ok("show"), SHOW);
  assert.equal(bench.ok("show", second.slice(0, 8)), SHOW);
});

test("ls", () => {
  assert.equal(bench.ok("ls", "main"), "d00755 0 0      0 /\nd00755 0 0      0 /bin\nd00755 0 0      0 /etc");
  assert.equal(bench.ok("ls", "-d", "main", "/etc"), "d00755 0 0      0 /etc");
  assert.equal(
    bench.ok("ls", "main", "/etc/motd", "bin/motd"),
    "-00644 0 0      6 /etc/motd\nl00777 0 0      0 /bin/motd -> ../etc/motd",
  );
  assert.equal(bench.ok("ls", "-R", "-C", "-X", "main"), LS_ALL);
  assert.equal(bench.ok("ls", "-R", "--nul-filenames-only", "main", "/etc"), "/etc\0/etc/hostname\0/etc/motd\0");
});

test("cat follows links inside the commit", () => {
  assert.equal(bench.ok("cat", "main^", "/etc/hostname", "/bin/motd"), "alder\nhello");
  assert.equal(bench.ok("cat", "main", "etc/hostname"), "birch");
});

test("diff", () => {
  assert.equal(bench.ok("diff"), "M    /etc/hostname");
  assert.equal(bench.ok("diff", "-v", "main^", "main"), "M    /etc/hostname  (content)");
  assert.equal(bench.ok("diff", "main", "./tree"), ALL_OWNED);
});

test("refs and tags", () => {
  assert.equal(bench.ok("tag", "v1", "main^"), `v1 ${first}`);
  assert.equal(bench.ok("tag"), "v1");
  assert.deepEqual([bench.ok("tag", "-l", "v*"), bench.ok("tag", "--list", "w?"), bench.ok("tag", "-l")], ["v1", "", "v1"]);
  assert.equal(bench.regrow("tag", "-l", "-d", "v1").code, 2);
  assert.equal(bench.ok("show", "--json", "v1"), bench.ok("show", "--json", first));
  bench.ok("refs", "--create=side/line", "main");
  assert.equal(bench.ok("refs"), "main\nside/line\ntag/v1");
  assert.equal(bench.ok("refs", "-v", "side"), `side/line ${second}`);
  bench.ok("refs", "--delete", "--yes", "side");
  assert.equal(bench.regrow("tag", "v1", "main").code, 14);
  bench.ok("tag", "v1", "-f");
  assert.equal(bench.ok("tag", "-v"), `v1 ${second}`);
  bench.ok("tag", "-d", "v1");
  assert.equal(bench.ok("refs"), "main");
});

test("a dry run changes nothing", () => {
  bench.ok("-n", "tag", "v2");
  bench.ok("refs", "-n", "--delete", "main");
  assert.equal(bench.ok("refs"), "main");
  assert.deepEqual(bench.regrow("commit", "--dry-run", "-b", "main", "tree").code, 2);
});

test("checkout gives back what was committed", () => {
  bench.ok("checkout", "main^", "out");
  assert.equal(bench.ok("diff", "main^", "./out"), ALL_OWNED);
  assert.equal(readFileSync(bench.at("out/bin/motd"), "utf8"), "hello\n");
  bench.ok("checkout", "--subpath=/etc", "main", "etc-only");
  assert.deepEqual(readdirSync(bench.at("etc-only")), ["hostname", "motd"]);
});

test("commit combines trees in the order in which they are named", () => {
  bench.write("upper/etc/motd", "above\n");
  bench.ok("commit", "-q", "-b", "both", "--tree=ref=main", "--tree=dir=upper");
  assert.equal(bench.ok("cat", "both", "/etc/motd", "/etc/hostname"), "above\nbirch");
  bench.ok("commit", "-q", "-b", "both", "upper", "--tree=ref=main", "--parent=none");
  assert.equal(bench.ok("cat", "both", "/etc/motd"), "hello");
  assert.equal(bench.ok("log", "--oneline", "both").split("\n").length, 1);
  bench.ok("refs", "--delete", "-y", "both");
});

test("commit --skip-if-unchanged gives back the commit that is there", () => {
  const before = bench.ok("log", "--oneline").split("\n").length;
  assert.equal(commit("--skip-if-unchanged"), second);
  assert.equal(bench.ok("log", "--oneline").split("\n").length, before);
});

function commit(...args: readonly string[]): string {
  const printed = bench.ok(
    "commit",
    "-b",
    "main",
    "--owner-uid=0",
    "--owner-gid=0",
    "--no-xattrs",
    "--no-sidecar",
    ...args,
    "tree",
  );
  return printed.split("\n").at(-1)!;
}
