/**
 * The lines beside a history. Each line of commits has a lane, two columns wide, in which it waits for its next commit: a merge opens one
 * to the right, and two lanes that wait for the same commit become one, the right one going over to the left.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";

export interface GraphRows {
  /** Beside the first line of the commit. */
  readonly head: string;
  /** Below it, until the lanes are where the next commit expects them. */
  readonly rows: readonly string[];
  /** Beside all further lines. */
  readonly padding: string;
}

/** A function that is called for each commit, children before their parents. */
export function createGraph(): (commit: Checksum, parents: readonly Checksum[]) => GraphRows {
  const lanes: Checksum[] = [];
  return (commit, parents) => {
    const at = lanes.includes(commit) ? lanes.indexOf(commit) : lanes.push(commit) - 1;
    const head = drawRow(lanes.length, (cells) => (cells[2 * at] = "*"));
    const rows = [...replaceLane(lanes, at, parents), ...joinLanes(lanes)];
    return { head, rows, padding: drawRow(lanes.length) };
  };
}

/** The lines of a commit's text with the graph beside them. */
export function besideGraph({ head, rows, padding }: GraphRows, text: readonly string[]): string[] {
  const count = Math.max(text.length, rows.length + 1);
  const sides = [head, ...rows];
  // A lane that is opened makes room beside the commit itself: an odd number of columns holds whole lanes.
  const width = Math.max(padding.length, ...sides.map((side) => side.length)) | 1;
  const line = (index: number): string => `${(sides[index] ?? padding).padEnd(width)} ${text[index] ?? ""}`.trimEnd();
  return Array.from({ length: count }, (_, index) => line(index));
}

function replaceLane(lanes: Checksum[], at: number, [first, second]: readonly Checksum[]): string[] {
  const before = lanes.length;
  if (first === undefined) {
    lanes.splice(at, 1);
    return at === before - 1 ? [] : [drawMoved(before, at)];
  }
  lanes[at] = first;
  if (second === undefined) return [];
  if (lanes[at + 1] === second) return [drawRow(before, (cells) => (cells[2 * at + 1] = "\\"))];
  lanes.splice(at + 1, 0, second);
  const opened = drawRow(at + 1, (cells) => {
    for (let lane = at; lane < before; lane++) cells[2 * lane + 1] = "\\";
  });
  return [opened];
}

function joinLanes(lanes: Checksum[]): string[] {
  const rows: string[] = [];
  for (;;) {
    const source = lanes.findIndex((commit, index) => lanes.indexOf(commit) < index);
    if (source < 0) return rows;
    const target = lanes.indexOf(lanes[source]!);
    const moved = drawMoved(lanes.length, source, (cells) => {
      cells[2 * source - 1] = "/";
      for (let column = 2 * target + 3; column < 2 * source - 1; column += 2) cells[column] = "_";
    });
    rows.push(moved);
    lanes.splice(source, 1);
    if (source - target > 1) rows.push(drawRow(lanes.length, (cells) => (cells[2 * target + 1] = "/")));
  }
}

/** All lanes behind one that ends go a place to the left. */
function drawMoved(count: number, ended: number, change: (cells: string[]) => unknown = () => undefined): string {
  return drawRow(ended, (cells) => {
    for (let lane = ended + 1; lane < count; lane++) cells[2 * lane - 1] = "/";
    change(cells);
  });
}

function drawRow(count: number, change: (cells: string[]) => unknown = () => undefined): string {
  const cells: string[] = [];
  for (let lane = 0; lane < count; lane++) cells[2 * lane] = "|";
  change(cells);
  return Array.from(cells, (cell) => cell ?? " ").join("");
}
