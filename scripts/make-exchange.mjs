/**
 * Makes assets/engine/regrow-exchange.x86_64 and .aarch64: the whole of a static program that exchanges two names in one step,
 *
 *   regrow-exchange A B      renameat2(AT_FDCWD, A, AT_FDCWD, B, RENAME_EXCHANGE); exit code 0 where it did, 1 where it did not
 *
 * for an initramfs, whose shell has no such command. Written instruction by instruction, so that nobody needs a compiler and
 * everybody gets the same bytes:
 *
 *   0    ELF header               64 bytes
 *   64   two program headers     112 bytes: the file as one readable and executable segment; a stack that is not executable
 *   176  the instructions
 */
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const FOLDER = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "assets", "engine");

const HEADER = 64;
const PROGRAM_HEADER = 56;
const CODE_AT = HEADER + 2 * PROGRAM_HEADER;
const BASE = 0x400000n;

/**
 * What the kernel leaves on the stack at the start: argc, argv[0], argv[1], argv[2], 8 bytes each. System calls by number from
 * asm/unistd_64.h and asm-generic/unistd.h.
 */
const PROGRAMS = {
  x86_64: {
    machine: 62,
    align: 0x1000n,
    code: bytes(
      [0x48, 0x83, 0x3c, 0x24, 0x03], //       cmp  qword [rsp], 3
      [0x75, 0x22], //                         jne  failed
      [0x48, 0x8b, 0x74, 0x24, 0x10], //       mov  rsi, [rsp + 16]      A
      [0x4c, 0x8b, 0x54, 0x24, 0x18], //       mov  r10, [rsp + 24]      B
      [0x6a, 0x9c], //                         push -100                 AT_FDCWD
      [0x5f], //                               pop  rdi
      [0x89, 0xfa], //                         mov  edx, edi
      [0x41, 0xb8, 0x02, 0x00, 0x00, 0x00], // mov  r8d, 2               RENAME_EXCHANGE
      [0xb8, 0x3c, 0x01, 0x00, 0x00], //       mov  eax, 316             renameat2
      [0x0f, 0x05], //                         syscall
      [0x31, 0xff], //                         xor  edi, edi
      [0x85, 0xc0], //                         test eax, eax
      [0x74, 0x05], //                         je   leave
      [0xbf, 0x01, 0x00, 0x00, 0x00], // failed: mov edi, 1
      [0xb8, 0xe7, 0x00, 0x00, 0x00], // leave: mov eax, 231             exit_group
      [0x0f, 0x05], //                         syscall
    ),
  },
  aarch64: {
    machine: 183,
    // Kernels with pages of 64 KiB load no segment that is aligned to less.
    align: 0x10000n,
    code: words(
      0xf94003e0, // ldr  x0, [sp]
      0xf1000c1f, // cmp  x0, #3
      0x54000121, // b.ne failed
      0xf9400be1, // ldr  x1, [sp, #16]         A
      0xf9400fe3, // ldr  x3, [sp, #24]         B
      0x12800c60, // mov  w0, #-100             AT_FDCWD
      0x2a0003e2, // mov  w2, w0
      0x52800044, // mov  w4, #2                RENAME_EXCHANGE
      0xd2802288, // mov  x8, #276              renameat2
      0xd4000001, // svc  #0
      0xb4000040, // cbz  x0, leave
      0x52800020, // failed: mov w0, #1
      0xd2800bc8, // leave: mov x8, #94         exit_group
      0xd4000001, // svc  #0
    ),
  },
};

/** The program for that processor, `x86_64` or `aarch64`. */
export function makeExchange(architecture) {
  const { machine, align, code } = PROGRAMS[architecture];
  const size = BigInt(CODE_AT + code.length);
  return Buffer.concat([
    elfHeader(machine),
    programHeader({ type: 1, flags: 5, address: BASE, size, align }),
    programHeader({ type: 0x6474e551, flags: 6, address: 0n, size: 0n, align: 16n }),
    code,
  ]);
}

function elfHeader(machine) {
  const header = Buffer.alloc(HEADER);
  // 64 bits, little-endian, version 1.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BASE + BigInt(CODE_AT), 24);
  header.writeBigUInt64LE(BigInt(HEADER), 32);
  header.writeUInt16LE(HEADER, 52);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(2, 56);
  header.writeUInt16LE(64, 58);
  return header;
}

function programHeader({ type, flags, address, size, align }) {
  const header = Buffer.alloc(PROGRAM_HEADER);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(flags, 4);
  header.writeBigUInt64LE(address, 16);
  header.writeBigUInt64LE(address, 24);
  header.writeBigUInt64LE(size, 32);
  header.writeBigUInt64LE(size, 40);
  header.writeBigUInt64LE(align, 48);
  return header;
}

function bytes(...instructions) {
  return Buffer.from(instructions.flat());
}

function words(...instructions) {
  const code = Buffer.alloc(instructions.length * 4);
  for (const [index, word] of instructions.entries()) code.writeUInt32LE(word, index * 4);
  return code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const architecture of Object.keys(PROGRAMS)) {
    const file = path.join(FOLDER, `regrow-exchange.${architecture}`);
    writeFileSync(file, makeExchange(architecture));
    chmodSync(file, 0o755);
  }
}
