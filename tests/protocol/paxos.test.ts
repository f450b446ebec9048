/**
 * Stories of Paxos: schedules written by hand, one line an action. Each wrong variant lives through a story in which two
 * servers decide different values; the right core lives through the same story, skips what it does not do, and agrees.
 */
import { describe, expect, test } from 'vitest'
import { paxos } from '../../protocol/paxos/index.js'
import { diskHealth, serverState } from '../../protocol/paxos/layout.js'
import type { FaultBudget } from '../../protocol/index.js'
import { WorldObserver } from '../../sim/world/observer.js'
import type { Site } from '../../sim/world/site.js'
import { World } from '../../sim/world/world.js'

/** `n0→n1 prepare` delivers a message; everything else is the name of a site, then how its choice begins. */
function siteOf(world: World, line: string): { site: Site; words: string } {
  const action = line.includes('→') && line.startsWith('n') ? `deliver ${line}` : line
  const site = world.sites.find(({ name }) => `${action} `.startsWith(`${name} `))
  if (site === undefined) throw new Error(`no site is meant by: ${line}`)
  return { site, words: action.slice(site.name.length + 1) }
}

/** Tells a story to a core; returns the names of all invariants that it broke and what the servers have decided. */
function tell(story: string, bug: string | undefined, budget: FaultBudget = { crash: 1, restart: 1 }) {
  // Every operation is a put: c0 puts v1, c1 puts v5.
  const draw = { between: (_minimum: number, maximum: number) => maximum }
  const parameters = { clients: 2, operations: 1, rounds: 100 }
  const model = paxos.build({ nodes: 3, parameters, bug, draw })
  const world = new World(model, { budget, selfTest: true })
  const observer = new WorldObserver(world)
  const broken = new Set<string>()
  const skipped: string[] = []
  for (const line of story.trim().split(/\s*\n\s*/)) {
    const { site, words } = siteOf(world, line)
    let choice = 0
    while (choice < world.armed[site.index]! && !site.describe(choice).startsWith(words)) choice++
    if (choice === world.armed[site.index]) {
      skipped.push(line)
      continue
    }
    world.step(site.index, choice)
    if (world.failure !== undefined) throw world.failure.error
    for (const invariant of model.spec.invariants)
      if (invariant.check(observer) !== undefined) broken.add(invariant.name)
  }
  const layout = serverState(parameters.clients)
  const states = [0, 1, 2].map((node) => observer.state(node, layout))
  return { broken: [...broken], skipped, decided: states.map(({ decided }) => decided), states }
}

/** n0 runs phase 1 with n1 and proposes v1 under ballot 32; its own acceptance is not stored yet. */
const n0Proposes = `
  invoke c0
  request c0→n0
  flush n0
  n0→n1 prepare ballot=32
  flush n1
  n1→n0 promise ballot=32
`
/** Then n1 has v5 chosen under ballot 65, together with n2. */
const n1Decides = `
  invoke c1
  request c1→n1
  flush n1
  n1→n2 prepare ballot=65
  flush n2
  n2→n1 promise ballot=65
  flush n1
  n1→n2 accept ballot=65 value=v5
  flush n2
  n2→n1 accepted ballot=65
`
/** n0 has not heard of it, is refused, and comes back with a higher ballot. */
const n0TriesAgain = `
  flush n0
  n0→n1 accept ballot=32
  n1→n0 nack ballot=32
  timer n0 retry
  flush n0
  n0→n2 prepare ballot=96
  flush n2
  n2→n0 promise ballot=96
  flush n0
  n0→n2 accept ballot=96
  flush n2
  n2→n0 accepted ballot=96
`
/** n0 decides v1 together with n1, whose acceptance nobody else knows of. */
const n0Decides = `
  flush n0
  n0→n1 accept ballot=32 value=v1
  n1→n0 accepted ballot=32
`

/** n0 decides v1 together with n1, whose acceptance is stored. */
const n0Accepted = `
  flush n0
  n0→n1 accept ballot=32 value=v1
  flush n1
  n1→n0 accepted ballot=32
`
/** n1 has v5 chosen under ballot 97, together with n2, having promised ballot 65 before. */
const n1DecidesAgain = n1Decides.replaceAll('65', '97').replace(/\s*invoke c1\s*request c1→n1/, '')

const stories: Record<string, string> = {
  'lowest-ballot-value': n0Proposes + n1Decides + n0TriesAgain,
  'forget-accepted-value': n0Proposes + n1Decides + n0TriesAgain,
  'accept-any-ballot': `${n0Proposes} ${n1Decides}
    flush n0
    n0→n2 accept ballot=32
    flush n2
    n2→n0 accepted ballot=32
  `,
  'minority-quorum': `
    invoke c0
    request c0→n0
    flush n0
    flush n0
    invoke c1
    request c1→n1
    flush n1
    flush n1
  `,
  'promise-before-flush': `${n0Proposes}
    flush n0
    invoke c1
    request c1→n1
    flush n1
    n1→n2 prepare ballot=65
    n2→n1 promise ballot=65
    crash n2
    restart n2
    n0→n2 accept ballot=32
    flush n2
    n2→n0 accepted ballot=32
    n1→n2 accept ballot=65
    flush n2
    flush n1
    flush n1
    n2→n1 accepted ballot=65
  `,
  'accept-before-flush': `${n0Proposes} ${n0Decides}
    crash n1
    restart n1
    ${n1Decides}
  `,
  'count-duplicates': `${n0Proposes}
    n0→n1 accept ballot=32
    flush n1
    duplicate n1→n0 accepted ballot=32
    n1→n0 accepted ballot=32
    n0→n2 decided value=v1
    crash n0
    restart n0
    invoke c1
    retry c1
    retry c1
    request c1→n0
    flush n0
    n0→n2 prepare ballot=64
    flush n2
    n2→n0 promise ballot=64
    flush n0
    n0→n2 accept ballot=64 value=v5
    flush n2
    n2→n0 accepted ballot=64
  `,
  'ballot-reused-after-restart': `${n0Proposes}
    n0→n1 accept ballot=32 value=v1
    flush n1
    crash n0
    restart n0
    invoke c1
    retry c1
    retry c1
    request c1→n0
    flush n0
    n0→n2 prepare ballot=32
    flush n2
    n2→n0 promise ballot=32
    flush n0
    n1→n0 accepted ballot=32
    timer n1 retry
    flush n1
    n1→n2 prepare ballot=65
    flush n2
    n2→n1 promise ballot=65
    flush n1
    n1→n2 accept ballot=65
    flush n2
    n2→n1 accepted ballot=65
  `,
  // n1 has accepted v1 with n0, and its disk gives up the pages of that.
  'flush-retried-after-failure': `${n0Proposes}
    flush n0
    n0→n1 accept ballot=32 value=v1
    fail-flush n1
    flush n1
    n1→n0 accepted ballot=32
    crash n1
    restart n1
    ${n1Decides}
  `,
  // n1 has accepted v1 with n0, and is about to store a higher promise when the power fails.
  'torn-record-trusted': `${n0Proposes} ${n0Accepted}
    invoke c1
    request c1→n1
    crash n1 the first unflushed record is torn
    restart n1
    flush n1
    flush n1
    retry c1
    retry c1
    retry c1
    request c1→n1
    ${n1DecidesAgain}
  `,
  // n1 has accepted v1 with n0, and forgets it on the shelf.
  'rot-taken-for-torn': `${n0Proposes} ${n0Accepted}
    crash n1
    rot n1 record 1
    restart n1
    ${n1Decides}
  `,
}

const hardships: FaultBudget = { crash: 1, restart: 1, duplicate: 1, 'fail-flush': 1, rot: 1 }

describe('two servers decide different values', () => {
  test('every wrong variant has its story', () => {
    expect(Object.keys(stories).sort()).toEqual(Object.keys(paxos.bugs).sort())
  })

  test.each(Object.entries(stories))('when the core is %s', (bug, story) => {
    const { broken, skipped } = tell(story, bug, hardships)
    expect(broken).toContain('agreement')
    expect(broken.filter((name) => !paxos.bugs[bug]!.caughtBy.includes(name))).toEqual([])
    expect(skipped.filter((line) => !line.startsWith('flush'))).toEqual([])
  })

  test('when an acceptor loses its disk, which is beyond the promise', () => {
    const story = `${n0Proposes}
      flush n0
      n0→n1 accept ballot=32 value=v1
      flush n1
      n1→n0 accepted ballot=32
      crash n1
      wipe n1
      restart n1
      ${n1Decides.replaceAll('65', '33')}
    `
    const { broken, decided } = tell(story, undefined, { crash: 1, wipe: 1, restart: 1 })
    expect(decided).toEqual([1, 5, 0])
    expect(broken).toContain('agreement')
  })
})

describe('the right core', () => {
  test.each(Object.entries(stories))('agrees in the story of %s', (_bug, story) => {
    expect(tell(story, undefined, hardships).broken).toEqual([])
  })

  test('decides the value of a put with two of three servers and tells the third', () => {
    const { broken, decided } = tell(
      `${n0Proposes} flush n0
      n0→n1 accept ballot=32 value=v1
      flush n1
      n1→n0 accepted ballot=32
      n0→n2 decided value=v1
      reply c0 ok`,
      undefined,
    )
    expect({ broken, decided }).toEqual({ broken: [], decided: [1, 0, 1] })
  })

  test('a second proposer takes up the value that it finds accepted', () => {
    expect(tell(n0Proposes + n1Decides + n0TriesAgain, undefined).decided).toEqual([5, 5, 0])
  })

  const disks: FaultBudget = { ...hardships, crash: 2, restart: 2, rot: 2, misdirect: 1 }
  /** n1 has stored that it accepted v1 under ballot 32, as records 2 and 3, and its power fails. */
  const n1Falls = `${n0Proposes} ${n0Accepted} crash n1`
  const acceptedAt = (story: string) => {
    const { states, ...rest } = tell(story, undefined, disks)
    const { disk, acceptedBallot, acceptedValue } = states[1]!
    return { ...rest, disk: diskHealth.nameOf(disk), accepted: [acceptedBallot, acceptedValue] }
  }

  test('an acceptor that has lost one copy to rot goes on with the other', () => {
    for (const record of [2, 3]) {
      const { disk, accepted, broken } = acceptedAt(`${n1Falls} \n rot n1 record ${record} \n restart n1`)
      expect({ disk, accepted, broken }).toEqual({ disk: 'good', accepted: [32, 1], broken: [] })
    }
  })

  test('an acceptor that has lost both copies retires: it answers nobody, now or after another restart', () => {
    const retired = `${n1Falls}
      rot n1 record 2
      rot n1 record 3
      restart n1
      crash n1
      restart n1
    `
    const { disk, broken, skipped } = acceptedAt(retired)
    expect({ disk, broken, skipped }).toEqual({ disk: 'lost', broken: [], skipped: [] })
    const asked = acceptedAt(`${retired}
      invoke c1
      retry c1
      request c1→n2
      flush n2
      n2→n1 prepare ballot=34
      flush n1
      n1→n2 promise
      n0→n1 decided value=v1
    `)
    expect(asked.skipped).toEqual(['flush n1', 'n1→n2 promise'])
    expect({ broken: asked.broken, decided: asked.decided }).toEqual({ broken: [], decided: [1, 1, 0] })
  })

  test('an acceptor whose record is torn drops it, and knows what it knew before', () => {
    const torn = `${n0Proposes} ${n0Accepted}
      invoke c1
      request c1→n1
      crash n1 the first unflushed record is torn
      restart n1
    `
    const { disk, accepted, broken } = acceptedAt(torn)
    expect({ disk, accepted, broken }).toEqual({ disk: 'good', accepted: [32, 1], broken: [] })
    // The torn record stays behind the good ones until the next store; a second one beside it is as harmless.
    const twice = `${torn} \n timer n1 retry \n flush n1 \n crash n1 the first unflushed record is torn \n restart n1`
    const again = acceptedAt(twice)
    expect(again.skipped).toEqual([])
    expect({ disk: again.disk, accepted: again.accepted }).toEqual({ disk: 'good', accepted: [32, 1] })
  })

  test('a write that goes astray costs a copy, or at worst the acceptor', () => {
    const story = (victim: number): string => `${n0Proposes}
      flush n0
      n0→n1 accept ballot=32 value=v1
      misdirect n1 the last append lands on record ${victim}
      flush n1
      n1→n0 accepted ballot=32
      crash n1
      restart n1
    `
    for (const victim of [0, 1]) {
      const { disk, broken, skipped } = acceptedAt(story(victim))
      expect({ disk, broken, skipped }).toEqual({ disk: 'lost', broken: [], skipped: [] })
    }
  })

  test('an acceptor whose flush failed answers when what it appended anew is stored', () => {
    const failed = `${n0Proposes}
      flush n0
      n0→n1 accept ballot=32 value=v1
      fail-flush n1
    `
    expect(tell(`${failed} n1→n0 accepted ballot=32`, undefined, disks).skipped).toEqual([
      'n1→n0 accepted ballot=32',
    ])
    const { accepted, skipped } = acceptedAt(
      `${failed} flush n1 \n n1→n0 accepted ballot=32 \n crash n1 \n restart n1`,
    )
    expect({ accepted, skipped }).toEqual({ accepted: [32, 1], skipped: [] })
  })

  test('an acceptor says nothing before its disk has answered', () => {
    const { skipped } = tell('invoke c0\nrequest c0→n0\nn0→n1 prepare', undefined)
    expect(skipped).toEqual(['n0→n1 prepare'])
  })
})
