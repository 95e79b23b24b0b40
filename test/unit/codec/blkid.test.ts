import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlkid } from "../../../src/codec/blkid.ts";

test("devices with their names, with what a shell would take away", () => {
  const text = String.raw`DEVNAME=/dev/sda1
LABEL=My\ Disk\$1
UUID=ABCD-1234
TYPE=vfat
PARTUUID=0f-01

DEVNAME=/dev/sda2
PARTLABEL=a\=b
UUID_SUB=x

UUID=without a device
`;
  assert.deepEqual(parseBlkid(text), [
    { device: "/dev/sda1", label: "My Disk$1", uuid: "ABCD-1234", type: "vfat", partUuid: "0f-01" },
    { device: "/dev/sda2", partLabel: "a=b" },
  ]);
  assert.deepEqual(parseBlkid(""), []);
});
