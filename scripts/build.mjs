/**
 * Builds dist/:
 *
 *   bin.js index.js worker.js chunk-*.js    for npm: ES modules, dependencies outside
 *   types/                                  their declarations
 *   regrow                                  one executable: Node, all code, the native module, assets/, libdeflate where it is installed
 *
 * `--single-file` builds only the last, `--no-single-file` all but it. With `--if-changed` the executable is left alone
 * where it was built from the same sources. `--out FOLDER` is another place than dist/.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const LIBDEFLATE = "libdeflate.so.0";
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const options = process.argv.slice(2);
const dist = options.includes("--out") ? path.resolve(options[options.indexOf("--out") + 1]) : path.join(root, "dist");

mkdirSync(dist, { recursive: true });
if (!options.includes("--single-file")) await buildPackage();
if (!options.includes("--no-single-file")) await buildSingleFileUnlessFresh();

async function buildPackage() {
  for (const name of readdirSync(dist)) if (name.endsWith(".js")) rmSync(path.join(dist, name));
  rmSync(path.join(dist, "types"), { recursive: true, force: true });
  await bundle({
    entryPoints: ["bin", "index", "worker"].map((name) => path.join(root, "src", `${name}.ts`)),
    outdir: dist,
    format: "esm",
    splitting: true,
    packages: "external",
  });
  const types = path.join(dist, "types");
  const project = path.join(root, "scripts", "tsconfig.types.json");
  execFileSync(bundledNode(), [fileIn("typescript", "bin/tsc"), "--project", project, "--outDir", types], { stdio: "inherit" });
}

async function buildSingleFileUnlessFresh() {
  const stamp = path.join(dist, "regrow.sources");
  const sources = hashOfSources();
  if (options.includes("--if-changed") && existsSync(path.join(dist, "regrow")) && existsSync(stamp)) {
    if (readFileSync(stamp, "utf8") === sources) return;
  }
  rmSync(stamp, { force: true });
  await buildSingleFile();
  writeFileSync(stamp, sources);
}

/** Written beside its place and renamed into it, so that nobody ever runs half of it. */
async function buildSingleFile() {
  const work = mkdtempSync(path.join(dist, ".build-"));
  try {
    const inWork = (name) => path.join(work, name);
    for (const name of ["bin", "worker"]) {
      await bundle({
        entryPoints: [path.join(root, "src", `${name}.ts`)],
        outfile: inWork(`${name}.cjs`),
        format: "cjs",
        define: { "import.meta.url": "__filename" },
      });
    }
    const koffi = `linux_${process.arch}/koffi.node`;
    const assets = { "worker.cjs": inWork("worker.cjs"), "koffi.node": fileIn(`@koromix/koffi-linux-${process.arch}`, koffi) };
    const libdeflate = findLibdeflate();
    if (libdeflate !== undefined) assets[LIBDEFLATE] = libdeflate;
    else
      console.error("build: no libdeflate here (Debian package libdeflate0): the executable packs and unpacks with zlib, slower");
    for (const file of filesBelow("assets")) assets[path.relative(root, file)] = file;
    writeFileSync(inWork("SHA256SUMS"), Object.entries(assets).map(checksumLine).join(""));
    const config = {
      main: inWork("bin.cjs"),
      output: inWork("blob"),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      // NODE_OPTIONS of whoever calls must not change what a tool for root does.
      execArgvExtension: "none",
      assets: { ...assets, SHA256SUMS: inWork("SHA256SUMS") },
    };
    writeFileSync(inWork("sea.json"), JSON.stringify(config));
    const node = bundledNode();
    // The code cache is good only for the very Node that made it.
    runQuietly(node, ["--experimental-sea-config", inWork("sea.json")]);
    copyFileSync(node, inWork("regrow"));
    chmodSync(inWork("regrow"), 0o755);
    strip(inWork("regrow"));
    const postject = fileIn("postject", "dist/cli.js");
    runQuietly(node, [postject, inWork("regrow"), "NODE_SEA_BLOB", inWork("blob"), "--sentinel-fuse", FUSE]);
    renameSync(inWork("regrow"), path.join(dist, "regrow"));
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function bundle(settings) {
  const { build } = await import("esbuild");
  await build({ bundle: true, platform: "node", target: "node24", logLevel: "warning", legalComments: "none", ...settings });
}

function checksumLine([name, file]) {
  return `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${name}\n`;
}

/** Symbols and debug information are a sixth of Node's size, and nothing needs them at run time. */
function strip(file) {
  try {
    execFileSync("strip", ["--strip-all", file]);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    console.error("build: strip is not installed (Debian package binutils): the executable is larger than need be");
  }
}

/** What the program says is shown only where it fails: it is then part of the error. */
function runQuietly(program, args) {
  execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });
}

function hashOfSources() {
  const hash = createHash("sha256");
  const sources = [...filesBelow("src"), ...filesBelow("assets")];
  sources.push(fileURLToPath(import.meta.url), path.join(root, "package-lock.json"));
  const libdeflate = findLibdeflate();
  if (libdeflate !== undefined) sources.push(libdeflate);
  for (const file of sources) {
    hash.update(`${path.relative(root, file)}\0`).update(createHash("sha256").update(readFileSync(file)).digest());
  }
  return `${hash.digest("hex")}\n`;
}

function filesBelow(folder) {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** Debian's copy, or that of a distribution that keeps libraries in lib64. */
function findLibdeflate() {
  const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch];
  const folders = [`/usr/lib/${machine}-linux-gnu`, "/usr/lib64"];
  return folders.map((folder) => path.join(folder, LIBDEFLATE)).find((file) => existsSync(file));
}

function bundledNode() {
  return fileIn(`node-linux-${process.arch}`, "bin/node");
}

function fileIn(name, file) {
  return path.join(path.dirname(require.resolve(`${name}/package.json`)), file);
}
