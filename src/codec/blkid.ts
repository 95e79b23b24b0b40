/** What `blkid -o export` prints: a block of lines for each device, `KEY=value`, with a backslash before what a shell would take for its own. */

/** How a file system, a swap or a partition can be named; a line of it in fstab names it by one of these. */
export interface DeviceName {
  /** Such as `/dev/sda2`. */
  readonly device: string;
  readonly uuid?: string;
  readonly label?: string;
  readonly partUuid?: string;
  readonly partLabel?: string;
  /** Such as `ext4`, `swap`, `LVM2_member`. */
  readonly type?: string;
}

const KEYS: Readonly<Record<string, Exclude<keyof DeviceName, "device">>> = {
  UUID: "uuid",
  LABEL: "label",
  PARTUUID: "partUuid",
  PARTLABEL: "partLabel",
  TYPE: "type",
};

/** In the order of the text. Blocks without a device are left out. */
export function parseBlkid(text: string): DeviceName[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const names: Record<string, string> = {};
    let device: string | undefined;
    for (const line of block.split("\n")) {
      const equals = line.indexOf("=");
      if (equals < 0) continue;
      const value = line.slice(equals + 1).replace(/\\(.)/g, "$1");
      const key = KEYS[line.slice(0, equals)];
      if (line.startsWith("DEVNAME=")) device = value;
      else if (key !== undefined) names[key] = value;
    }
    return device === undefined ? [] : [{ device, ...names }];
  });
}
