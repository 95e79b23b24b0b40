/** The library's face: what other programs may import from regrow. */
export { type ErrorCode, type ErrorDetail, isErrno, RegrowError, SystemError } from "./base/errors.ts";
export type { NoticeEvent, Observer, ProgressEvent, RegrowEvent } from "./base/events.ts";
export { EXIT, type ExitCode } from "./base/exit-codes.ts";
export { VERSION } from "./base/version.ts";
