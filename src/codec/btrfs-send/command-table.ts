/**
 * Which number a command has in a stream, since which version it exists, and which attributes it carries, in the order in which
 * Linux writes them. This table is all that the decoder and the encoder know of commands.
 */
import type { CommandKind, SendCommand, StreamVersion } from "./command.ts";

/** How an attribute's bytes are understood. `entry`: a path that is not the root. `time2`: a time that version 1 leaves out. */
export type ValueType =
  | "u8"
  | "u32"
  | "u64"
  | "uid"
  | "mode"
  | "device"
  | "uuid"
  | "time"
  | "name"
  | "path"
  | "entry"
  | "target"
  | "xattr"
  | "bytes"
  | "data";

export interface AttributeUse {
  readonly code: number;
  readonly field: string;
  readonly type: ValueType;
  /** It may be missing; with a version, it is there from that version on. */
  readonly optional?: true | StreamVersion;
}

export interface CommandUse {
  readonly kind: CommandKind;
  readonly code: number;
  readonly since: StreamVersion;
  readonly attributes: readonly AttributeUse[];
}

type FieldOf<K extends CommandKind> = Exclude<keyof Extract<SendCommand, { kind: K }>, "kind">;
type Row<K extends CommandKind> = readonly [
  code: number,
  since: StreamVersion,
  attributes: readonly (readonly [code: number, field: FieldOf<K>, type: ValueType, optional?: true | StreamVersion])[],
];

/** The attribute that has no length from version 2 on: it is the rest of its command. */
export const DATA_ATTRIBUTE = 19;
export const LAST_ATTRIBUTE = 35;

const CREATED = [
  [15, "path", "entry"],
  [3, "ino", "u64"],
] as const;
const NODE = [...CREATED, [8, "rdev", "device"], [5, "mode", "mode"]] as const;

const ROWS: { readonly [K in CommandKind]: Row<K> } = {
  subvol: [
    1,
    1,
    [
      [15, "path", "name"],
      [1, "uuid", "uuid"],
      [2, "ctransid", "u64"],
    ],
  ],
  snapshot: [
    2,
    1,
    [
      [15, "path", "name"],
      [1, "uuid", "uuid"],
      [2, "ctransid", "u64"],
      [20, "cloneUuid", "uuid"],
      [21, "cloneCtransid", "u64"],
    ],
  ],
  mkfile: [3, 1, CREATED],
  mkdir: [4, 1, CREATED],
  mknod: [5, 1, NODE],
  mkfifo: [6, 1, NODE],
  mksock: [7, 1, NODE],
  symlink: [8, 1, [...CREATED, [17, "target", "target"]]],
  rename: [
    9,
    1,
    [
      [15, "path", "entry"],
      [16, "to", "entry"],
    ],
  ],
  link: [
    10,
    1,
    [
      [15, "path", "entry"],
      [17, "existing", "entry"],
    ],
  ],
  unlink: [11, 1, [[15, "path", "entry"]]],
  rmdir: [12, 1, [[15, "path", "entry"]]],
  "set-xattr": [
    13,
    1,
    [
      [15, "path", "path"],
      [13, "name", "xattr"],
      [14, "value", "bytes"],
    ],
  ],
  "remove-xattr": [
    14,
    1,
    [
      [15, "path", "path"],
      [13, "name", "xattr"],
    ],
  ],
  write: [
    15,
    1,
    [
      [15, "path", "entry"],
      [18, "offset", "u64"],
      [19, "data", "data"],
    ],
  ],
  clone: [
    16,
    1,
    [
      [18, "offset", "u64"],
      [24, "length", "u64"],
      [15, "path", "entry"],
      [20, "cloneUuid", "uuid"],
      [21, "cloneCtransid", "u64"],
      [22, "clonePath", "entry"],
      [23, "cloneOffset", "u64"],
    ],
  ],
  truncate: [
    17,
    1,
    [
      [15, "path", "entry"],
      [4, "size", "u64"],
    ],
  ],
  chmod: [
    18,
    1,
    [
      [15, "path", "path"],
      [5, "mode", "mode"],
    ],
  ],
  chown: [
    19,
    1,
    [
      [15, "path", "path"],
      [6, "uid", "uid"],
      [7, "gid", "uid"],
    ],
  ],
  utimes: [
    20,
    1,
    [
      [15, "path", "path"],
      [11, "atime", "time"],
      [10, "mtime", "time"],
      [9, "ctime", "time"],
      [12, "otime", "time", 2],
    ],
  ],
  end: [21, 1, []],
  "update-extent": [
    22,
    1,
    [
      [15, "path", "entry"],
      [18, "offset", "u64"],
      [4, "size", "u64"],
    ],
  ],
  fallocate: [
    23,
    2,
    [
      [15, "path", "entry"],
      [25, "mode", "u32"],
      [18, "offset", "u64"],
      [4, "size", "u64"],
    ],
  ],
  fileattr: [
    24,
    2,
    [
      [15, "path", "path"],
      [26, "flags", "u64"],
    ],
  ],
  "encoded-write": [
    25,
    2,
    [
      [15, "path", "entry"],
      [18, "offset", "u64"],
      [27, "unencodedFileLength", "u64"],
      [28, "unencodedLength", "u64"],
      [29, "unencodedOffset", "u64"],
      [30, "compression", "u32", true],
      [31, "encryption", "u32", true],
      [19, "data", "data"],
    ],
  ],
  "enable-verity": [
    26,
    3,
    [
      [15, "path", "entry"],
      [32, "algorithm", "u8"],
      [33, "blockSize", "u32"],
      [34, "salt", "bytes"],
      [35, "signature", "bytes"],
    ],
  ],
};

export const COMMANDS: ReadonlyMap<CommandKind, CommandUse> = new Map(
  (Object.entries(ROWS) as [CommandKind, Row<CommandKind>][]).map(([kind, row]) => [kind, useOf(kind, row)]),
);

/** By their number; there is none at 0. */
export const COMMANDS_BY_CODE: readonly (CommandUse | undefined)[] = [undefined, ...COMMANDS.values()];

function useOf(kind: CommandKind, [code, since, attributes]: Row<CommandKind>): CommandUse {
  return {
    kind,
    code,
    since,
    attributes: attributes.map(([code, field, type, optional]) => ({
      code,
      field,
      type,
      ...(optional === undefined ? {} : { optional }),
    })),
  };
}
