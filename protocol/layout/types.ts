/**
 * The types of the layout algebra.
 *
 * A layout says how bytes are read: every multi-byte value is little-endian, every value is aligned naturally, and a
 * composite is aligned as its most aligned member. Padding is always zero, and no accessor ever writes it.
 *
 * Two families of types live here. The *shapes* (`AnyLayout`) are what generic code walks: decode, diff, locate,
 * describe, rename. The *views* are what protocol cores hold: cursors over a DataView that allocate nothing.
 */

/** One step of a path: a field name, or an index into an array, a ring or a per-node array. */
export type PathStep = string | number

export type ScalarKind = 'u8' | 'u16' | 'u32' | 'u64' | 'boolean' | 'enumeration' | 'nodeId' | 'remoteAddress'
export type LayoutKind = ScalarKind | 'bytes' | 'struct' | 'array' | 'perNode' | 'ring' | 'bitset' | 'nodeSet'

export interface Layout<V = unknown> {
  readonly kind: LayoutKind
  readonly sizeBytes: number
  readonly alignBytes: number
  /**
   * The view of these bytes: for a composite a new cursor (this allocates: do it once), for a scalar its value.
   * `label` is what errors call the cursor. Throws RangeError when the base is misaligned or the bytes do not fit.
   */
  view(memory: DataView, base?: number, label?: string): V
  /** The byte offset of a path such as `('log', 3, 'term')`. Throws RangeError when there is no such path. */
  offsetOf(...path: readonly PathStep[]): number
  /** The distance in bytes between two items of the array, ring or per-node array at the path. */
  strideOf(...path: readonly PathStep[]): number
}

/** What `state.field` has for a field of layout L. */
export type ViewOf<L> = L extends Layout<infer V> ? V : never

// ---- shapes ---------------------------------------------------------------------------------------------------------

export interface ScalarLayout<
  K extends ScalarKind = ScalarKind,
  V extends number | boolean = number | boolean,
> extends Layout<V> {
  readonly kind: K
}
export interface EnumerationLayout<N extends string = string> extends ScalarLayout<'enumeration', number> {
  /** The names in order: a name's code is its position. */
  readonly names: readonly N[]
  readonly code: { readonly [Name in N]: number }
  /** The name of a code. Throws RangeError for a code that has none. */
  nameOf(code: number): N
}
export interface BytesLayout extends Layout<BytesView> {
  readonly kind: 'bytes'
}
export interface BitsetLayout extends Layout<BitsetView> {
  readonly kind: 'bitset'
  readonly capacity: number
}
export interface NodeSetLayout extends Layout<NodeSetView> {
  readonly kind: 'nodeSet'
}

export interface Field {
  readonly name: string
  readonly offset: number
  readonly layout: AnyLayout
}
export interface StructShape extends Layout {
  readonly kind: 'struct'
  readonly fields: readonly Field[]
}
export interface ArrayShape extends Layout {
  readonly kind: 'array' | 'perNode'
  readonly item: AnyLayout
  readonly length: number
  readonly strideBytes: number
}
export interface RingShape extends Layout {
  readonly kind: 'ring'
  readonly item: AnyLayout
  readonly capacity: number
  readonly strideBytes: number
  /** Where item 0 begins; the u32 length is at offset 0. */
  readonly itemsOffset: number
}

export type AnyScalar =
  | ScalarLayout<Exclude<ScalarKind, 'boolean' | 'enumeration'>, number>
  | ScalarLayout<'boolean', boolean>
  | EnumerationLayout
/** A layout without named or numbered parts. */
export type AnyLeaf = AnyScalar | BytesLayout | BitsetLayout | NodeSetLayout
export type AnyLayout = AnyLeaf | StructShape | ArrayShape | RingShape

// ---- layouts with precise views -------------------------------------------------------------------------------------

export type Fields = { readonly [name: string]: AnyLayout }

/** A struct whose fields are not known to the compiler. */
export interface AnyStruct extends StructShape {
  view(memory: DataView, base?: number, label?: string): CursorView
}
export interface StructOf<F extends Fields> extends AnyStruct {
  view(memory: DataView, base?: number, label?: string): StructView<F>
}
/** `StructLayout` alone is any struct. Each `StructOf` is assignable to it, whatever its fields. */
export type StructLayout<F extends Fields = Fields> = string extends keyof F ? AnyStruct : StructOf<F>
export interface ArrayLayout<L extends AnyLayout> extends ArrayShape {
  readonly kind: 'array'
  readonly item: L
  view(memory: DataView, base?: number, label?: string): ArrayView<L>
}
export interface PerNodeLayout<L extends AnyLayout> extends ArrayShape {
  readonly kind: 'perNode'
  readonly item: L
  view(memory: DataView, base?: number, label?: string): ArrayView<L>
}
export interface RingLayout<L extends AnyLayout> extends RingShape {
  readonly item: L
  view(memory: DataView, base?: number, label?: string): RingView<L>
}

// ---- views ----------------------------------------------------------------------------------------------------------

/** What every composite view is: a place in memory that can be moved by setting `base`. */
export interface CursorView {
  readonly memory: DataView
  base: number
}

type IsScalar<L> = L extends ScalarLayout ? true : false

/** Scalars are properties to read and write; composites are readonly properties that return a reused cursor. */
export type StructView<F extends Fields> = CursorView & {
  -readonly [K in keyof F as IsScalar<F[K]> extends true ? K : never]: ViewOf<F[K]>
} & {
  readonly [K in keyof F as IsScalar<F[K]> extends true ? never : K]: ViewOf<F[K]>
}

/** Scalars: get and set. Composites: `at(i)` moves one reused cursor, so hold at most one item at a time. */
export type ArrayView<L extends AnyLayout> =
  IsScalar<L> extends true ? ScalarArrayView<ViewOf<L>> : CompositeArrayView<ViewOf<L>>

export interface ScalarArrayView<V> extends CursorView {
  readonly length: number
  get(index: number): V
  set(index: number, value: V): void
}
export interface CompositeArrayView<V> extends CursorView {
  readonly length: number
  at(index: number): V
}

/** A bounded queue in canonical form: item 0 is the oldest, and bytes past the last item are zero. */
export type RingView<L extends AnyLayout> =
  IsScalar<L> extends true ? ScalarRingView<ViewOf<L>> : CompositeRingView<ViewOf<L>>

interface RingBase extends CursorView {
  readonly length: number
  readonly capacity: number
  readonly full: boolean
  readonly empty: boolean
  /** Removes the oldest item. Throws RangeError when empty. */
  shift(): void
  clear(): void
}
export interface ScalarRingView<V> extends RingBase {
  get(index: number): V
  /** Replaces a live item. */
  set(index: number, value: V): void
  /** Appends. Throws RangeError when full. */
  push(value: V): void
}
export interface CompositeRingView<V> extends RingBase {
  at(index: number): V
  /** Appends a zeroed item and returns the cursor on it. Throws RangeError when full. */
  push(): V
}

export interface BytesView extends CursorView {
  readonly length: number
  get(index: number): number
  set(index: number, value: number): void
  /** Copies `length` bytes of `source`; overlapping pieces of one buffer are copied as if by way of a third place. */
  copyFrom(source: BytesView, sourceOffset: number, targetOffset: number, length: number): void
  clear(): void
}
export interface BitsetView extends CursorView {
  readonly capacity: number
  /** How many members. */
  readonly size: number
  has(member: number): boolean
  add(member: number): void
  delete(member: number): void
  clear(): void
}
export interface NodeSetView extends CursorView {
  /** How many members. */
  readonly size: number
  /** The whole set as an unsigned 32-bit mask: bit n is node n. */
  bits: number
  has(node: number): boolean
  add(node: number): void
  delete(node: number): void
  clear(): void
}
