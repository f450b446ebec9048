/** Files of recordings: written block by block, and read back. */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from '../../sim/trace/bytes.js'
import { RunError } from '../errors.js'
import { RingReader } from '../ring.js'
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  BlockKind,
  MAGIC,
  type RecordingHeader,
  readHeader,
} from './format.js'

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

export interface Recording {
  readonly path: string
  readonly header: RecordingHeader
  /** The stream of records. */
  readonly stream: Uint8Array
  /** `cut`: the process was killed while it wrote. `hole`: the last inputs were lost, since nobody took them in time. */
  readonly ending: 'whole' | 'cut' | 'hole'
  /** Inputs that are missing in a hole. */
  readonly lost: number
}

/** Whether a file says that it is a recording. */
export function isRecording(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && [...MAGIC].every((char, i) => bytes[i] === char.charCodeAt(0))
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

const recordAgain = 'it cannot be trusted: record it again.'

export function parseRecording(bytes: Uint8Array, path: string): Recording {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const damaged = (at: number, what: string): RunError =>
    new RunError(`${path}: byte ${String(at)}: ${what}`, recordAgain)
  if (!isRecording(bytes)) throw damaged(0, 'this is no recording')
  let at = MAGIC.length
  if (at + 4 > bytes.length) throw damaged(bytes.length, 'it ends inside of its header')
  const jsonBytes = view.getUint32(at, true)
  at += 4
  if (jsonBytes > bytes.length - at - 4) throw damaged(at - 4, 'it ends inside of its header')
  if (crc32(bytes, at + jsonBytes) !== view.getUint32(at + jsonBytes, true))
    throw damaged(at, 'the header is damaged: its checksum is another')
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(at, at + jsonBytes)))
  } catch {
    throw damaged(at, 'the header is not JSON')
  }
  const header = readHeader(json, path)
  at += jsonBytes + 4

  const pieces: Uint8Array[] = []
  let ending: Recording['ending'] = 'cut'
  let lost = 0
  for (let number = 0; at + BLOCK_HEADER_BYTES <= bytes.length; number++) {
    if (ending !== 'cut') throw damaged(at, 'something stands behind the end')
    if (crc32(bytes.subarray(at, at + 8)) !== view.getUint32(at + 8, true))
      throw damaged(at, `block ${String(number)} is damaged: the checksum of its header is another`)
    const word = view.getUint32(at, true)
    const length = view.getUint32(at + 4, true)
    const kind = word & 0xf
    if (word >>> 4 !== (number & 0x0fffffff))
      throw damaged(at, `block ${String(word >>> 4)} stands where block ${String(number)} should`)
    if (length > bytes.length - at - BLOCK_HEADER_BYTES) break
    const payload = bytes.subarray(at + BLOCK_HEADER_BYTES, at + BLOCK_HEADER_BYTES + length)
    if (crc32(payload) !== view.getUint32(at + 12, true))
      throw damaged(at, `block ${String(number)} is damaged: its checksum is another`)
    at += BLOCK_HEADER_BYTES + length
    if (kind === BlockKind.records) pieces.push(payload)
    else if (kind === BlockKind.end) ending = 'whole'
    else if (kind === BlockKind.hole) {
      ending = 'hole'
      lost = Number(new TextDecoder().decode(payload))
    } else throw damaged(at, `blocks of kind ${String(kind)} are not known`)
  }
  if (ending !== 'cut' && at !== bytes.length) throw damaged(at, 'something stands behind the end')
  return { path, header, stream: joined(pieces), ending, lost }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
