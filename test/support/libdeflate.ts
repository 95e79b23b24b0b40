/** The machine's libdeflate, which a test may need to be there. Debian's path: the tests install Debian's package. */
import process from "node:process";

export const LIBDEFLATE = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/libdeflate.so.0`;
