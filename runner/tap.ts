/** Where a replica's inputs and effects can be listened to: for recordings. */

/** Told of everything that a core asks its host for, in order. See `tapped-host.ts` for what the arguments are. */
export interface EffectTap {
  /**
   * @param kind see `effectNames`
   * @param at where the bytes that go with it begin in the core's output, and how many they are
   */
  effect(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    at: number,
    length: number,
  ): void
}

/** What a tap may look at while the replica runs. */
export interface Tapped {
  /** Private memory of the core. */
  readonly state: DataView
  /** Scratch in which the core builds what it hands out. */
  readonly output: ArrayBuffer
  /** What its polls see, and how many bytes of each count. */
  readonly windows: readonly DataView[]
  readonly windowBytes: readonly number[]
  /** Milliseconds, as `performance.now` has them, of the turn that is under way. */
  readonly clock: { readonly now: number }
}

export interface Tap {
  /** The replica is there; nothing has been given to its core yet. */
  attach?(tapped: Tapped): void
  /** Where it wants to be told of effects, which costs something at each. */
  readonly effects?: EffectTap
  /** The core is about to be given an input: arguments as its handler takes them, and `length` bytes of `input`. */
  before(handler: number, a: number, b: number, c: number, input: Uint8Array, length: number): void
  /** The handler has returned. */
  after(): void
}
