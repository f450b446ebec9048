/** Sets of small numbers as bits. */
export type BitSet = Uint32Array

export const bitSet = (size: number): BitSet => new Uint32Array(Math.max(1, Math.ceil(size / 32)))

export const has = (set: BitSet, i: number): boolean => ((set[i >>> 5]! >>> (i & 31)) & 1) === 1

/** Says whether it was not there before. */
export function add(set: BitSet, i: number): boolean {
  const before = set[i >>> 5]!
  const after = (before | (1 << (i & 31))) >>> 0
  set[i >>> 5] = after
  return after !== before
}

/** Adds all of another set; says whether one of them was not there before. */
export function addAll(set: BitSet, other: BitSet): boolean {
  let isNew = false
  for (let k = 0; k < set.length; k++) {
    isNew ||= (other[k]! & ~set[k]!) !== 0
    set[k]! |= other[k]!
  }
  return isNew
}

export function meets(a: BitSet, b: BitSet): boolean {
  for (let k = 0; k < a.length; k++) if ((a[k]! & b[k]!) !== 0) return true
  return false
}

export function forEach(set: BitSet, visit: (i: number) => void): void {
  for (let k = 0; k < set.length; k++)
    for (let rest = set[k]!; rest !== 0; rest &= rest - 1) visit(k * 32 + 31 - Math.clz32(rest & -rest))
}
