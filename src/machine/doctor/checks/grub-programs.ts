/** GRUB's programs on the ESP, and the small grub.cfg beside them: do they find the file system that they were made for? */
import { deviceState } from "../device-names.ts";
import type { DoctorFacts, GrubSearchFact } from "../facts.ts";
import { type Said, orOk, problem, skipped, unseen, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";
import { ESP_PLACES, awayOf, notMounted } from "./away.ts";
import { isMissing } from "./parameters.ts";

export function checkGrubPrograms(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.grub, ({ searches }) => {
    if (searches.length === 0) {
      const [away] = awayOf(facts, ESP_PLACES);
      if (away !== undefined) return [notMounted(away, "the boot loader")];
      return [skipped("There is no GRUB on the ESP that looks for a file system by its UUID.")];
    }
    if ("unseen" in facts.devices) return [unseen(facts.devices.unseen)];
    const files = searches.map(({ path }) => path).join(", ");
    return orOk(
      searches.flatMap((search) => findings(facts, search)),
      `${files}: each finds its file system.`,
    );
  });
}

function findings(facts: DoctorFacts, { path, uuids, config }: GrubSearchFact): Said[] {
  const missing = uuids.filter((uuid) => isMissing(facts, `UUID=${uuid}`));
  if (missing.length === uuids.length) {
    return [
      problem(
        `${path}: looks for the file system ${missing[0]}, which no device here has: it ends in GRUB's rescue shell.`,
        cureFor(path),
      ),
    ];
  }
  if (config?.state === "missing")
    return [problem(`${path}: goes on with ${config.path} there, which does not exist: it ends in GRUB's shell.`, cureFor(path))];
  const gone = missing.filter((uuid) => deviceState(facts, `UUID=${uuid}`) === "missing");
  return gone.map((uuid) => warning(`${path}: also looks for the file system ${uuid}, which no device here has.`, cureFor(path)));
}

function cureFor(path: string): string {
  if (/grub\.cfg$/i.test(path))
    return `Write the UUID that \`grub-probe --target=fs_uuid /boot\` tells into it, and mend its prefix; or run \`grub-install\`.`;
  const esp = /^(.*?)\/(?:EFI\/)?[^/]+\/[^/]+$/i.exec(path)?.[1] ?? "/boot/efi";
  const fallback = /\/BOOT\/BOOT\w+\.efi$/i.test(path) ? " --removable" : "";
  return `On the running machine, or in a chroot of it: \`grub-install --target=${targetOf(path)} --efi-directory=${esp}${fallback}\`, then \`grub-mkconfig -o /boot/grub/grub.cfg\`.`;
}

/** By the processor in the file's name. */
function targetOf(path: string): string {
  if (/aa64\.efi$/i.test(path)) return "arm64-efi";
  return /ia32\.efi$/i.test(path) ? "i386-efi" : "x86_64-efi";
}
