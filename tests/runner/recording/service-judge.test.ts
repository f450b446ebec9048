/** What callers of a service saw, judged by replays: a right history, and histories that were made wrong in one place. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { AppliedRequest, OperationGroup, ServiceHistory, ServiceModel } from '../../../protocol/index.js'
import { type NodeReplay, Outcome, type Recording, ServiceJudge } from '../../../runner/index.js'
import { Recorder, originAt } from '../../../runner/recording/recorder.js'
import { InProcess } from '../cluster-in-process.js'
import { SwappingGroup } from '../swapping-group.js'
import { MemorySink, apus, headerOf, parameters, replay } from './support.js'

const nodes = 3
const [SET, GET, INCREMENT] = [1, 0, 2]

/** An operation of the store: one plain command about a key. */
function operationOf(kind: number, key: number, value: number): Uint8Array {
  const code = kind === SET ? 9 : kind === GET ? 0 : 13
  const bytes = new Uint8Array(kind === SET ? 40 : kind === GET ? 32 : 40)
  const view = new DataView(bytes.buffer)
  view.setUint16(12, 1, true)
  let at = 16
  view.setUint8(at, code)
  view.setUint8(at + 1, kind === INCREMENT ? 128 : 0)
  view.setUint16(at + 2, kind === SET ? 2 : 1, true)
  at += 4
  if (kind === INCREMENT) {
    view.setInt32(at, 1, true)
    at += 8
  }
  view.setUint32(at, 1, true)
  view.setUint8(at + 4, 97 + key)
  if (kind === SET) {
    view.setUint32(at + 8, 1, true)
    view.setUint8(at + 12, 48 + (value % 10))
  }
  return bytes
}

interface Recorded {
  readonly model: ServiceModel
  readonly recordings: readonly Recording[]
}

/**
 * Callers of all nodes at the same time; half way through the leader is killed, and comes back. Its first life is cut.
 *
 * @param reads 0 through the log, 1 confirmed by a majority
 * @param atOnce what a node is asked between two turns
 */
function record(
  reads: number,
  kills: boolean,
  atOnce = 1,
  newGroup?: (model: ServiceModel) => OperationGroup,
): Recorded {
  const built = apus.service!.build({ nodes, parameters: { ...parameters, reads } })
  const model = newGroup === undefined ? built : { ...built, newGroup: () => newGroup(built) }
  const lives: {
    recorder: Recorder
    sink: MemorySink
    node: number
    incarnation: number
    header: Recording['header']
  }[] = []
  const cluster = new InProcess(model, nodes, (node, incarnation) => {
    const sink = new MemorySink()
    const header = headerOf(node, model, false, incarnation)
    const recorder = new Recorder(sink, nodes, originAt(BigInt(header.begunNanos)))
    lives.push({ recorder, sink, node, incarnation, header })
    return {
      tap: recorder,
      noted: (kind, client, sequence, from, length) => {
        recorder.caller(kind, client, sequence, from, length)
      },
    }
  })
  try {
    let asked = 0
    let under = 0
    const ask = (node: number): void => {
      const replica = cluster.replicas[node]
      if (replica === undefined) return
      const n = asked++
      under++
      const operation = operationOf([SET, GET, INCREMENT, GET][n % 4]!, n % 4 < 2 ? n % 3 : 3 + (n % 2), n)
      replica.propose(operation, operation.length, (outcome) => {
        under--
        if (outcome !== Outcome.done && !kills) throw new Error(`operation ${String(n)}: ${String(outcome)}`)
      })
    }
    const work = (until: number): void => {
      while (asked < until) {
        for (const { recorder } of lives) recorder.tick(performance.now())
        for (let node = 0; node < nodes; node++) for (let k = 0; k < atOnce; k++) if (under < 12) ask(node)
        cluster.until(() => under < 12, 'an answer')
      }
      cluster.until(() => under === 0, 'all answers')
    }
    cluster.until(() => cluster.leader() >= 0, 'a leader')
    work(150)
    if (kills) {
      const leader = cluster.leader()
      cluster.kill(leader)
      cluster.until(() => cluster.leader() >= 0, 'another leader')
      work(200)
      cluster.restart(leader)
      work(300)
    }
    for (const { recorder, incarnation, node } of lives)
      if (incarnation > 0 || !lives.some((life) => life.node === node && life.incarnation > 0)) recorder.end()
  } finally {
    cluster.close()
  }
  const recordings = lives.map(({ sink, node, incarnation, header }): Recording => {
    const isCut = lives.some((life) => life.node === node && life.incarnation > incarnation)
    const stream = Uint8Array.from(sink.pieces.flatMap((piece) => [...piece]))
    return { path: `node ${String(node)}`, header, stream, ending: isCut ? 'cut' : 'whole', lost: 0 }
  })
  return { model, recordings }
}

/** Replays and judges; a test may bend what was seen in between. */
function judged(
  { model, recordings }: Recorded,
  bend: (replays: NodeReplay[]) => void = () => undefined,
  history: (of: ServiceHistory, node: () => number) => ServiceHistory = (of) => of,
) {
  let current = 0
  const judge = new ServiceJudge(history(model.history!, () => current))
  const replays = recordings.map((recording) => {
    current = recording.header.node
    return replay(recording, model, judge.watcher(current))
  })
  for (const { divergence } of replays) expect(divergence).toBeUndefined()
  bend(replays)
  const isWhole = recordings.every(({ ending }) => ending === 'whole')
  return judge.judge(replays, isWhole)
}

/** Every operation that returned, as its events. */
function returned(replays: readonly NodeReplay[]) {
  return replays.flatMap(({ clients }) =>
    [...clients.values()].flatMap((events) =>
      events.flatMap((event, i) => {
        const call = events[i - 1]
        return event.kind === 'return' && call?.request !== undefined
          ? [
              {
                events,
                at: i - 1,
                request: call.request,
                called: call.at,
                returned: event.at,
                reply: event.reply!,
              },
            ]
          : []
      }),
    ),
  )
}
/** As if the nodes had run on machines of their own: each on a clock that is an hour ahead of the one before. */
function onOwnClocks(replays: NodeReplay[], names: (node: number) => string): void {
  replays.forEach((each, i) => {
    const { node } = each.recording.header
    const ahead = BigInt(node) * 3_600_000_000_000n
    const header = { ...each.recording.header, clock: names(node) }
    const clients = new Map(
      [...each.clients].map(([client, events]) => [
        client,
        events.map((event) => ({ ...event, at: event.at + ahead })),
      ]),
    )
    replays[i] = { ...each, clients, recording: { ...each.recording, header } }
  })
}
type Events = { splice: (at: number, count: number, ...more: unknown[]) => unknown }

/** The write that returned first was called, it now says, after the one that was called last had returned. */
function moveFirstWriteLast(replays: readonly NodeReplay[]): void {
  const writes = returned(replays).filter(({ request }) => request[16] === 9)
  const first = writes.reduce((a, b) => (a.returned < b.returned ? a : b))
  const last = writes.reduce((a, b) => (a.called > b.called ? a : b)).returned
  const [call, end] = first.events.slice(first.at, first.at + 2)
  ;(first.events as unknown as Events).splice(
    first.at,
    2,
    { ...call, at: last + 1n },
    { ...end, at: last + 2n },
  )
}

describe.each([
  ['through the log', 0],
  ['confirmed by a majority', 1],
] as const)('callers of all nodes, reads %s', (_, reads) => {
  let recorded: Recorded
  beforeAll(() => {
    recorded = record(reads, false)
  }, 60_000)

  test('are explained by what the replicas applied', () => {
    const verdict = judged(recorded)
    expect(verdict).toMatchObject({ verdict: 'linearizable', reason: undefined, unknown: 0 })
    expect(verdict.operations).toBeGreaterThanOrEqual(150)
  })

  test('another reply to a write is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      returned(replays).find(({ request }) => request[16] === 13)!.reply[12]! ^= 1
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/was applied at index \d+, where the answer is/)
  })

  test('another reply to a read is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      const read = returned(replays).findLast(
        ({ request, reply }) => request[16] === 0 && reply.length > 16 - 1,
      )!
      const { reply } = read
      reply[8] = reply[8] === 0 ? 3 : 0
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(
      reads === 0 ? /where the answer is/ : /nothing that was applied explains the answer/,
    )
  })

  test('an operation that was asked for after a later one had returned is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      moveFirstWriteLast(replays)
    })
    expect(verdict).toBe('violated')
    // A read that must stand between the two may be met first.
    expect(reason).toMatch(
      reads === 0
        ? /was asked for after .* had returned, and was applied before it/
        : /was applied before it|nothing that was applied explains the answer/,
    )
  })

  test('times of different clocks are not compared, those of one are', () => {
    const own = (node: number): string => `clock ${String(node)}`
    const verdict = judged(recorded, (replays) => {
      onOwnClocks(replays, own)
    })
    expect(verdict).toMatchObject({ verdict: 'sequential', reason: undefined })
    const mistaken = judged(recorded, (replays) => {
      onOwnClocks(replays, () => 'one clock')
    })
    expect(mistaken.verdict).toBe('violated')
    const { verdict: late } = judged(recorded, (replays) => {
      onOwnClocks(replays, own)
      moveFirstWriteLast(replays.slice(0, 1))
    })
    expect(late).toBe('violated')
  })

  test('a request that nobody made is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      const write = returned(replays).find(({ request }) => request[16] === 9)!
      ;(write.events as unknown as Events).splice(write.at, 2)
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/nobody asked for it/)
  })

  test('an operation that was answered and never applied is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      const {
        events,
        at,
        called,
        returned: end,
        reply,
      } = returned(replays).find(({ request }) => request[16] === 9)!
      ;(events as unknown as Events).splice(
        at + 2,
        0,
        { kind: 'call', operation: 999_999, at: called, request: operationOf(SET, 1, 1) },
        { kind: 'return', operation: 999_999, at: end, reply },
      )
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/was answered, and nothing that was applied explains the answer/)
  })

  test('replicas that applied different entries are found', () => {
    const bent = (of: ServiceHistory, node: () => number): ServiceHistory => ({
      ...of,
      requestAt(state, index): AppliedRequest | undefined {
        const request = of.requestAt(state, index)
        return node() === 1 && request !== undefined && index > 40
          ? { ...request, sequence: request.sequence + 1 }
          : request
      },
    })
    const { verdict, reason } = judged(recorded, undefined, bent)
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/applied at index \d+ .*, and another /)
  })

  test('an entry that no recorded replica applied leaves it open', () => {
    const { model, recordings } = recorded
    const judge = new ServiceJudge(model.history!)
    const watch = judge.watcher(0)
    const late: typeof watch = (effect, state) => {
      if (effect.numbers[1]! > 20) watch(effect, state)
    }
    const replays = [replay(recordings[0]!, model, late)]
    expect(judge.judge(replays, true)).toMatchObject({
      verdict: 'unknown',
      reason: 'No recorded replica applied the entry at index 1.',
    })
  })
})

test(
  'callers are explained across the death of a leader, whose last moments are missing',
  { timeout: 60_000 },
  () => {
    const recorded = record(1, true)
    expect(recorded.recordings.length).toBe(nodes + 1)
    expect(judged(recorded)).toMatchObject({ verdict: 'linearizable', reason: undefined })
  },
)

describe('callers whose operations were ordered as one', () => {
  let recorded: Recorded
  beforeAll(() => {
    recorded = record(1, false, 4)
  }, 60_000)

  /** Callers of each client number and sequence of which there are several. */
  const groupsOf = (replays: readonly NodeReplay[]) =>
    replays.flatMap(({ clients }) =>
      [...clients.values()].flatMap((events) =>
        [...new Set(events.map(({ operation }) => operation))]
          .map((sequence) => ({ events, its: events.filter(({ operation }) => operation === sequence) }))
          .filter(({ its }) => its.length > 2),
      ),
    )

  test('are judged one by one', () => {
    let groups = 0
    const verdict = judged(recorded, (replays) => {
      groups = groupsOf(replays).length
    })
    expect(verdict).toMatchObject({ verdict: 'linearizable', reason: undefined, unknown: 0 })
    expect(verdict.operations).toBeGreaterThanOrEqual(150)
    // Each node was asked for two writes before the first turn.
    expect(groups).toBeGreaterThanOrEqual(nodes)
  })

  test('another reply to one of them is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      const increments = groupsOf(replays).flatMap(({ its }) => {
        const ends = its.filter(({ kind }) => kind === 'return')
        return its.flatMap(({ request }, k) => (request?.[16] === 13 ? [ends[k]!] : []))
      })
      increments[0]!.reply![12]! ^= 1
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/was applied at index \d+, where the answer is/)
  })

  test('one of them that was not asked for is found', () => {
    const { verdict, reason } = judged(recorded, (replays) => {
      const { events, its } = groupsOf(replays)[0]!
      const [call, end] = [its[0]!, its.find(({ kind }) => kind === 'return')!]
      for (const event of [call, end]) (events as unknown as Events).splice(events.indexOf(event), 1)
    })
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/was asked for, and .* applied at index/)
  })

  test('are no riddle where a life was cut among their calls, and are where it was not', () => {
    const cut = (replays: NodeReplay[]): void => {
      const { events, its } = groupsOf(replays)[0]!
      // Of all callers of the group the first is known, and that it asked.
      ;(events as unknown as Events).splice(events.indexOf(its[1]!), its.length - 1)
    }
    const { model, recordings } = recorded
    expect(judged(recorded, cut).verdict).toBe('violated')
    const ending = 'cut' as const
    const whole = { model, recordings: recordings.map((each) => ({ ...each, ending })) }
    expect(judged(whole, cut)).toMatchObject({ verdict: 'linearizable', unknown: 1 })
  })

  test('are found out where their replies are handed out in the wrong order', () => {
    const wrong = record(1, false, 4, (model) => new SwappingGroup(model))
    const { verdict, reason } = judged(wrong)
    expect(verdict).toBe('violated')
    expect(reason).toMatch(/where the answer is/)
  })
})
