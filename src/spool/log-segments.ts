// The log's files: log/NUMBER, all of one size and written full of zeros before they are used, so that what is written later needs
// neither space nor a new length. A file that nobody needs any more becomes the next one. They are written past the page cache where
// the file system lets us: hardly anything in the log is read again, and to copy it there costs more CPU than the rest of a write.
import {
  closeSync,
  constants,
  fsync,
  openSync,
  readdirSync,
  readFileSync,
  write as writeCallback,
} from "node:fs"
import { rename, unlink } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { promisify } from "node:util"
import { crc32 } from "node:zlib"
import { alignedBuffer } from "../host/posix.ts"
import type { FolderSync } from "./body-file.ts"
import { block, type SegmentKey } from "./log-records.ts"
import { step } from "./steps.ts"

/** A segment that is being written; its records begin after the first block, which has its number and its key. */
export type Segment = {
  readonly number: number
  readonly key: SegmentKey
  readonly size: number
  /** Opened so that a write is over when it is on stable storage. Writes are whole blocks, from an aligned buffer. */
  readonly file: number
}

const magic = 0x676f6c57
const headLength = 20
/**
 * Octets of one write of zeros: few and large ones, so that a disk that fails now and then lets a file be made in the end, and not so
 * large that mail, which is written meanwhile, waits for long.
 */
const portion = 1024 * 1024

export function segmentPath(folder: string, number: number): string {
  return join(folder, String(number).padStart(10, "0"))
}

/** The numbers of all that are there, the oldest first. */
export function segmentNumbers(folder: string): readonly number[] {
  return readdirSync(folder)
    .filter((name) => /^\d{10}$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b)
}

/** A new file full of zeros, durable, under a name that is no segment's yet. */
export async function makeSpare(folder: string, size: number): Promise<string> {
  const path = join(folder, "spare")
  const { O_WRONLY, O_CREAT, O_TRUNC } = constants
  const zeros = alignedBuffer(Math.min(portion, size), block).fill(0)
  const file = await pastCache(path, O_WRONLY | O_CREAT | O_TRUNC, async (spare) => {
    for (let at = 0; at < size; at += portion) await writeAll(spare, zeros.subarray(0, size - at), at)
    await sync(spare)
  })
  closeSync(file)
  step("log.made")
  return path
}

/** Gives a file its number and a new key, and opens it for writing. Durable with its name when it resolves. */
export async function beginSegment(
  path: string,
  folder: string,
  number: number,
  size: number,
  folderSync: FolderSync,
): Promise<Segment> {
  const key = { mark: randomBytes(4).readUInt32LE(), seed: randomBytes(4).readUInt32LE() }
  const head = printHead(number, key)
  const file = await pastCache(path, constants.O_RDWR | constants.O_DSYNC, (begun) =>
    writeAll(begun, head, 0),
  )
  try {
    await rename(path, segmentPath(folder, number))
    await folderSync.sync()
  } catch (error) {
    closeSync(file)
    throw error
  }
  step("log.begun")
  return { number, key, size, file }
}

/**
 * Opens a file and writes to it for the first time. Not every file system can be written past the page cache, and not every disk in
 * our blocks: those say EINVAL to the one or the other, and are written as ever.
 */
async function pastCache(
  path: string,
  flags: number,
  first: (file: number) => Promise<void>,
): Promise<number> {
  try {
    return await opened(path, flags | constants.O_DIRECT, first)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EINVAL")
      return opened(path, flags, first)
    throw error
  }
}

async function opened(path: string, flags: number, first: (file: number) => Promise<void>): Promise<number> {
  const file = openSync(path, flags, 0o600)
  try {
    await first(file)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

export function closeSegment({ file }: Segment): void {
  closeSync(file)
}

export async function removeSegment(path: string): Promise<void> {
  await unlink(path).catch(() => {}) // it holds nothing that anybody needs; the next start tries again
}

async function writeAll(file: number, octets: Buffer, at: number): Promise<void> {
  for (let done = 0; done < octets.length; ) {
    const { bytesWritten } = await write(file, octets, done, octets.length - done, at + done)
    done += bytesWritten
  }
}

const write = promisify(writeCallback)
const sync = promisify(fsync)

function printHead(number: number, { mark, seed }: SegmentKey): Buffer {
  const head = alignedBuffer(block, block).fill(0)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(number, 4)
  head.writeUInt32LE(mark, 8)
  head.writeUInt32LE(seed, 12)
  head.writeUInt32LE(crc32(head.subarray(0, headLength - 4)), 16)
  return head
}

/** A segment's octets with its key; undefined when its first block is not that segment's. */
export function readSegment(
  folder: string,
  number: number,
): { readonly octets: Buffer; readonly key: SegmentKey } | undefined {
  const octets = readFileSync(segmentPath(folder, number))
  if (octets.length < block || octets.readUInt32LE(0) !== magic || octets.readUInt32LE(4) !== number)
    return undefined
  if (crc32(octets.subarray(0, headLength - 4)) !== octets.readUInt32LE(16)) return undefined
  return { octets, key: { mark: octets.readUInt32LE(8), seed: octets.readUInt32LE(12) } }
}
