/** Times in PAX headers: seconds as a decimal number of any length, rounded down to nanoseconds. */
import type { TarTime } from "./entry.ts";

const LONGEST_NUMBER = 64;
const LARGEST_EXPONENT = 30;

/** Undefined where the text is no time, or beyond 2^53 seconds. */
export function parsePaxTime(text: string): TarTime | undefined {
  // Python writes small and large numbers with an exponent.
  const match = text.length > LONGEST_NUMBER ? null : /^([-+]?)(\d+)(?:\.(\d*))?(?:e([-+]?\d{1,3}))?$/i.exec(text);
  if (!match) return undefined;
  const exponent = Number(match[4] ?? 0);
  if (Math.abs(exponent) > LARGEST_EXPONENT) return undefined;
  const [whole, fraction] = shiftPoint(match[2]!, match[3] ?? "", exponent);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  const isExact = /^0*$/.test(fraction.slice(9));
  const time =
    match[1] === "-" ? negate(Number(whole), nanoseconds + (isExact ? 0 : 1)) : { seconds: Number(whole), nanoseconds };
  return Number.isSafeInteger(time.seconds) ? time : undefined;
}

/** The shortest text that means exactly this time. */
export function formatPaxTime({ seconds, nanoseconds }: TarTime): string {
  if (nanoseconds === 0) return String(seconds);
  const isNegative = seconds < 0;
  const whole = isNegative ? -(seconds + 1) : seconds;
  const fraction = String(isNegative ? 1e9 - nanoseconds : nanoseconds).padStart(9, "0");
  return `${isNegative ? "-" : ""}${whole}.${fraction.replace(/0+$/, "")}`;
}

function shiftPoint(whole: string, fraction: string, exponent: number): [string, string] {
  if (exponent >= 0) {
    const digits = fraction.padEnd(exponent, "0");
    return [whole + digits.slice(0, exponent), digits.slice(exponent)];
  }
  const digits = whole.padStart(1 - exponent, "0");
  return [digits.slice(0, exponent), digits.slice(exponent) + fraction];
}

function negate(seconds: number, nanoseconds: number): TarTime {
  if (nanoseconds === 0) return { seconds: seconds === 0 ? 0 : -seconds, nanoseconds: 0 };
  return { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}
