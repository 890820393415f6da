// The octets of a large message: what its row has, then its file, in pieces of at most 64 KiB; and the proof that the file is whole.
import { type FileHandle, open } from "node:fs/promises"
import { crc32 } from "node:zlib"
import type { Content } from "../mail/content.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { BodyFileFacts } from "./requests.ts"

const piece = 64 * 1024

/** Reads the file anew for each reader, piece after piece into the same memory: a message of any size needs no more. */
export function fileContent(path: string, prefix: Buffer, fileSize: number, headerSize: number): Content {
  return {
    size: prefix.length + fileSize,
    headerSize,
    bytes: undefined,
    chunks: (start = 0) => chunks(path, prefix, fileSize, start),
  }
}

async function* chunks(path: string, prefix: Buffer, fileSize: number, start: number): AsyncIterable<Buffer> {
  for (let at = start; at < prefix.length; at += piece) {
    yield prefix.subarray(at, Math.min(at + piece, prefix.length))
  }
  const octets = Buffer.allocUnsafeSlow(Math.min(piece, fileSize))
  const file = await open(path, "r")
  try {
    let at = Math.max(start - prefix.length, 0)
    for (; at < fileSize; ) {
      const { bytesRead } = await file.read(octets, 0, Math.min(piece, fileSize - at), at)
      if (bytesRead === 0) throw new Error(`${path}: it ends after ${at} octets of ${fileSize}`)
      at += bytesRead
      yield octets.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** Reads it through once: is it what was written? An error says what is wrong with it. */
export async function verifyFile(path: string, facts: BodyFileFacts): Promise<Result<void>> {
  let file: FileHandle
  try {
    file = await open(path, "r")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return fail("its file is missing")
    throw error
  }
  try {
    return await compare(file, facts)
  } finally {
    await file.close()
  }
}

async function compare(file: FileHandle, { size, crc }: BodyFileFacts): Promise<Result<void>> {
  const octets = Buffer.allocUnsafeSlow(4 * piece)
  let read = 0
  let sum = 0
  for (;;) {
    const { bytesRead } = await file.read(octets, 0, octets.length, read)
    if (bytesRead === 0) break
    sum = crc32(octets.subarray(0, bytesRead), sum)
    read += bytesRead
  }
  if (read !== size) return fail(`its file has ${read} octets where ${size} were written`)
  return sum === crc ? ok(undefined) : fail("the checksum of its file is wrong")
}
