/** The errors of the layout algebra, kept out of the accessors so that those stay small enough to be inlined. */

export function refuseValue(label: string, value: unknown, least: number, most: number): never {
  throw new RangeError(`${nameOf(label)}: ${String(value)} is not an integer from ${least} to ${most}`)
}

export function refuseIndex(label: string, index: unknown, length: number): never {
  throw new RangeError(`${nameOf(label)}: index ${String(index)} is not below ${length}`)
}

export function refuseRead(label: string, low: number, high: number): never {
  const hex = high.toString(16) + low.toString(16).padStart(8, '0')
  throw new RangeError(`${nameOf(label)}: holds 0x${hex}, which is above 2^53 - 1`)
}

function nameOf(label: string): string {
  return label === '' ? 'layout' : label
}

/** Every view is made through this check: aligned, and inside its memory. */
export function checkPlace(
  memory: DataView,
  base: number,
  sizeBytes: number,
  alignBytes: number,
  label: string,
): void {
  if (base % alignBytes !== 0) {
    throw new RangeError(`${nameOf(label)}: base ${base} is not aligned to ${alignBytes} bytes`)
  }
  if (!(base >= 0 && base + sizeBytes <= memory.byteLength)) {
    throw new RangeError(
      `${nameOf(label)}: ${sizeBytes} bytes at ${base} do not fit in a memory of ${memory.byteLength} bytes`,
    )
  }
}

/** Item counts of arrays, rings and sets: a definition-time check. */
export function checkCount(what: string, count: number, most: number): void {
  if (!Number.isInteger(count) || count < 1 || count > most) refuseValue(what, count, 1, most)
}
