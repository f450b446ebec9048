/**
 * A site is a place where something can happen: "deliver n1→n3", "poll n2", "crash n0". The list of sites is fixed for a
 * world; what is possible at each follows from the bytes it declares to read.
 */

/** What became of a step. Only `moved` steps count as actions. */
export const Outcome = {
  /** The guard of the input was false. */
  refused: 0,
  /** The guard held, and nothing changed. */
  idle: 1,
  /** Some part changed. */
  moved: 2,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

export const actionKinds = [
  'poll', // a core looks at its windows
  'observe', // a longer copy out of own shared memory arrives
  'store', // the next word of a publish lands
  'timer',
  'tick', // the clock of a node goes on
  'input', // a spontaneous input of the environment
  'deliver', // a message reaches a core
  'fetch', // a NIC reads a payload before it sends it
  'arrive', // the next packet of a request reaches the NIC of its target
  'place', // the next word of what has arrived reaches memory
  'answer', // the next word that a READ or an atomic brought lands at its requester
  'land', // the rest of a request that was reported failed lands after all, or is lost
  'complete', // a requester learns the outcome of a request
  'expire', // a requester gives up waiting for an answer
  'receive', // a SEND, or the notice of a WRITE with immediate, reaches a core
  'control', // a change of a queue pair or registration takes effect, then is reported
  'overrun', // a completion queue breaks
  'teardown', // the kernel takes the memory of a dead process away
  'flush', // a disk flush returns
  'invoke', // a client begins an operation
  'request', // a request reaches a node
  'reply', // a reply reaches its client
  'retry', // a client asks again
  'abandon', // a client gives an operation up as unknown
  'drop', // from here on: faults
  'duplicate',
  'crash',
  'wipe',
  'fail-flush',
  'rot',
  'misdirect',
  'restart',
  'pause',
  'resume',
  'cut',
  'heal',
  'kill',
  'halt',
  'sever',
  'mend',
  'retransmit',
  'corrupt',
  'calm', // the faults end
] as const
export type ActionKind = (typeof actionKinds)[number]
const firstFault = actionKinds.indexOf('drop')
export const isFaultKind = (kind: string): boolean => actionKinds.indexOf(kind as ActionKind) >= firstFault

export interface Site {
  /** Position in the world's list. */
  readonly index: number
  /** Stable name: kind and the nodes, queue pair or client it concerns. */
  readonly name: string
  readonly kind: ActionKind
  /** The node at which it happens, or -1 (a client). */
  readonly node: number
  /** The node it comes from for arrows, or -1. */
  readonly from: number
  /** Parts that `armed` reads. */
  readonly guards: readonly number[]
  /** Parts beyond `guards` that `step` reads. */
  readonly reads: readonly number[]
  /** Those of `reads` whose change gives a choice that was idle or refused something new to do. */
  readonly wakes: readonly number[] | undefined
  /** Parts that `step` may write. */
  readonly writes: readonly number[]
  /** Index of a 32-bit word of the state in a part of `guards`: while it is zero nothing is armed, and `armed` is not asked; or -1. */
  readonly gate: number
  /** How many choices are possible now. Pure, a function of the bytes of `guards` alone. */
  armed(): number
  /** Takes choice 0 … armed()-1. */
  step(choice: number): Outcome
  /** Stable number of a choice's subject (an ordinal, a generation, a piece), for names and times. Below 2^48. */
  subject(choice: number): number
  /** The choice with this subject, or -1. */
  find(subject: number): number
  /** Words for people: what this choice does. */
  describe(choice: number): string
}

/** What a site is made of. */
export type SiteDraft = Omit<Site, 'index' | 'wakes' | 'gate'> & Partial<Pick<Site, 'wakes' | 'gate'>>

/** All sites have one shape, so that compiled code finds their functions at fixed places. */
export function siteOf(index: number, draft: SiteDraft): Site {
  const { name, kind, node, from, guards, reads, wakes, writes, gate = -1 } = draft
  const { armed, step, subject, find, describe } = draft
  return {
    index,
    name,
    kind,
    node,
    from,
    guards,
    reads,
    wakes,
    writes,
    gate,
    armed,
    step,
    subject,
    find,
    describe,
  }
}

/** Subject and choice of a site that offers one thing at a time. */
export const single = {
  subject: (): number => 0,
  find(this: Site, subject: number): number {
    return subject === 0 && this.armed() > 0 ? 0 : -1
  },
}
