// The states that the session shows are those of the run, compared with plain executions of the same schedule.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Trace, decodeTrace, encodeTrace } from '../../sim/trace/index.js'
import { type SessionClient, Truth } from '../../viz/session/protocol.js'
import { indexed, longRun, openTraced, sessionOf, statesOf, tracedAs } from './session-client.js'

let session: SessionClient
beforeEach(() => {
  session = sessionOf()
})
afterEach(() => {
  session.close()
})

describe('states', () => {
  test('stepping back and jumping about gives the bytes of a run from the start', async () => {
    const bytes = await longRun(session)
    const { run, states } = statesOf(decodeTrace(bytes))
    const { branch, world } = await session.call('open', { bytes })
    expect(branch.length).toBe(states.length - 1)
    const end = branch.length
    const jumps = Array.from({ length: 12 }, (_, i) => (i * 997) % (end + 1))
    for (const at of [end, end - 1, end - 2, 0, 1, end, 2048, 2047, 2049, ...jumps]) {
      const parts = world.parts.filter((_, i) => i % 7 === at % 7)
      for (const { name } of parts) {
        const part = run.world.memory.parts.find((each) => each.name === name)!
        const { bytes } = await session.call('bytes', { branch: branch.branch, at, part: name })
        expect(Buffer.compare(bytes, states[at]!.subarray(part.offset, part.offset + part.sizeBytes))).toBe(0)
      }
    }
  })

  test('fingerprints are those of the states, whichever way they are reached', async () => {
    const { branch } = await openTraced(session, 'suffix-trusted')
    const fingerprints = async (order: readonly number[]) => {
      const found = new Map<number, number>()
      for (const at of order)
        found.set(at, (await session.call('state', { branch: branch.branch, at })).fingerprint)
      return [...found].sort(([a], [b]) => a - b)
    }
    const forwards = Array.from({ length: branch.length + 1 }, (_, at) => at)
    const there = await fingerprints(forwards)
    expect(await fingerprints([...forwards].reverse())).toEqual(there)
    expect(new Set(there.map(([, fingerprint]) => fingerprint)).size).toBeGreaterThan(branch.length / 2)
  })

  test('a violated invariant says why with the values, at the step where it breaks and not before', async () => {
    const trace = tracedAs('longest-log-wins')
    const { branch, world } = await openTraced(session, 'longest-log-wins')
    const row = world.properties.findIndex(({ name }) => name === trace.violation!.name)
    const at = async (position: number) =>
      (await session.call('state', { branch: branch.branch, at: position })).properties[row]!
    expect(await at(branch.length)).toEqual({
      property: row,
      truth: Truth.violated,
      reason: trace.violation!.reason,
    })
    expect(await at(branch.length - 1)).toEqual({ property: row, truth: Truth.holds, reason: '' })
  })

  test('the log of a replica is a ring with head, commit and end, and what lands in it is marked', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    let changed = 0
    for (let at = 1; at <= branch.length; at++) {
      const { nodes, previous } = await session.call('state', { branch: branch.branch, at })
      for (const { rings, node } of nodes)
        for (const ring of rings) {
          const index = (name: string): number | undefined =>
            ring.marks.find((mark) => mark.name === name)?.index
          expect(index('end')).toBeGreaterThan(index('commit') ?? 0)
          for (const entry of ring.entries) {
            expect(entry.offset + entry.sizeBytes).toBeLessThanOrEqual(ring.sizeBytes)
            if (entry.state === 'seen') expect(entry.index).toBe(index('end'))
            if (entry.changed) {
              changed++
              expect(previous!.node).toBe(node)
            }
          }
        }
    }
    expect(changed).toBeGreaterThan(0)
  })

  test('work requests in flight name their arrow, whose pieces begin before and go on behind', async () => {
    const { branch } = await session.call('open', { bytes: await longRun(session) })
    await indexed(session, branch.branch)
    const arrows = await session.call('arrows', { branch: branch.branch, from: 0, to: branch.length })
    let seen = 0
    for (let at = 1; at < branch.length; at += 5) {
      const { queuePairs } = await session.call('state', { branch: branch.branch, at })
      for (const { requests } of queuePairs)
        for (const request of requests) {
          const i = arrows.id.indexOf(request.arrow)
          expect(i).toBeGreaterThanOrEqual(0)
          expect(arrows.first[i]).toBeLessThan(at)
          // What is done at the responder waits for the word of a later one where it is not signalled.
          const isDoneThere = request.phase === 'executed' || request.phase.startsWith('acknowledged')
          expect(arrows.fate[i] !== 1 || arrows.last[i]! >= at || isDoneThere).toBe(true)
          seen++
        }
    }
    expect(seen).toBeGreaterThan(20)
  })
})

describe('a file is not trusted for what its run shows', () => {
  const whole = tracedAs('longest-log-wins')
  const remarksOf = async (trace: Trace): Promise<readonly string[]> => {
    const { branch } = await session.call('open', { bytes: encodeTrace(trace) })
    await indexed(session, branch.branch)
    const info = (await session.call('branches', {})).find((each) => each.branch === branch.branch)!
    // Whatever the file says, the run is shown.
    expect(info.violation).toMatchObject({ name: whole.violation!.name, at: whole.violation!.at })
    return info.remarks
  }

  test('nothing is remarked where it tells the truth', async () => {
    expect(await remarksOf(whole)).toEqual([])
  })

  test('a state that is another one than was recorded is told, with the steps between which it changed', async () => {
    const fingerprints = whole.fingerprints.slice()
    const last = fingerprints.length - 1
    fingerprints[last]! ^= 1
    const remarks = await remarksOf({ ...whole, fingerprints, image: undefined })
    expect(remarks).toHaveLength(1)
    const from = (last - 1) * whole.header.fingerprintEvery
    const between = from === whole.actions.length - 1 ? 'After step' : `Somewhere in steps ${String(from)} to`
    expect(remarks[0]).toContain(between)
    expect(remarks[0]).toContain(`by ${whole.header.createdBy}`)
    expect(remarks[0]).toContain('What is shown is this run')
  })

  test('a last state that is another one is told with field and values', async () => {
    const { run } = statesOf(tracedAs('longest-log-wins'))
    const image = whole.image!.slice()
    const part = run.world.memory.parts.find(({ kind }) => kind === 'private')!
    image[part.offset]! ^= 1
    const remarks = await remarksOf({ ...whole, image })
    expect(remarks).toHaveLength(1)
    expect(remarks[0]).toMatch(/differs in \S+ \(recorded .*, replayed /)
  })

  test('a violation that the run does not show, or shows elsewhere, is told', async () => {
    const violation = { ...whole.violation!, at: whole.violation!.at - 1 }
    expect(await remarksOf({ ...whole, violation })).toEqual([
      `The trace tells of ${violation.name} violated at ${String(violation.at)}, this run shows ${violation.name} violated at ${String(violation.at + 1)}. What is shown is this run, not what the file says.`,
    ])
    const remarks = await remarksOf({ ...whole, violation: undefined })
    expect(remarks[0]).toContain('tells of no violation, this run shows')
  })

  test('memory that is laid out in another way is told, and the run is shown all the same', async () => {
    const [first, ...others] = whole.header.parts
    const header = { ...whole.header, parts: [{ ...first!, layout: (first!.layout ^ 1) >>> 0 }, ...others] }
    const remarks = await remarksOf({ ...whole, header })
    expect(remarks[0]).toContain(`${first!.name} is not laid out as in the trace`)
  })
})
