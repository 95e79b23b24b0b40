/** The engine that switches roots: its files, its place in every initramfs, the unit that mounts regrow's folder. */
import type { DoctorFacts, EngineFacts } from "../facts.ts";
import { type Said, counted, ok, orOk, problem, unseen, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";

const SETUP = "`regrow setup`";

export function checkEngine(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.engine, (engine) => {
    const found = [...fileFindings(engine), ...imageFindings(engine)];
    const isFine = found.every(({ severity }) => severity === "unseen");
    const count = engine.images.filter(({ engine: state }) => state === "current").length;
    return isFine ? [ok(`The engine is in place, and in ${counted(count, "initramfs image")}.`), ...found] : found;
  });
}

export function checkMountUnit(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.engine, ({ mountUnit, mountUnitIsEnabled, isMounted }) => {
    const unit = String.raw`/etc/systemd/system/\x2eregrow.mount`;
    if (mountUnit === "absent") return [warning(`${unit}: is missing, so /.regrow is not mounted at a start.`, SETUP)];
    if (mountUnit === "other") return [warning(`${unit}: is not the one for this file system.`, SETUP)];
    if (!mountUnitIsEnabled) return [warning(`${unit}: is not enabled, so /.regrow is not mounted at a start.`, SETUP)];
    const cure = String.raw`\`systemctl daemon-reload && systemctl start '\x2eregrow.mount'\``.replaceAll("\\`", "`");
    return orOk(isMounted === false ? [warning("/.regrow: is not mounted now.", cure)] : [], `${unit}: is in place.`);
  });
}

function fileFindings({ files, hasSystemd }: EngineFacts): Said[] {
  const found: Said[] = [];
  const absent = files.filter(({ state }) => state === "absent");
  const other = files.filter(({ state }) => state === "other");
  if (absent.length > 0) {
    const text = absent.length === files.length ? "the engine is not installed" : "this file of the engine is missing";
    found.push(problem(`${absent[0]!.path}: ${text}; no switch happens outside of --sysroot.`, SETUP));
  }
  if (other.length > 0)
    found.push(
      warning(`${other[0]!.path}: is another version's, as ${other.length} of ${files.length} files of the engine are.`, SETUP),
    );
  if (!hasSystemd) {
    const message = "There is no systemd: a switch can't happen at the end of a shutdown, only in the initramfs.";
    found.push(warning(message, "Nothing has to be done, where the engine is in the initramfs."));
  }
  return found;
}

function imageFindings({ images, remake }: EngineFacts): Said[] {
  if (remake === undefined) {
    const message = "There is no initramfs-tools, dracut or mkinitcpio: a switch happens at the end of a shutdown only.";
    return [warning(message, "Install the one that your distribution uses, then `regrow setup`.")];
  }
  return images.flatMap(({ path, engine }) => {
    const cure = `\`${remake}\`, or ${SETUP}`;
    if (engine === "absent")
      return [problem(`${path}: the engine is not in this initramfs: a switch that the shutdown missed never happens.`, cure)];
    if (engine === "other") return [warning(`${path}: another version of the engine is in this initramfs.`, cure)];
    return engine === "unreadable"
      ? [unseen(`${path}: can't be unpacked here, so nobody knows whether the engine is in it.`)]
      : [];
  });
}
