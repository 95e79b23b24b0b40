/** Whether a device is there by the name that a file has for it. Pure. */
import type { DeviceName } from "../../codec/blkid.ts";
import type { DoctorFacts } from "./facts.ts";
import { valueOf } from "./looked.ts";

export type DeviceState = "there" | "missing" | "unknown";

const TAGS = { UUID: "uuid", LABEL: "label", PARTUUID: "partUuid", PARTLABEL: "partLabel" } as const;
type Key = (typeof TAGS)[keyof typeof TAGS];

/** `source`: as fstab and `root=` have it, `UUID=…`, `LABEL=…`, `/dev/disk/by-uuid/…`. Others are not looked for. */
export function deviceState(facts: Pick<DoctorFacts, "devices" | "root">, source: string): DeviceState {
  const tag = tagOf(source);
  if (tag === undefined) return "unknown";
  if (tag.key === "uuid" && tag.value.toLowerCase() === facts.root.uuid?.toLowerCase()) return "there";
  const devices = valueOf(facts.devices);
  if (devices === undefined) return "unknown";
  return find(devices, tag) === undefined ? "missing" : "there";
}

/** The device's path; what is a path already stays one. Undefined where it is not known. */
export function deviceOf(devices: readonly DeviceName[], source: string): string | undefined {
  const tag = tagOf(source);
  if (tag === undefined) return source.startsWith("/") ? source : undefined;
  return find(devices, tag)?.device;
}

function tagOf(source: string): { readonly key: Key; readonly value: string } | undefined {
  const assigned = /^(UUID|LABEL|PARTUUID|PARTLABEL)=["']?(.*?)["']?$/.exec(source);
  const linked = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/.exec(source);
  const [, name, value] = assigned ?? linked ?? [];
  return name === undefined ? undefined : { key: TAGS[name.toUpperCase() as keyof typeof TAGS], value: value! };
}

function find(
  devices: readonly DeviceName[],
  { key, value }: { readonly key: Key; readonly value: string },
): DeviceName | undefined {
  // Ids are written in capitals or not; labels are what they are.
  const plain = (text: string | undefined): string | undefined => (key.endsWith("abel") ? text : text?.toLowerCase());
  return devices.find((device) => plain(device[key]) === plain(value));
}
