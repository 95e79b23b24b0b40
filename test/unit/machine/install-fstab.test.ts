import assert from "node:assert/strict";
import test from "node:test";
import { SIMPLE } from "../../../src/disk/layout.ts";
import { planDisk } from "../../../src/disk/plan-disk.ts";
import { installFstab } from "../../../src/machine/install-fstab.ts";

const PLAN = planDisk(
  SIMPLE,
  { size: 2 * 2 ** 30, sectorSize: 512 },
  { disk: "d", partitions: { esp: { partition: "p1", fileSystem: "1234-ABCD" }, root: { partition: "p2", fileSystem: "u-2" } } },
);
const PLANNED = "UUID=u-2 / btrfs defaults,subvol=@rootfs 0 0\nUUID=1234-ABCD /boot/efi vfat umask=0077 0 2\n";

test("lines of the old disk go, what doesn't depend on it stays", () => {
  const old = `# by hand
UUID=old / ext4 errors=remount-ro 0 1
LABEL=EFI /boot/efi vfat defaults 0 2
/dev/sdb1 /data ext4 defaults 0 2
UUID=s none swap sw 0 0
tmpfs /tmp tmpfs size=1G 0 0
server:/export /srv nfs4 _netdev 0 0
/srv/a /srv/b none bind 0 0
`;
  const expected = `# by hand
# Not on this disk: /dev/sdb1 /data ext4 defaults 0 2
# Not on this disk: UUID=s none swap sw 0 0
tmpfs /tmp tmpfs size=1G 0 0
server:/export /srv nfs4 _netdev 0 0
/srv/a /srv/b none bind 0 0
${PLANNED}`;
  assert.equal(installFstab(old, PLAN), expected);
  assert.equal(installFstab(expected, PLAN), expected, "installing an installed system adds nothing");
  assert.equal(installFstab("", PLAN), PLANNED);
});
