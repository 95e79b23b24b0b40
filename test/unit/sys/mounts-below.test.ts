/** Lines of /proc/self/mountinfo, as proc_pid_mountinfo(5) has them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../src/base/byte-string.ts";
import { parseMountInfo } from "../../../src/sys/mounts-below.ts";

test("mount points with blanks, tabs, line ends and backslashes", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    String.raw`40 36 0:33 / /a\040b\011c\012d\134e rw - tmpfs none rw`,
    "",
  ].join("\n");
  assert.deepEqual(parseMountInfo(bytesOf(text)), [
    { id: "36", point: "/mnt2" },
    { id: "40", point: "/a b\tc\nd\\e" },
  ]);
});
