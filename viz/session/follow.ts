/**
 * One request from its call to its reply: what carried it, and nothing else that went on meanwhile.
 *
 * Contract. Followed backwards from the reply, since of all that a request sets going most does not lead to its reply. A
 * handler that took something from the wire (a message, a completion, a request) did what it did because of that; one that
 * looked at its memory (a poll, a timer, a flush) because of what has landed there since it last did something, and where
 * nothing has, because of the last thing that came. What had begun before the call carried none of it. So the way is one
 * along real arrows, each of which was there in time to matter; that a handler looked at a word that landed is not proved:
 * a heartbeat that came just before an acknowledgement is taken for a cause of what followed.
 *
 * A request without a reply is followed forwards, along the arrows that each handler began that was reached by it, to the
 * first step of each node.
 */
import type { Branch } from './branch.js'
import type { ArrowTable } from './arrow-table.js'

interface Way {
  /** All actions of what carried it, in order. */
  readonly actions: Uint32Array
  /** Those that tell the story: calls, posts, arrivals, replies. */
  readonly stages: readonly number[]
}

/** What a handler takes in itself when it comes; all else is noticed by looking. */
const taken: readonly string[] = ['deliver', 'receive', 'request', 'reply', 'complete']
/** What lands in memory without a handler. */
const landing: readonly string[] = ['place', 'land', 'arrive', 'answer', 'fetch', 'expire']

const slice = 1024

export function* follow(
  branch: Branch,
  client: number,
  position: number,
): Generator<{ done: number; total: number }, Way> {
  const { index } = branch
  const events = index.clients.events.flatMap((event, i) =>
    event.client === client && event.position === position ? [index.clientActions.at(i)] : [],
  )
  const call = events[0]
  if (call === undefined) return { actions: new Uint32Array(0), stages: [] }
  const end = events.length > 1 ? events[events.length - 1] : undefined
  const arrows = end === undefined ? forwards(branch, call) : yield* backwards(branch, call, end)
  const actions = new Set([call, ...(end === undefined ? [] : [end])])
  const stages = new Set(actions)
  for (const arrow of arrows) {
    const its = index.arrows.actionsOf(arrow).filter((action) => end === undefined || action <= end)
    for (const action of its) actions.add(action)
    stages.add(its[0]!)
    const arrival = arrivalOf(branch, its)
    if (arrival !== undefined) stages.add(arrival)
  }
  return {
    actions: Uint32Array.from(actions).sort(),
    stages: [...stages].sort((a, b) => a - b),
  }
}

/** Where an arrow is all there: its last piece at the other end. */
function arrivalOf({ log, stage }: Branch, actions: readonly number[]): number | undefined {
  const kindOf = (action: number): string => stage.world.sites[log.site(action)]!.kind
  return (
    actions.findLast((action) => kindOf(action) === 'place') ??
    actions.slice(1).findLast((action) => taken.includes(kindOf(action)))
  )
}

/** The arrows on which the reply at `end` came about, from the call on. */
function* backwards(
  branch: Branch,
  call: number,
  end: number,
): Generator<{ done: number; total: number }, ReadonlySet<number>> {
  const { index, stage, log } = branch
  const { arrows } = index
  const { sites } = stage.world
  const carried = new Set<number>()
  const seen = new Set<number>([call])
  const open: number[] = []
  const carry = (arrow: number): void => {
    const first = arrows.firstOf(arrow)
    if (first < call || carried.has(arrow)) return
    carried.add(arrow)
    if (!seen.has(first)) open.push(first)
    seen.add(first)
  }
  for (const arrow of arrows.touching(end)) carry(arrow)
  for (let looked = 0; open.length > 0;) {
    const action = open.pop()!
    const { kind, node, index: site } = sites[log.site(action)]!
    const came = before(arrows, action)
    if (taken.includes(kind) && came.length > 0) {
      for (const arrow of came) carry(arrow)
      continue
    }
    // By looking: at what has landed since this handler last began something.
    let hasLanded = false
    for (let i = action - 1; i > call; i--) {
      if (++looked % slice === 0) yield { done: end - i, total: end - call }
      const at = sites[log.site(i)]!
      if (at.node !== node) continue
      if (at.index === site && hasLanded && begins(arrows, i)) break
      const here = before(arrows, i)
      if (here.length === 0) continue
      if (at.kind === 'place') {
        for (const arrow of here) carry(arrow)
        hasLanded = true
      } else if (taken.includes(at.kind)) {
        // What a handler took in before may be what it waited with, but only where nothing landed since.
        if (!hasLanded) for (const arrow of here) carry(arrow)
        break
      }
    }
  }
  return carried
}

/** The arrows that came of a call: those that handlers began that it reached, until each node has acted once. */
function forwards(branch: Branch, call: number): ReadonlySet<number> {
  const { index, stage, log } = branch
  const { arrows, known } = index
  const { sites } = stage.world
  const carried = new Set<number>(arrows.touching(call))
  const acted = new Set<number>()
  /** Nodes in whose memory something of it has landed that they have not acted on yet. */
  const waiting = new Set<number>()
  for (let i = call + 1; i < known; i++) {
    const { kind, node } = sites[log.site(i)]!
    if (node < 0 || acted.has(node)) continue
    const isReached = before(arrows, i).some((arrow) => carried.has(arrow))
    if (isReached && !taken.includes(kind)) waiting.add(node)
    // A timer strikes because of time, not because of what has come.
    if (landing.includes(kind) || kind === 'timer' || !begins(arrows, i)) continue
    if (!isReached && !waiting.has(node)) continue
    acted.add(node)
    for (const arrow of arrows.touching(i)) if (arrows.firstOf(arrow) === i) carried.add(arrow)
  }
  return carried
}

/** Arrows that an action touches and that had begun before it. */
const before = (arrows: ArrowTable, action: number): readonly number[] =>
  arrows.touching(action).filter((arrow) => arrows.firstOf(arrow) < action)
const begins = (arrows: ArrowTable, action: number): boolean =>
  arrows.touching(action).some((arrow) => arrows.firstOf(arrow) === action)
