/** Programs that the real grub-mkimage has made, and scripts as grub-install writes them. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { findEmbeddedSearch } from "../../../../src/codec/grub/embedded-search.ts";
import { run } from "../../../support/programs.ts";
import { requires } from "../../../support/requires.ts";

const ONE = "5e0b1a8e-77c4-4c8e-9d55-0d6f7a1e2b00";
const TWO = "ABCD-1234";

test("what the early configuration and a memdisk look for", (t) => {
  if (!requires(t, { programs: ["grub-mkimage", "tar"], files: ["/usr/lib/grub/x86_64-efi/btrfs.mod"] })) return;
  const folder = mkdtempSync(`${tmpdir()}/regrow-grub-`);
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/early.cfg`, `search.fs_uuid ${ONE} root hd0,gpt2\nset prefix=($root)'/@/boot/grub'\n`);
  writeFileSync(`${folder}/grub.cfg`, `search --no-floppy --fs-uuid --set=root ${TWO}\n`);
  run("tar", ["-C", folder, "-cf", `${folder}/memdisk.tar`, "grub.cfg"]);
  const make = (...args: readonly string[]): ReturnType<typeof findEmbeddedSearch> => {
    const output = `${folder}/grub.efi`;
    run("grub-mkimage", [
      "-O",
      "x86_64-efi",
      "-p",
      "/boot/grub",
      "-o",
      output,
      ...args,
      "normal",
      "search_fs_uuid",
      "memdisk",
      "tar",
    ]);
    return findEmbeddedSearch(readFileSync(output));
  };
  assert.deepEqual(make(), { isGrub: true, uuids: [], prefix: undefined });
  assert.deepEqual(make("-c", `${folder}/early.cfg`), { isGrub: true, uuids: [ONE], prefix: "/@/boot/grub" });
  assert.deepEqual(make("-m", `${folder}/memdisk.tar`).uuids, [TWO]);
});

test("the small grub.cfg of distributions", () => {
  const find = (text: string): ReturnType<typeof findEmbeddedSearch> => findEmbeddedSearch(Buffer.from(text));
  const fedora = `search --no-floppy --root-dev-only --fs-uuid --set=dev ${ONE}\nset prefix=($dev)/grub2\nexport $prefix\n`;
  assert.deepEqual(find(fedora), { isGrub: false, uuids: [ONE], prefix: "/grub2" });
  assert.deepEqual(find(`search --fs-uuid --set=root '${TWO}'\n`).uuids, [TWO]);
  assert.deepEqual(find(`search -u ${ONE} -s root\nsearch.fs_uuid ${ONE} root\n`).uuids, [ONE]);
  assert.deepEqual(find(`search --file --set=root /.disk/${ONE}\n`).uuids, []);
  assert.deepEqual(find(`search.fs_uuid ${ONE}0 root\n`).uuids, []);
});
