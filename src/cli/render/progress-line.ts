/** One line that says how far an operation is: what it does, a bar where the total is known, counts, bytes, speed. */
import { formatCount, formatDuration, formatSize } from "../../base/units.ts";

export interface ProgressSample {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  readonly totalBytes: number;
  /** Since the phase began. */
  readonly seconds: number;
}

const BAR_WIDTH = 20;

/** Cut to `columns` where that is given. */
export function progressLine(sample: ProgressSample, columns?: number): string {
  const share = shareOf(sample);
  const pieces = [
    sample.phase,
    share === undefined ? "" : `[${bar(share)}] ${Math.floor(share * 100)} %`,
    countText(sample),
    sizeText(sample),
    speedText(sample),
    remainingText(sample, share),
  ];
  const line = pieces.filter((piece) => piece !== "").join("  ");
  return columns === undefined ? line : line.slice(0, Math.max(0, columns - 1));
}

/** Bytes tell more than items, where both are known. */
function shareOf({ done, total, bytes, totalBytes }: ProgressSample): number | undefined {
  if (totalBytes > 0) return Math.min(1, bytes / totalBytes);
  return total > 0 ? Math.min(1, done / total) : undefined;
}

function bar(share: number): string {
  const full = Math.floor(share * BAR_WIDTH);
  return "#".repeat(full) + "-".repeat(BAR_WIDTH - full);
}

function countText({ done, total }: ProgressSample): string {
  if (total > 0) return `${formatCount(done)} of ${formatCount(total)}`;
  return done > 0 ? formatCount(done) : "";
}

function sizeText({ bytes, totalBytes }: ProgressSample): string {
  if (totalBytes > 0) return `${formatSize(bytes)} of ${formatSize(totalBytes)}`;
  return bytes > 0 ? formatSize(bytes) : "";
}

function speedText({ bytes, seconds }: ProgressSample): string {
  return bytes > 0 && seconds >= 1 ? `${formatSize(bytes / seconds)}/s` : "";
}

function remainingText({ seconds }: ProgressSample, share: number | undefined): string {
  if (share === undefined || share < 0.02 || seconds < 3) return "";
  return `${formatDuration(((1 - share) / share) * seconds * 1000)} left`;
}
