/** A file that passes for an x86 kernel image of the given release, as far as its header tells. */
export function fakeKernel(release: string, text = `${release} (builder@host) #1 SMP`): Buffer {
  const image = Buffer.alloc(2048);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x300, 0x20e);
  image.write(text, 0x500, "latin1");
  return image;
}
