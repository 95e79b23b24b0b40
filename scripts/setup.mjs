/**
 * Brings what the tests need: the npm packages of package-lock.json and, as root on Debian and its kin, the missing Debian
 * packages of scripts/packages.mjs. Does nothing where all is there, and says what it does. REGROW_NO_INSTALL=1 keeps it
 * from installing Debian packages. Runs on any Node from 20 on, before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { PACKAGES } from "./packages.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Throws where the npm packages can't be had. Debian packages that can't be had are only told: their tests skip by name. */
export function setup() {
  installNpmPackages();
  installDebianPackages();
}

function installNpmPackages() {
  const modules = path.join(root, "node_modules");
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return say("node_modules is a link: left as it is");
  const reason = whyOutdated(modules);
  if (reason === undefined) return;
  say(`npm ci (${reason})`);
  // What npm warns of, engines of Node that packages would like, is met by the Node 24 that comes along.
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = spawnSync("npm", args, { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ci failed with exit code ${status}.`);
}

/** Compares package-lock.json with the note that npm keeps of what it installed. */
function whyOutdated(modules) {
  const note = path.join(modules, ".package-lock.json");
  if (!existsSync(note)) return "node_modules is missing";
  const installed = readLock(note);
  for (const [place, entry] of Object.entries(readLock(path.join(root, "package-lock.json")))) {
    if (place === "" || installed[place]?.version === entry.version) continue;
    if (installed[place] === undefined && !isForThisMachine(entry)) continue;
    return `${place} should be ${entry.version}, is ${installed[place]?.version ?? "missing"}`;
  }
  return undefined;
}

function readLock(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** Optional packages are installed for one platform each. */
function isForThisMachine({ optional, os, cpu, libc }) {
  if (!optional) return true;
  return (os ?? ["linux"]).includes("linux") && (cpu ?? [process.arch]).includes(process.arch) && !libc?.includes("musl");
}

function installDebianPackages() {
  if (process.geteuid?.() !== 0 || process.env.REGROW_NO_INSTALL || !existsSync("/usr/bin/apt-get")) return;
  const missing = missingPackages();
  if (missing.length === 0) return;
  say(`apt-get install ${missing.join(" ")}`);
  apt("update");
  const known = new Set(run("apt-cache", ["pkgnames"]).split("\n"));
  const unknown = missing.filter((name) => !known.has(name));
  if (unknown.length > 0) say(`not in this distribution: ${unknown.join(", ")}`);
  const wanted = missing.filter((name) => known.has(name));
  if (wanted.length > 0) apt("install", "--yes", "--no-install-recommends", ...wanted);
}

function missingPackages() {
  const listed = run("dpkg-query", ["--show", "--showformat=${Package} ${db:Status-Status}\\n"]);
  const installed = new Set(
    listed
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return Object.keys(PACKAGES).filter((name) => !installed.has(name));
}

function apt(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["--quiet=2", "--option=DPkg::Lock::Timeout=300", command, ...args];
  const { status, stderr } = spawnSync("apt-get", options, { env, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) say(`apt-get ${command} failed; tests that lack something are skipped by name:\n${stderr}`);
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return stdout;
}

function say(what) {
  console.log(`setup: ${what}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
