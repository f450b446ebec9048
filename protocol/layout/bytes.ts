/** A fixed array of bytes: payloads, names, hashes. */
import { Cursor, octetsOf, pathsOf } from './cursor.js'
import { checkCount, checkPlace, refuseIndex, refuseValue } from './errors.js'
import type { BytesLayout, BytesView } from './types.js'

/** `sizeBytes` bytes, aligned to 1. Accesses outside throw RangeError. */
export function bytes(sizeBytes: number): BytesLayout {
  checkCount('bytes', sizeBytes, 2 ** 30)
  const layout: BytesLayout = {
    kind: 'bytes',
    sizeBytes,
    alignBytes: 1,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, 1, label)
      return new BytesCursor(memory, base, label, sizeBytes)
    },
  }
  return layout
}

class BytesCursor extends Cursor implements BytesView {
  readonly length: number
  readonly _octets: Uint8Array
  constructor(memory: DataView, base: number, label: string, length: number) {
    super(memory, base, label)
    this.length = length
    this._octets = octetsOf(memory)
  }

  get(index: number): number {
    if (index >>> 0 !== index || index >= this.length) refuseIndex(this._place.label, index, this.length)
    return this._place.memory.getUint8(this._place.base + index)
  }

  set(index: number, value: number): void {
    if (index >>> 0 !== index || index >= this.length) refuseIndex(this._place.label, index, this.length)
    if ((value & 0xff) !== value) refuseValue(this._place.label, value, 0, 0xff)
    this._place.memory.setUint8(this._place.base + index, value)
  }

  copyFrom(source: BytesView, sourceOffset: number, targetOffset: number, length: number): void {
    checkRange(this._place.label, 'source', sourceOffset, length, source.length)
    checkRange(this._place.label, 'target', targetOffset, length, this.length)
    const from = source.memory
    const to = this._place.memory
    const fromStart = source.base + sourceOffset
    const toStart = this._place.base + targetOffset
    if (from.buffer === to.buffer) {
      const start = from.byteOffset + fromStart
      this._octets.copyWithin(to.byteOffset + toStart, start, start + length)
      return
    }
    let copied = 0
    for (; copied + 4 <= length; copied += 4) {
      to.setUint32(toStart + copied, from.getUint32(fromStart + copied, true), true)
    }
    for (; copied < length; copied++) to.setUint8(toStart + copied, from.getUint8(fromStart + copied))
  }

  clear(): void {
    const start = this._place.memory.byteOffset + this._place.base
    this._octets.fill(0, start, start + this.length)
  }
}

function checkRange(label: string, side: string, offset: number, length: number, sizeBytes: number): void {
  if (offset >>> 0 !== offset || length >>> 0 !== length || offset + length > sizeBytes) {
    throw new RangeError(
      `${label}: ${length} bytes at ${offset} do not fit in the ${side} of ${sizeBytes} bytes`,
    )
  }
}
