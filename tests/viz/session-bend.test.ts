// Leaving the recorded path: what is bent in the session is a run like any other, which the CLI's replay follows.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systems } from '../../protocol/index.js'
import { decodeTrace, replayStrict } from '../../sim/trace/index.js'
import {
  type BranchId,
  type EnabledAction,
  type SessionClient,
  type SessionEvent,
  StepFlag,
  Truth,
} from '../../viz/session/protocol.js'
import { indexed, openTraced, sessionOf } from './session-client.js'

let session: SessionClient
beforeEach(() => {
  session = sessionOf()
})
afterEach(() => {
  session.close()
})

/** What `aviary replay` would find in a branch that is saved. */
async function replayed(branch: BranchId) {
  const { bytes, fileName } = await session.call('save', { branch })
  expect(fileName).toMatch(/^[\w.-]+\.aviary$/)
  const trace = decodeTrace(bytes)
  return replayStrict(
    systems.find(({ name }) => name === trace.header.system)!,
    trace,
  )
}
const ref = ({ site, subject }: EnabledAction) => ({ site, subject })

describe('by hand', () => {
  test('a chosen action makes a branch, the next one lets it grow, and what is saved replays', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    const enabled = await session.call('enabled', { branch: branch.branch, at: 20 })
    const taken = (await session.call('describe', { branch: branch.branch, actions: [20] }))[0]!
    // What the trace does next is among what can be done, and so is something else.
    expect(enabled.map(ref)).toContainEqual({ site: taken.site, subject: taken.subject })
    const { branch: bent, world } = await takeAny(branch.branch, 20, taken.site)
    expect(world).toBeNull()
    expect(bent).toMatchObject({ parent: branch.branch, forkedAt: 20, length: 21 })
    const { branch: grown } = await takeAny(bent.branch, 21, '')
    expect(grown).toMatchObject({ branch: bent.branch, length: 22 })
    expect((await replayed(bent.branch)).outcome).toBe('reproduced')
    const { common, actions } = await session.call('compare', { branches: [branch.branch, bent.branch] })
    expect(common).toBe(20)
    expect(actions[0]!.site).toBe(taken.site)
    expect(actions[1]!.site).not.toBe(taken.site)
    // The trace that it left is what it was.
    expect((await replayed(branch.branch)).outcome).toBe('reproduced')
  })

  /** Takes the first enabled action, of another site, that changes something. */
  async function takeAny(branch: BranchId, at: number, but: string) {
    for (const action of await session.call('enabled', { branch, at })) {
      if (action.site === but) continue
      try {
        return await session.call('take', { branch, at, actions: [ref(action)] })
      } catch (error) {
        expect(error).toMatchObject({ code: 'impossible' })
      }
    }
    throw new Error('nothing else is possible')
  }

  test('a crash that the budget does not hold makes a world that has it, on the same path', async () => {
    const { branch } = await session.call('open', {
      fresh: { system: 'apus', faults: 'none', nodes: 3, actions: 60 },
    })
    const enabled = await session.call('enabled', { branch: branch.branch, at: 30, faults: true })
    const crash = enabled.find(({ kind, node }) => kind === 'crash' && node === 0)!
    expect(crash.needsBudget).toBe('crash')
    await expect(session.call('enabled', { branch: branch.branch, at: 30 })).resolves.not.toContainEqual(
      expect.objectContaining({ kind: 'crash' }),
    )
    const bent = await session.call('take', { branch: branch.branch, at: 30, actions: [ref(crash)] })
    expect(bent.world!.budget).toMatchObject({ crash: 1 })
    expect(bent.branch).toMatchObject({ title: 'crash added at 30', forkedAt: 30, length: 31, remarks: [] })
    const { nodes } = await session.call('state', { branch: bent.branch.branch, at: 31 })
    expect(nodes.map(({ status }) => status)).toEqual(['down', 'up', 'up'])
    expect((await replayed(bent.branch.branch)).outcome).toBe('reproduced')
  })

  test('a history that is judged anew after each action is no change of an invariant', async () => {
    let { branch } = await session.call('open', {
      fresh: { system: 'apus', faults: 'none', nodes: 3, actions: 12 },
    })
    const flagged = async () =>
      (await session.call('steps', { branch: branch.branch, from: 0, to: branch.length })).flags
    for (let more = 0; more < 5; more++) {
      ;({ branch } = await takeAny(branch.branch, branch.length, ''))
      await indexed(session, branch.branch)
    }
    expect((await session.call('branches', {})).at(-1)!.violation).toBeNull()
    const range = { branch: branch.branch, from: 0, to: branch.length, limit: 100 }
    expect((await session.call('marks', { ...range, kinds: ['invariant'] })).marks).toEqual([])
    expect([...(await flagged())].filter((flags) => (flags & StepFlag.invariantChange) !== 0)).toEqual([])
    const { rows } = await session.call('truth', { branch: branch.branch })
    // Of each property one stretch; the history has been judged, and holds.
    const stretches = rows.map(({ from, value }) => [[...from], [...value]])
    expect(stretches).toContainEqual([[0], [Truth.holds]])
    for (const [from] of stretches.slice(0, -1)) expect(from).toEqual([0])
  })

  test('what is not possible is refused, and leaves everything as it was', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    const before = await session.call('state', { branch: branch.branch, at: 5 })
    await expect(
      session.call('take', { branch: branch.branch, at: 5, actions: [{ site: 'poll n0', subject: 77 }] }),
    ).rejects.toMatchObject({ code: 'impossible' })
    await expect(
      session.call('take', { branch: branch.branch, at: 5, actions: [{ site: 'poll n9', subject: 0 }] }),
    ).rejects.toMatchObject({ code: 'request', field: 'actions' })
    expect(await session.call('state', { branch: branch.branch, at: 5 })).toEqual(before)
    expect(await session.call('branches', {})).toHaveLength(1)
  })
})

test('a search from a chosen step finds the violation of a wrong variant, and its branch replays', async () => {
  const fresh = { system: 'rdma-register', variant: 'missing-checksum', seed: 3, actions: 12 } as const
  const { branch } = await session.call('open', { fresh })
  expect(branch.violation).toBeNull()
  let told = 0
  const { found, runs } = await session.call(
    'explore',
    { branch: branch.branch, at: branch.length, runs: 4_000, milliseconds: 50_000 },
    {
      onProgress: ({ done, total, runs: soFar }) => {
        expect(done).toBeLessThanOrEqual(total)
        expect(soFar).toBeGreaterThanOrEqual(told)
        told = soFar
      },
    },
  )
  expect(runs).toBeGreaterThan(0)
  expect(found!.branch).toMatchObject({ parent: branch.branch, forkedAt: branch.length, origin: 'explored' })
  await indexed(session, found!.branch.branch)
  const info = (await session.call('branches', {})).find((each) => each.branch === found!.branch.branch)!
  expect(info.violation).not.toBeNull()
  const replay = await replayed(info.branch)
  expect(replay).toMatchObject({ outcome: 'reproduced', violation: { name: info.violation!.name } })
})

test('the right protocol, explored from the same step, violates nothing', async () => {
  const { branch } = await session.call('open', { fresh: { system: 'rdma-register', seed: 3, actions: 12 } })
  const { found, runs } = await session.call('explore', {
    branch: branch.branch,
    at: branch.length,
    runs: 100,
  })
  expect({ found, runs }).toEqual({ found: null, runs: 100 })
})

describe('inevitability', () => {
  test('a continuation from the violation always fails; one from the start of the right protocol never', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    const end = branch.violation!.at
    const wrong = await session.call('estimate', { branch: branch.branch, positions: [0, end], runs: 6 })
    expect([...wrong.runs]).toEqual([6, 6])
    expect(wrong.failed[1]).toBe(6)
    expect(wrong.failed[0]).toBeLessThan(6)
    expect(wrong.method).toContain('estimate')
    const right = await session.call('open', { fresh: { system: 'apus', nodes: 3, actions: 80 } })
    const { failed } = await session.call('estimate', {
      branch: right.branch.branch,
      positions: [0, 80],
      runs: 4,
    })
    expect([...failed]).toEqual([0, 0])
  })
})

describe('another setup', () => {
  test('the right protocol, led along the path of a wrong variant, violates nothing', async () => {
    const { branch } = await openTraced(session, 'completion-is-acknowledgement')
    const { branch: right, world } = await session.call('alter', {
      branch: branch.branch,
      at: branch.length,
      variant: null,
    })
    expect(world!.variant).toBeNull()
    await indexed(session, right.branch)
    expect((await session.call('branches', {})).at(-1)!.violation).toBeNull()
    expect(right.parent).toBe(branch.branch)
    expect(right.title).toBe('the right protocol')
    expect((await replayed(right.branch)).outcome).toBe('reproduced')
  })

  test('a knob that is none, a value that it does not have, and a wrong parameter are refused by field', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    const at = { branch: branch.branch, at: 3 }
    await expect(session.call('alter', { ...at, knobs: { speed: 'fast' } })).rejects.toMatchObject({
      field: 'knobs.speed',
    })
    await expect(session.call('alter', { ...at, knobs: { poll: 'never' } })).rejects.toMatchObject({
      field: 'knobs.poll',
    })
    await expect(session.call('alter', { ...at, parameters: { clients: 9999 } })).rejects.toMatchObject({
      field: 'parameters.clients',
    })
  })

  test('a rule of the hardware that is switched off is in the world of the branch', async () => {
    const { branch } = await openTraced(session, 'longest-log-wins')
    const { branch: bent, world } = await session.call('alter', {
      branch: branch.branch,
      at: 3,
      knobs: { broken: ['clocks-drift'] },
    })
    expect(world!.knobs['broken']).toEqual(['clocks-drift'])
    expect(bent.title).toBe('broken clocks-drift')
  })
})

test('an action that is moved to where it was changes nothing; one that is moved behind another one changes their order', async () => {
  const { branch } = await openTraced(session, 'longest-log-wins')
  const same = await session.call('move', { branch: branch.branch, action: 10, to: 10 })
  expect(same.branch).toMatchObject({ length: branch.length, forkedAt: branch.length, remarks: [] })
  const moved = await session.call('move', { branch: branch.branch, action: 10, to: 14 })
  expect(moved.branch.forkedAt).toBeLessThanOrEqual(branch.length)
  expect((await replayed(moved.branch.branch)).outcome).toBe('reproduced')
})

test('going on by seed is repeatable, and healing lets every node run', async () => {
  const { branch } = await openTraced(session, 'older-view-committed')
  const on = { branch: branch.branch, at: 20, seed: 5, actions: 120 }
  const [first, second] = [await session.call('goOn', on), await session.call('goOn', on)]
  const { common } = await session.call('compare', { branches: [first.branch.branch, second.branch.branch] })
  expect(first.branch.length).toBeGreaterThan(20)
  expect(common).toBe(first.branch.length)
  expect((await replayed(first.branch.branch)).outcome).toBe('reproduced')
  const healed = await session.call('heal', { branch: branch.branch, at: branch.length - 1 })
  const { nodes, cuts } = await session.call('state', {
    branch: healed.branch.branch,
    at: healed.branch.length,
  })
  expect(nodes.map(({ status }) => status)).toEqual(nodes.map(() => 'up'))
  expect(cuts).toEqual([])
})

test('a long story of a violation is made shorter', async () => {
  const { branch } = await openTraced(session, 'read-unconfirmed')
  await indexed(session, branch.branch)
  const { branch: short } = await session.call('shrink', { branch: branch.branch })
  expect(short.length).toBeLessThanOrEqual(branch.length)
  expect(await replayed(short.branch)).toMatchObject({
    outcome: 'reproduced',
    violation: { name: 'linearizable' },
  })
})

describe('the session', () => {
  test('forgets a branch with all that left it, and tells of every change', async () => {
    const events: SessionEvent[] = []
    const end = session.onEvent((event) => events.push(event))
    const { branch } = await openTraced(session, 'longest-log-wins')
    const { branch: bent } = await session.call('goOn', { branch: branch.branch, at: 9, seed: 1, actions: 9 })
    await session.call('goOn', { branch: bent.branch, at: 12, seed: 1, actions: 9 })
    await session.call('rename', { branch: branch.branch, title: 'mine' })
    expect(events.flatMap((event) => (event.kind === 'branch' ? [event.branch.title] : []))).toContain('mine')
    end()
    expect((await session.call('close', { branch: branch.branch })).closed).toHaveLength(3)
    expect(await session.call('branches', {})).toEqual([])
  })

  test('a call that is cancelled fails, and the session goes on', async () => {
    const { branch } = await session.call('open', { fresh: { system: 'apus', nodes: 3, actions: 50 } })
    const abort = new AbortController()
    const search = session.call(
      'explore',
      { branch: branch.branch, at: 10, runs: 1_000_000, milliseconds: 600_000 },
      { signal: abort.signal, onProgress: () => abort.abort() },
    )
    await expect(search).rejects.toMatchObject({ code: 'cancelled' })
    expect(await session.call('branches', {})).toHaveLength(1)
  })

  test('a session that is closed says so to whoever waits', async () => {
    const waiting = session.call('open', { fresh: { system: 'apus' } })
    session.close()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    await expect(session.call('branches', {})).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('short calls pass a long one', async () => {
    const { branch } = await session.call('open', { fresh: { system: 'apus', nodes: 3, actions: 50 } })
    const abort = new AbortController()
    let isOver = false
    const long = session
      .call(
        'explore',
        { branch: branch.branch, at: 0, runs: 1_000_000, milliseconds: 600_000 },
        { signal: abort.signal },
      )
      .catch(() => undefined)
      .finally(() => (isOver = true))
    await session.call('state', { branch: branch.branch, at: 25 })
    expect(isOver).toBe(false)
    abort.abort()
    await long
  })
})
