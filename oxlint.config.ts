/**
 * The arrows of the house, as errors: which folder under src may import which, and that only src/sys reaches the kernel
 * and programs. Also circles, forgotten promises, swallowed errors, long files. `npm run lint` runs it.
 */
import { defineConfig } from "oxlint";

/** What each folder under src may import besides itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  codec: ["base"],
  sys: ["codec", "base"],
  store: ["sys", "codec", "base"],
  remote: ["sys", "codec", "base"],
  volume: ["sys", "codec", "base"],
  disk: ["sys", "codec", "base"],
  boot: ["sys", "codec", "base"],
  reset: ["codec", "base"],
  recipe: ["codec", "base"],
  machine: ["store", "remote", "volume", "disk", "boot", "reset", "recipe", "sys", "codec", "base"],
  cli: ["machine", "store", "codec", "base"],
  web: ["machine", "store", "codec", "base"],
};

/** Folders that do no I/O at all: what they may use of Node computes and nothing else. */
const PURE = ["base", "codec", "reset", "recipe"];
const COMPUTES = ["assert", "buffer", "crypto", "path", "util", "zlib"];

/** Node's doors to files, programs, threads and native code; only src/sys opens them. */
const DOORS = ["fs", "fs/promises", "child_process", "cluster", "module", "sea", "worker_threads"];

interface Pattern {
  readonly regex?: string;
  readonly group?: readonly string[];
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

const folders = Object.keys(ARROWS);

function restrictionsOf(folder: string): Pattern[] {
  const allowed = [folder, ...ARROWS[folder]!];
  const patterns: Pattern[] = [];
  for (const other of folders.filter((name) => !allowed.includes(name))) {
    const message = `src/${folder} may import ${allowed.slice(1).join(", ") || "nothing"}; see the table in oxlint.config.ts.`;
    if (folder === "store" && other === "remote") patterns.push(...transportTypes(message));
    else patterns.push({ regex: `^\\.{1,2}/(.*/)?${other}/`, message });
  }
  patterns.push({ regex: "^\\.{1,2}/(.*/)?(index|bin|worker)\\.ts$", message: "An entry point is imported by nobody." });
  if (folder !== "cli") patterns.push({ regex: "^commander$", message: "The command line is src/cli's." });
  if (folder !== "sys") patterns.push(...doors());
  if (PURE.includes(folder)) {
    const group = ["node:*", "node:*/*", ...COMPUTES.map((name) => `!node:${name}`)];
    patterns.push({ group, message: `src/${folder} is pure: no I/O.` });
  }
  return patterns;
}

/** The one exception: the store takes a transport, and so may name its type. */
function transportTypes(message: string): Pattern[] {
  // The group comes last: what its exception lets pass is not held against any later pattern.
  return [
    { regex: "^\\.{1,2}/(.*/)?remote/transport\\.ts$", message: "Types only.", allowTypeImports: true },
    { group: ["**/remote/**", "!**/remote/transport.ts"], message },
  ];
}

function doors(): Pattern[] {
  return [
    { regex: `^(node:)?(${DOORS.join("|")})$`, message: "Only src/sys touches files, programs, threads and native code." },
    { regex: "^(koffi|@koromix/)", message: "System calls are declared in src/sys." },
  ];
}

function entryRules(file: string, forbidden: readonly string[]): object {
  const message = `${file} may not import it.`;
  const patterns = [...doors(), ...forbidden.map((folder) => ({ regex: `^\\./${folder}/`, message }))];
  return { files: [file], rules: { "no-restricted-imports": ["error", { patterns }] } };
}

// oxlint-disable-next-line import/no-default-export -- oxlint asks for it
export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc", "node"],
  categories: { correctness: "error" },
  options: { typeAware: true, reportUnusedDisableDirectives: "error" },
  ignorePatterns: ["dist", "node_modules"],
  rules: {
    eqeqeq: "error",
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "import/no-default-export": "error",
    "no-control-regex": "off",
    "no-empty": "error",
    "no-throw-literal": "error",
    "no-var": "error",
    "prefer-const": "error",
    "typescript/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": [
      "error",
      { allowForKnownSafeCalls: [{ from: "package", name: ["test", "describe", "it", "suite"], package: "node:test" }] },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/only-throw-error": "off",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "typescript/unbound-method": "off",
    "unicorn/no-useless-spread": "off",
    "unicorn/prefer-node-protocol": "error",
  },
  overrides: [
    { files: ["src/**/*.ts"], rules: { "max-lines": ["error", 300], "no-console": "error" } },
    ...folders.map((folder) => ({
      files: [`src/${folder}/**/*.ts`],
      rules: { "no-restricted-imports": ["error", { patterns: restrictionsOf(folder) }] },
    })),
    entryRules("src/index.ts", ["cli", "web"]),
    entryRules("src/worker.ts", ["cli", "web"]),
    entryRules("src/bin.ts", []),
  ] as never,
});
