/** Room for what is needed only for a moment, kept from one time to the next: new memory must be cleared by the kernel each time. */

const LIMIT = 4 * 1024 * 1024;

/** A function that gives at least `bytes` of room, with anything in it, valid until its next call. Much room is not kept. */
export function makeScratch(): (bytes: number) => Buffer {
  let kept = Buffer.alloc(0);
  return (bytes) => {
    if (bytes > LIMIT) return Buffer.allocUnsafe(bytes);
    if (kept.length < bytes) kept = Buffer.allocUnsafeSlow(Math.min(2 * bytes, LIMIT));
    return kept;
  };
}
