import assert from "node:assert/strict";
import test from "node:test";
import { kernelRelease } from "../../../src/codec/kernel-image.ts";
import { fakeKernel } from "../../support/fake-kernel.ts";

test("the release is the first word of what the image says of itself", () => {
  assert.equal(kernelRelease(fakeKernel("6.1.0-37-cloud-amd64")), "6.1.0-37-cloud-amd64");
  assert.equal(kernelRelease(fakeKernel("6.9.1-arch1-1_x+y~z")), "6.9.1-arch1-1_x+y~z");
});

test("what tells no release gives none", () => {
  const pointsNowhere = fakeKernel("6.1");
  pointsNowhere.writeUInt16LE(0xffff, 0x20e);
  const noPointer = fakeKernel("6.1");
  noPointer.writeUInt16LE(0, 0x20e);
  for (const image of [
    Buffer.alloc(0),
    Buffer.alloc(4096),
    Buffer.from("MZ"),
    pointsNowhere,
    noPointer,
    fakeKernel("", "../../etc"),
  ]) {
    const release = kernelRelease(image);
    assert(release === undefined || !release.includes("/"), release);
  }
  assert.equal(kernelRelease(pointsNowhere), undefined);
  assert.equal(kernelRelease(noPointer), undefined);
});
