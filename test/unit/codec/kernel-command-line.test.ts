import assert from "node:assert/strict";
import test from "node:test";
import {
  joinCommandLine,
  parameterName,
  parameterValue,
  splitCommandLine,
  withoutParameters,
} from "../../../src/codec/kernel-command-line.ts";

test("parameters are split at spaces outside of quotes and joined again", () => {
  const table: readonly [string, readonly string[]][] = [
    ["", []],
    ["  quiet\t ro \n", ["quiet", "ro"]],
    ["root=UUID=1-2 rootflags=subvol=@,ro", ["root=UUID=1-2", "rootflags=subvol=@,ro"]],
    ['dyndbg="file a.c +p; b" x', ['dyndbg="file a.c +p; b"', "x"]],
    ['"a=b c" d', ['"a=b c"', "d"]],
  ];
  for (const [text, parameters] of table) {
    assert.deepEqual(splitCommandLine(text), parameters, text);
    assert.deepEqual(splitCommandLine(joinCommandLine(parameters)), parameters, text);
  }
  assert.throws(() => splitCommandLine('a="b'), { code: "corrupt" });
});

test("what would become another parameter is refused", () => {
  for (const parameter of ["", "a b", "a\nb", "a\0", " a"]) {
    assert.throws(() => joinCommandLine([parameter]), { code: "usage" }, JSON.stringify(parameter));
  }
});

test("the last parameter of a name counts", () => {
  const parameters = splitCommandLine("console=tty0 quiet console=ttyS0,115200 root=UUID=1-2");
  assert.equal(parameterName("root=UUID=1-2"), "root");
  assert.equal(parameterValue(parameters, "console"), "ttyS0,115200");
  assert.equal(parameterValue(parameters, "root"), "UUID=1-2");
  assert.equal(parameterValue(parameters, "quiet"), undefined);
  assert.equal(parameterValue(parameters, "none"), undefined);
  assert.deepEqual(withoutParameters(parameters, "console", "root"), ["quiet"]);
});
