import assert from "node:assert/strict";
import test from "node:test";
import { parseGrubConfig, readsCustomConfig } from "../../../../src/codec/grub/config.ts";

const CONFIG = `
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
else
   set default="0"
fi
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1' {
	insmod ext2
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,msdos1  11-22
	else
	  search --no-floppy --fs-uuid --set=root 11-22
	fi
	linux	/vmlinuz-6.1.0 root=UUID=33-44 ro rootflags=subvol=@rootfs  quiet
	initrd	/initrd.img-6.1.0
}
submenu 'Advanced options' $menuentry_id_option 'advanced' {
	menuentry 'Recovery' --id=recovery { linux /vmlinuz-6.1.0 single
	}
}
if [ -f  \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
`;

test("a configuration as grub-mkconfig writes it", () => {
  const config = parseGrubConfig(CONFIG);
  assert.deepEqual(config.defaults, ["${next_entry}", "0"]);
  assert.equal(readsCustomConfig(config), true);
  assert.equal(readsCustomConfig(parseGrubConfig("configfile /other.cfg")), false);
  assert.deepEqual(
    config.entries.map(({ id, submenus, linux, searchUuid }) => [id, submenus, linux, searchUuid]),
    [
      ["gnulinux-simple-1", [], "/vmlinuz-6.1.0", "11-22"],
      ["recovery", ["advanced"], "/vmlinuz-6.1.0", undefined],
    ],
  );
  assert.deepEqual(config.entries[0]!.parameters, ["root=UUID=33-44", "ro", "rootflags=subvol=@rootfs", "quiet"]);
  assert.deepEqual(config.entries[0]!.initrds, ["/initrd.img-6.1.0"]);
});

test("an open quote is told", () => {
  assert.throws(() => parseGrubConfig("set a='b"), { code: "corrupt" });
});
