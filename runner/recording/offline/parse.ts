/** A recording out of the bytes of its file. */
import { crc32 } from '../../../sim/trace/bytes.js'
import { RunError } from '../../errors.js'
import { BLOCK_HEADER_BYTES, BlockKind, MAGIC, type RecordingHeader, readHeader } from '../format.js'

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

const recordAgain = 'it cannot be trusted: record it again.'

/**
 * Takes a file apart.
 *
 * @param path names it in errors
 * @throws {@link RunError} that names the byte at which something is wrong
 */
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
