/**
 * Whether guests can use KVM. `/dev/kvm` alone proves nothing: on some machines a guest stops in its firmware. So a guest without a
 * disk is started, and KVM is chosen only if its firmware gets as far as looking for one. The answer holds until the machine restarts.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { startProgram } from "../../src/sys/run-program.ts";
import { cacheFolder } from "./debian-tree.ts";

export const FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd";

const PROBE_MILLISECONDS = 15_000;
const FIRMWARE_LOOKS_FOR_DISK = "BdsDxe";
const ARGUMENTS = { kvm: ["-accel", "kvm", "-cpu", "host"], tcg: ["-accel", "tcg,thread=multi", "-cpu", "max"] } as const;

type Acceleration = keyof typeof ARGUMENTS;

/** QEMU's arguments. REGROW_TEST_ACCEL=kvm or =tcg decides without a probe. */
export async function accelerationArguments(): Promise<readonly string[]> {
  const wanted = process.env["REGROW_TEST_ACCEL"];
  return ARGUMENTS[wanted === "kvm" || wanted === "tcg" ? wanted : await probed()];
}

async function probed(): Promise<Acceleration> {
  if (!existsSync("/dev/kvm")) return "tcg";
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const answer = join(cacheFolder(), `acceleration-${bootId}`);
  if (!existsSync(answer)) writeFileSync(answer, (await firmwareStartsWithKvm()) ? "kvm" : "tcg");
  return readFileSync(answer, "utf8") === "kvm" ? "kvm" : "tcg";
}

async function firmwareStartsWithKvm(): Promise<boolean> {
  const qemu = startProgram({
    program: "qemu-system-x86_64",
    args: [
      ...["-nodefaults", "-display", "none", "-serial", "stdio", "-m", "256", "-net", "none"],
      ...["-drive", `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`],
      ...ARGUMENTS.kvm,
    ],
    effect: "read",
  });
  const timer = setTimeout(() => qemu.kill(), PROBE_MILLISECONDS);
  let output = "";
  let starts = false;
  for await (const piece of qemu.stdout) {
    output += String(piece);
    starts = output.includes(FIRMWARE_LOOKS_FOR_DISK);
    if (starts) break;
  }
  clearTimeout(timer);
  qemu.kill();
  await qemu.finished.catch(() => {});
  return starts;
}
