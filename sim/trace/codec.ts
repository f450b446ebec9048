/**
 * Traces as bytes.
 *
 * ```
 * 'AVIARYTR'  u16 version  u16 0  u32 length of the file
 * u32 length   header       JSON, UTF-8
 * u32 length   actions      varint count, then blocks of 4,096 actions; see below
 * u32 length   index        u32 a block: where it begins in the section `actions`
 * u32 length   fingerprints u32 count, u32 each; then per fingerprint: varint changed parts,
 *                           for each the varint distance to the one before, and its fold as u16
 * u32 length   violation    JSON, UTF-8; empty: none
 * u32 length   image        empty: none; else 1, then pairs of varint zero bytes, varint other bytes, those bytes
 * u32 CRC-32 of all before it
 * ```
 *
 * An action is a varint site and the signed varint distance of its subject to the last subject of the same site, from 0
 * at the beginning of each block, so that every block can be read alone. Numbers are little-endian.
 *
 * Contract. `decodeTrace(encodeTrace(t))` equals `t`. Decoding runs no code of the file, takes memory in proportion to
 * the file and the parts it declares, and throws nothing but TraceError; every change of a byte and every cut is told.
 */
import { ActionLog } from '../run/action-log.js'
import { ByteReader, ByteWriter, corrupt, crc32, fromUtf8, utf8 } from './bytes.js'
import { parseJson } from './check.js'
import { TraceError } from './errors.js'
import { type FingerprintPoints, noPoints, pointCount } from './fingerprints.js'
import { headerFromJson, headerToJson, violationFromJson } from './header.js'
import { type Trace, type TraceHeader, traceFormatVersion } from './trace.js'

const magic = 'AVIARYTR'
const lengthAt = 12
const sectionsAt = 16
export const blockActions = 4096
const mostSubject = 2 ** 48
const mostImageBytes = 1 << 28

// ---- writing

export function encodeTrace(trace: Trace): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  for (const character of magic) out.u8(character.charCodeAt(0))
  out.u16(traceFormatVersion)
  out.u16(0)
  out.u32(0)
  const section = (write: () => void): void => {
    const at = out.length
    out.u32(0)
    write()
    out.patch32(at, out.length - at - 4)
  }
  section(() => out.raw(utf8(JSON.stringify(headerToJson(trace.header)))))
  const blocks: number[] = []
  section(() => writeActions(out, trace, blocks))
  section(() => blocks.forEach((at) => out.u32(at)))
  section(() => writePoints(out, trace))
  section(() => {
    if (trace.violation !== undefined) out.raw(utf8(JSON.stringify(trace.violation)))
  })
  section(() => {
    if (trace.image !== undefined) writeImage(out, trace.image)
  })
  out.patch32(lengthAt, out.length + 4)
  out.u32(crc32(out.view()))
  return out.take()
}

function writeActions(out: ByteWriter, { actions, header }: Trace, blocks: number[]): void {
  const start = out.length
  const last = new Float64Array(header.sites.length)
  out.varint(actions.length)
  for (let i = 0; i < actions.length; i++) {
    if (i % blockActions === 0) {
      blocks.push(out.length - start)
      last.fill(0)
    }
    const site = actions.site(i)
    const subject = actions.subject(i)
    if (site >= last.length)
      throw new RangeError(`action ${String(i)} names site ${String(site)} of ${String(last.length)}`)
    out.varint(site)
    out.signed(subject - last[site]!)
    last[site] = subject
  }
}

function writePoints(out: ByteWriter, { fingerprints, components }: Trace): void {
  out.u32(fingerprints.length)
  for (const fingerprint of fingerprints) out.u32(fingerprint)
  const { starts, parts, folds } = components
  for (let p = 0; p < fingerprints.length; p++) {
    out.varint(starts[p + 1]! - starts[p]!)
    let last = 0
    for (let i = starts[p]!; i < starts[p + 1]!; i++) {
      out.varint(parts[i]! - last)
      out.u16(folds[i]!)
      last = parts[i]!
    }
  }
}

function writeImage(out: ByteWriter, image: Uint8Array): void {
  out.u8(1)
  for (let at = 0; at < image.length;) {
    const zeros = at
    while (at < image.length && image[at] === 0) at++
    const others = at
    // A lone zero byte or two are cheaper as they are than as a run of their own.
    while (at < image.length && (image[at] !== 0 || image[at + 1] !== 0 || image[at + 2] !== 0)) at++
    out.varint(others - zeros)
    out.varint(at - others)
    out.raw(image.subarray(others, at))
  }
}

// ---- reading

/** A trace whose sections have been found and whose bytes are whole; actions are read when they are asked for. */
export interface TraceFile {
  readonly header: TraceHeader
  readonly actions: number
  readonly blocks: number
  /** Appends the actions of one block: those from `block * blockActions` on. */
  readBlock(block: number, into: ActionLog): void
  readPoints(): FingerprintPoints
}

export function decodeTrace(bytes: Uint8Array): Trace {
  const file = new Sections(bytes)
  const { header } = file
  const actions = new ActionLog()
  for (let block = 0; block < file.blocks; block++) file.readBlock(block, actions)
  const violation =
    file.violation.length === 0
      ? undefined
      : violationFromJson(parseJson(fromUtf8(file.violation, 'violation'), 'violation'), actions.length)
  const image = file.image.length === 0 ? undefined : readImage(file.image, header)
  return {
    header,
    actions,
    ...file.readPoints(),
    ...(violation === undefined ? {} : { violation }),
    ...(image === undefined ? {} : { image }),
  }
}

/** Opens a trace without reading its actions: for overviews of large ones. */
export function openTrace(bytes: Uint8Array): TraceFile {
  return new Sections(bytes)
}

class Sections implements TraceFile {
  readonly header: TraceHeader
  readonly actions: number
  readonly blocks: number
  readonly violation: Uint8Array
  readonly image: Uint8Array
  readonly #actions: Uint8Array
  readonly #index: ByteReader
  readonly #points: Uint8Array

  constructor(bytes: Uint8Array) {
    checkWhole(bytes)
    const reader = new ByteReader(bytes.subarray(0, bytes.length - 4), 'sections')
    reader.at = sectionsAt
    const section = (): Uint8Array => reader.raw(reader.u32())
    this.header = headerFromJson(parseJson(fromUtf8(section(), 'header'), 'header'))
    this.#actions = section()
    const index = section()
    this.#index = new ByteReader(index, 'index')
    this.#points = section()
    this.violation = section()
    this.image = section()
    if (reader.left > 0) throw corrupt('sections', `${String(reader.left)} bytes follow the last one`)
    const actions = new ByteReader(this.#actions, 'actions')
    this.actions = actions.varint()
    if (this.actions > actions.left / 2)
      throw new TraceError(
        'absurd',
        'actions',
        `${String(this.actions)} actions are said to be in ${String(actions.left)} bytes, and each takes two at least`,
        'The file was not written by Aviary; record it again.',
      )
    this.blocks = Math.ceil(this.actions / blockActions)
    if (index.length !== this.blocks * 4)
      throw corrupt('index', `has ${String(index.length)} bytes for ${String(this.blocks)} blocks`)
  }

  readBlock(block: number, into: ActionLog): void {
    if (!Number.isInteger(block) || block < 0 || block >= this.blocks)
      throw new RangeError(`block ${String(block)} of ${String(this.blocks)}`)
    const reader = new ByteReader(this.#actions, 'actions')
    this.#index.at = block * 4
    reader.at = this.#index.u32()
    const last = new Float64Array(this.header.sites.length)
    const end = Math.min((block + 1) * blockActions, this.actions)
    for (let i = block * blockActions; i < end; i++) {
      const site = reader.varint()
      if (site >= last.length)
        throw corrupt('actions', `action ${String(i)} names site ${String(site)} of ${String(last.length)}`)
      const subject = last[site]! + reader.signed()
      if (subject < 0 || subject >= mostSubject)
        throw corrupt(
          'actions',
          `action ${String(i)} has the subject ${String(subject)}, which is not in 0 … 2^48 - 1`,
        )
      last[site] = subject
      into.add(site, subject)
    }
    const next = block + 1 < this.blocks ? this.#index.u32() : this.#actions.length
    if (reader.at !== next)
      throw corrupt('index', `block ${String(block)} ends at ${String(reader.at)}, not at ${String(next)}`)
  }

  readPoints(): FingerprintPoints {
    const reader = new ByteReader(this.#points, 'fingerprints')
    const { fingerprintEvery, parts } = this.header
    const count = reader.u32()
    const expected = pointCount(this.actions, fingerprintEvery)
    if (count !== 0 && count !== expected)
      throw corrupt('fingerprints', `there are ${String(count)}, not ${String(expected)}`)
    if (count > reader.left / 5)
      throw new TraceError(
        'absurd',
        'fingerprints',
        `${String(count)} are said to be in ${String(reader.left)} bytes`,
        'The file was not written by Aviary; record it again.',
      )
    if (count === 0 && reader.left === 0) return noPoints
    const fingerprints = new Uint32Array(count)
    for (let p = 0; p < count; p++) fingerprints[p] = reader.u32()
    const starts = new Uint32Array(count + 1)
    const numbers = new Uint16Array(Math.floor(reader.left / 3))
    const folds = new Uint16Array(numbers.length)
    let entries = 0
    for (let p = 0; p < count; p++) {
      const changed = reader.varint()
      if (changed > parts.length)
        throw corrupt('fingerprints', `${String(changed)} of ${String(parts.length)} parts changed`)
      let part = 0
      for (let i = 0; i < changed; i++) {
        const distance = reader.varint()
        part += distance
        if (part >= parts.length || (i > 0 && distance === 0))
          throw corrupt('fingerprints', `name part ${String(part)} of ${String(parts.length)}`)
        const fold = reader.u16()
        numbers[entries] = part
        folds[entries++] = fold
      }
      starts[p + 1] = entries
    }
    if (reader.left > 0) throw corrupt('fingerprints', `are followed by ${String(reader.left)} bytes`)
    return {
      fingerprints,
      components: { starts, parts: numbers.slice(0, entries), folds: folds.slice(0, entries) },
    }
  }
}

/** Magic, version, length and checksum. */
function checkWhole(bytes: Uint8Array): void {
  for (let i = 0; i < magic.length; i++)
    if (i < bytes.length && bytes[i] !== magic.charCodeAt(i))
      throw new TraceError(
        'foreign',
        'file',
        'is not an Aviary trace',
        `A trace begins with ${magic}; check the name of the file.`,
      )
  const again = 'Fetch or record it again.'
  const least = sectionsAt + 6 * 4 + 4
  if (bytes.length < least)
    throw new TraceError(
      'truncated',
      'file',
      `ends after ${String(bytes.length)} bytes, and the shortest trace has ${String(least)}`,
      again,
    )
  const reader = new ByteReader(bytes, 'file')
  reader.at = magic.length
  const version = reader.u16()
  if (version > traceFormatVersion)
    throw new TraceError(
      'newer',
      'version',
      `the trace has format ${String(version)}, and this Aviary reads up to ${String(traceFormatVersion)}`,
      'Use a newer Aviary.',
    )
  if (version === 0) throw corrupt('version', 'is 0')
  if (version < traceFormatVersion)
    throw new TraceError(
      'older',
      'version',
      `the trace has format ${String(version)}, and this Aviary reads ${String(traceFormatVersion)}`,
      'Record it again, or use the Aviary that wrote it.',
    )
  if (reader.u16() !== 0) throw corrupt('version', 'is followed by bytes that must be 0')
  const length = reader.u32()
  if (length > bytes.length)
    throw new TraceError(
      'truncated',
      'file',
      `says that it has ${String(length)} bytes, and ends after ${String(bytes.length)}`,
      again,
    )
  if (length < bytes.length)
    throw corrupt('file', `has ${String(bytes.length)} bytes where it says ${String(length)}`)
  reader.at = length - 4
  if (reader.u32() !== crc32(bytes, length - 4)) throw corrupt('checksum', 'does not fit the bytes before it')
}

function readImage(bytes: Uint8Array, header: TraceHeader): Uint8Array {
  let size = 0
  for (const part of header.parts) size += part.sizeBytes
  if (size > mostImageBytes)
    throw new TraceError(
      'absurd',
      'header.parts',
      `together they have ${String(size)} bytes`,
      'The file was not written by Aviary; record it again.',
    )
  const reader = new ByteReader(bytes, 'image')
  if (reader.u8() !== 1) throw corrupt('image', 'does not begin with 1')
  const image = new Uint8Array(size)
  let at = 0
  while (reader.left > 0) {
    at += reader.varint()
    const others = reader.varint()
    if (at + others > size) throw corrupt('image', `has more than the ${String(size)} bytes of the parts`)
    image.set(reader.raw(others), at)
    at += others
  }
  if (at !== size) throw corrupt('image', `has ${String(at)} bytes, and the parts have ${String(size)}`)
  return image
}
