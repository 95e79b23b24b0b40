/** Installs a folder into an image in a process of its own, so that a test can cut it: `install-child.ts FOLDER IMAGE`. */
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { installImage } from "../../src/machine/install.ts";
import { folderSource } from "./folder-source.ts";
import { imageRequest, planImage } from "./install-fixture.ts";

const [folder, image] = process.argv.slice(2);
const source = folderSource(folder!);
try {
  await installImage(await planImage(imageRequest(image!, { wipe: true }), source), source, {});
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 3;
}
