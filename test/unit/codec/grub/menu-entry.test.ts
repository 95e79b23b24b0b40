import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { parseGrubConfig } from "../../../../src/codec/grub/config.ts";
import { type GrubBootEntry, formatGrubDefault, formatGrubMenuEntry } from "../../../../src/codec/grub/menu-entry.ts";
import { requires } from "../../../support/requires.ts";

const ENTRY: GrubBootEntry = {
  id: "regrow-7",
  title: "regrow: it's the state of 'May 1' $x {",
  fsUuid: "0a1b-2c3d",
  linux: "/regrow/0123/vmlinuz",
  initrds: ["/regrow/4567/initrd", "/regrow/89ab/my initrd"],
  parameters: ["root=UUID=1-2", "rootflags=subvolid=270", "quiet", 'dyndbg="file a.c +p"', "x=$y;z"],
};

test("an entry is read back as it was written", () => {
  const config = parseGrubConfig(formatGrubDefault(ENTRY.id) + formatGrubMenuEntry(ENTRY));
  assert.deepEqual(config.defaults, ["regrow-7"]);
  assert.deepEqual(config.entries, [
    {
      title: ENTRY.title,
      id: ENTRY.id,
      submenus: [],
      searchUuid: ENTRY.fsUuid,
      linux: ENTRY.linux,
      initrds: ENTRY.initrds,
      // The kernel takes the quotes around all of it as it takes those around the value.
      parameters: ["root=UUID=1-2", "rootflags=subvolid=270", "quiet", '"dyndbg=file a.c +p"', "x=$y;z"],
      modules: [],
    },
  ]);
});

test("GRUB's own parser takes it", (t) => {
  if (!requires(t, { programs: ["grub-script-check"] })) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-grub-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const check = (text: string): number | null => {
    writeFileSync(join(folder, "custom.cfg"), text);
    return spawnSync("grub-script-check", [join(folder, "custom.cfg")]).status;
  };
  assert.equal(check(formatGrubDefault(ENTRY.id) + formatGrubMenuEntry(ENTRY)), 0);
  assert.notEqual(check(formatGrubMenuEntry(ENTRY).replace("}\n", "")), 0);
});

test("what GRUB would take otherwise is refused", () => {
  const refused = (change: Partial<GrubBootEntry>, code: string): void =>
    assert.throws(() => formatGrubMenuEntry({ ...ENTRY, ...change }), { code });
  refused({ id: "7" }, "usage");
  refused({ id: "a>b" }, "usage");
  refused({ title: "two\nlines" }, "usage");
  refused({ fsUuid: "a; halt" }, "usage");
  refused({ linux: "vmlinuz" }, "usage");
  refused({ parameters: ["a\\b"] }, "unsupported");
  refused({ parameters: ['a="b"'] }, "unsupported");
  refused({ parameters: ["a b"] }, "usage");
});
