/** Files of recordings on the disk: written block by block, and read back. */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from '../../sim/trace/bytes.js'
import { RunError } from '../errors.js'
import { RingReader } from '../ring.js'
import { BLOCK_BYTES, BLOCK_HEADER_BYTES, BlockKind, MAGIC, type RecordingHeader } from './format.js'
import { type Recording, parseRecording } from './offline/parse.js'

/** Writes a file. Whoever kills the process leaves a file that is cut behind its last block. */
export class RecordingFile {
  readonly path: string
  readonly #file: number
  readonly #block = new Uint8Array(BLOCK_HEADER_BYTES + BLOCK_BYTES)
  readonly #view = new DataView(this.#block.buffer)
  #blocks = 0
  #isOpen = true

  /** Throws {@link RunError} when it cannot be written. */
  constructor(path: string, header: RecordingHeader) {
    this.path = path
    try {
      mkdirSync(dirname(path), { recursive: true })
      this.#file = openSync(path, 'wx')
      this.#write(headerBytes(header))
    } catch (error) {
      throw cannotWrite(path, error)
    }
  }

  /** Adds bytes as blocks of one kind. */
  add(kind: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
      this.#addBlock(kind, bytes.subarray(at, Math.min(bytes.length, at + BLOCK_BYTES)))
  }

  #addBlock(kind: number, payload: Uint8Array): void {
    const block = this.#block
    const view = this.#view
    block.set(payload, BLOCK_HEADER_BYTES)
    view.setUint32(0, ((this.#blocks++ << 4) | kind) >>> 0, true)
    view.setUint32(4, payload.length, true)
    view.setUint32(8, crc32(block, 8), true)
    view.setUint32(12, crc32(payload), true)
    this.#write(block.subarray(0, BLOCK_HEADER_BYTES + payload.length))
  }

  /** Takes what a recorder of another thread has put into the ring. Returns whether it was the end. */
  drain(ring: RingReader): boolean {
    while (this.#isOpen && ring.next()) {
      const { tag, offset, length } = ring
      this.#addBlock(tag, ring.memory.subarray(offset, offset + length))
      ring.pop()
      if (tag !== BlockKind.records) return true
    }
    return false
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#file)
    this.#isOpen = false
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at)
    } catch (error) {
      throw cannotWrite(this.path, error)
    }
  }
}

function cannotWrite(path: string, error: unknown): RunError {
  if (error instanceof RunError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'EEXIST'
    ? new RunError(`${path}: there is a recording already`, 'name another folder.')
    : new RunError(`${path} cannot be written: ${message}`, 'make room, or name another folder.')
}

function headerBytes(header: RecordingHeader): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const magic = new TextEncoder().encode(MAGIC)
  const bytes = new Uint8Array(magic.length + 4 + json.length + 4)
  const view = new DataView(bytes.buffer)
  bytes.set(magic)
  view.setUint32(magic.length, json.length, true)
  bytes.set(json, magic.length + 4)
  view.setUint32(bytes.length - 4, crc32(bytes, bytes.length - 4), true)
  return bytes
}

/** Reads a file. Throws {@link RunError} that names the place of what is wrong. */
export function readRecording(path: string): Recording {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new RunError(`${path} cannot be read: ${(error as Error).message}`, 'check the path.')
  }
  return parseRecording(bytes, path)
}
