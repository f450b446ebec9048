// What the session shows of a run is what the run is: compared with plain executions of the same schedule.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systems } from '../../protocol/index.js'
import { type NamedAction, Run, actionKinds, isFaultKind, spaceTimeTable } from '../../sim/index.js'
import { decodeTrace, replayStrict } from '../../sim/trace/index.js'
import { armedChoice } from '../../sim/trace/trace.js'
import {
  type Methods,
  type SessionClient,
  SessionError,
  StepFlag,
  Truth,
  pieceKinds,
} from '../../viz/session/protocol.js'
import { indexed, longRun, openTraced, sessionOf, statesOf, traceBytes, tracedAs } from './session-client.js'

let session: SessionClient
beforeEach(() => {
  session = sessionOf()
})
afterEach(() => {
  session.close()
})

const apus = systems.find(({ name }) => name === 'apus')!

describe('the diagram', () => {
  test('columns, overview and marks tell of the same actions', async () => {
    const { actions } = statesOf(tracedAs('conflict-kept'))
    const { branch, world } = await openTraced(session, 'conflict-kept')
    await indexed(session, branch.branch)
    const range = { branch: branch.branch, from: 0, to: branch.length }
    const steps = await session.call('steps', range)
    expect([...steps.site].map((site) => world.sites[site]!.name)).toEqual(actions.map(({ site }) => site))
    expect([...steps.kind].map((kind) => world.kinds[kind])).toEqual(actions.map(({ site }) => kindOf(site)))
    const faults = actions.flatMap(({ site }, i) => (isFaultKind(kindOf(site)) ? [i] : []))
    expect([...steps.flags].flatMap((flags, i) => ((flags & StepFlag.fault) === 0 ? [] : [i]))).toEqual(
      faults,
    )
    const { marks } = await session.call('marks', { ...range, kinds: ['fault'] })
    expect(marks.map(({ action }) => action)).toEqual(faults)
    const overview = await session.call('overview', { ...range, buckets: 10 })
    expect(overview.counts.reduce((sum, count) => sum + count, 0)).toBe(branch.length)
    for (const [lane] of world.lanes.entries()) {
      const drawn = [...steps.lane].filter((each) => each === lane).length
      const row = overview.counts.subarray(lane * 10, lane * 10 + 10)
      expect(row.reduce((sum, count) => sum + count, 0)).toBe(drawn)
    }
  })

  test('an arrow goes from its post over placements to its end, between the nodes that its actions name', async () => {
    const bytes = await longRun(session)
    const { actions } = statesOf(decodeTrace(bytes))
    const { branch, world } = await session.call('open', { bytes })
    await indexed(session, branch.branch)
    const arrows = await session.call('arrows', { branch: branch.branch, from: 0, to: branch.length })
    let placements = 0
    arrows.id.forEach((_, i) => {
      const pieces = [...arrows.pieceAction.subarray(arrows.pieceStart[i], arrows.pieceStart[i + 1])]
      const kinds = [...arrows.pieceKind.subarray(arrows.pieceStart[i], arrows.pieceStart[i + 1])].map(
        (kind) => pieceKinds[kind]!,
      )
      expect(pieces).toEqual([...pieces].sort((a, b) => a - b))
      if (arrows.first[i]! >= 0) expect(kinds[0]).toBe('post')
      const name = (lane: number): string => world.lanes[lane]!.name.split(' ')[0]!
      const path = `${name(arrows.source[i]!)}→${name(arrows.target[i]!)}`
      kinds.forEach((kind, k) => {
        if (kind === 'post') return
        const { site } = actions[pieces[k]!]!
        if (kind === 'place') placements++
        if (site.includes('→')) expect(site).toContain(path)
      })
    })
    expect(placements).toBeGreaterThan(10)
  })

  test('the truth of a history turns at the reply that cannot be explained', async () => {
    const { branch, world } = await openTraced(session, 'read-unconfirmed')
    await indexed(session, branch.branch)
    const row = world.properties.findIndex(({ kind }) => kind === 'history')
    const { rows } = await session.call('truth', { branch: branch.branch })
    const { from, value } = rows[row]!
    expect([...value]).toEqual([Truth.holds, Truth.violated])
    const { previous } = await session.call('state', { branch: branch.branch, at: from[1]! })
    expect(previous!.kind).toBe('reply')
    const [info] = await session.call('branches', {})
    expect(info!.violation).toMatchObject({ kind: 'history', at: branch.length })
  })
})

const kindOf = (site: string) => {
  const [first = ''] = site.split(' ')
  return first === 'protect' ? 'control' : actionKinds.find((kind) => kind === first)!
}

/** A run of these actions, each of which must be possible. */
function executed({ setup }: Run, actions: readonly NamedAction[]): Run {
  const run = new Run(apus, setup)
  for (const { site: name, subject } of actions) {
    const site = run.world.siteNamed(name)!
    const choice = armedChoice(site, subject)
    expect(choice, `${name} ${String(subject)}`).toBeGreaterThanOrEqual(0)
    run.take(site.index, choice)
  }
  return run
}

describe('causes', () => {
  test.each(['failed-write-taken-back', 'read-before-own-view', 'votes-for-anyone'])(
    'the causal past of a step of %s, executed alone, leads to the same step',
    async (variant) => {
      const { run, states, actions } = statesOf(tracedAs(variant))
      const { branch } = await openTraced(session, variant)
      let left = 0
      for (let step = branch.length - 1; step > 0; step -= 5) {
        const { past } = await session.call('causal', { branch: branch.branch, action: step })
        left += step - past.length
        const { world } = executed(
          run,
          [...past, step].map((i) => actions[i]!),
        )
        // Whatever the step changed or looked at has the same bytes.
        const { guards, reads } = world.siteNamed(actions[step]!.site)!
        const concerned = new Set([...guards, ...reads])
        for (let i = 0; i < world.touchedCount; i++) concerned.add(world.touchedPart(i))
        for (const part of concerned) {
          const { offset, sizeBytes, kind, name } = world.memory.parts[part]!
          if (kind === 'budgets') continue
          const here = world.memory.bytes.subarray(offset, offset + sizeBytes)
          const there = states[step + 1]!.subarray(offset, offset + sizeBytes)
          expect(Buffer.compare(here, there), `${name} after step ${String(step)}`).toBe(0)
        }
      }
      expect(left).toBeGreaterThan(0)
    },
  )

  test('past and future are two sides of one relation', async () => {
    const { branch } = await openTraced(session, 'suffix-trusted')
    const relations = await Promise.all(
      Array.from({ length: branch.length }, (_, action) =>
        session.call('causal', { branch: branch.branch, action }),
      ),
    )
    relations.forEach(({ past }, later) => {
      for (const earlier of past) expect(relations[earlier]!.future).toContain(later)
    })
  })

  test('actions are told in the words of `aviary explain`', async () => {
    const { run, actions } = statesOf(tracedAs('suffix-trusted'))
    const { branch } = await openTraced(session, 'suffix-trusted')
    const told = spaceTimeTable(apus, run.setup, actions, { width: 400 }).slice(1)
    const infos = await session.call('describe', { branch: branch.branch, actions: actions.map((_, i) => i) })
    infos.forEach(({ site, text }, i) => {
      for (const word of site.split(' ')) expect(told[i]!.text).toContain(word)
      expect(told[i]!.text).toContain(text.slice(site.length).trim())
    })
  })

  test('what a step hangs on directly is the last change of each part that it needs, and no more', async () => {
    const { branch } = await openTraced(session, 'suffix-trusted')
    await indexed(session, branch.branch)
    for (let action = 0; action < branch.length; action += 7) {
      const { past, future, causes, consequences } = await session.call('causal', {
        branch: branch.branch,
        action,
      })
      const nearest = causes.map((step) => step.action)
      expect(nearest).toEqual([...nearest].sort((a, b) => b - a))
      for (const one of nearest) expect(past).toContain(one)
      for (const { action: one } of consequences) expect(future).toContain(one)
      // Nothing is needed of which the last change is not there.
      expect(nearest[0]).toBe(past.at(-1))
      expect(consequences[0]?.action).toBe(future[0])
      expect(causes.length).toBeLessThanOrEqual(12)
    }
  })

  test('of a busy run little carried a request: its posts, their arrivals, and what came back', async () => {
    const { branch } = await session.call('open', {
      fresh: { system: 'apus', seed: 3, faults: 'none', actions: 2500 },
    })
    await indexed(session, branch.branch)
    const { clients } = await session.call('history', { branch: branch.branch })
    let answered = 0
    for (const { client, operations } of clients)
      for (const { position, state, invoked, ended } of operations) {
        if (state !== 'answered') continue
        answered++
        const { actions, stages } = await session.call('follow', { branch: branch.branch, client, position })
        expect(actions.length * 4).toBeLessThan(ended - invoked)
        expect([actions[0], actions.at(-1)]).toEqual([invoked, ended])
        const told = stages.map(({ text }) => text.split(' ')[0])
        expect(told[0]).toBe('invoke')
        expect(told.at(-1)).toBe('reply')
        // A reply follows from what a majority said, which takes a way there and back.
        expect(told.filter((kind) => kind === 'place' || kind === 'complete').length).toBeGreaterThan(0)
        for (const { action } of stages) expect(actions).toContain(action)
      }
    expect(answered).toBeGreaterThan(0)
  })

  test('a request is followed from its call to its reply', async () => {
    const { branch } = await openTraced(session, 'read-unconfirmed')
    await indexed(session, branch.branch)
    const { clients } = await session.call('history', { branch: branch.branch })
    const client = clients.findIndex(({ operations }) => operations[0]!.state === 'answered')
    const { invoked, ended } = clients[client]!.operations[0]!
    const { actions, stages } = await session.call('follow', { branch: branch.branch, client, position: 0 })
    expect(actions[0]).toBe(invoked)
    expect(actions.at(-1)).toBe(ended)
    expect(stages[0]!.text).toMatch(/^invoke c/)
    expect(stages.some(({ text }) => text.startsWith(`request c${String(client)}`))).toBe(true)
    expect(stages.at(-1)!.text).toMatch(new RegExp(`^reply c${String(client)}`))
  })
})

describe('finding', () => {
  test('a search by field finds the steps that change it, and no other', async () => {
    const { run, states } = statesOf(tracedAs('longest-log-wins'))
    const { branch } = await openTraced(session, 'longest-log-wins')
    const part = run.world.nodes[0]!.parts.state
    const at = part.offset + apusOffset(run, 'view')
    const expected = states.flatMap((state, i) =>
      i > 0 &&
      new DataView(state.buffer).getUint32(at, true) !==
        new DataView(states[i - 1]!.buffer).getUint32(at, true)
        ? [i - 1]
        : [],
    )
    const { actions } = await session.call('search', { branch: branch.branch, field: 'n0 private.view' })
    expect(expected.length).toBeGreaterThan(0)
    expect([...actions]).toEqual(expected)
  })

  test('by text, kind and node, and one after the other', async () => {
    const { actions } = statesOf(tracedAs('longest-log-wins'))
    const { branch } = await openTraced(session, 'longest-log-wins')
    const own = actions.flatMap(({ site }, i) => (site === 'poll n1' ? [i] : []))
    const found = await session.call('search', { branch: branch.branch, kind: 'poll', node: 1 })
    expect([...found.actions]).toEqual(own)
    const words = await session.call('search', { branch: branch.branch, text: 'POLL N1' })
    expect([...words.actions]).toEqual(own)
    const sought: number[] = []
    for (let at: number | null = 0; at !== null;) {
      const step: Methods['seek']['params'] = {
        branch: branch.branch,
        at,
        target: 'kind',
        kind: 'poll',
        node: 1,
        direction: 1,
      }
      at = (await session.call('seek', step)).at
      if (at !== null) sought.push(at - 1)
    }
    expect(sought).toEqual(own)
    const { at } = await session.call('seek', {
      branch: branch.branch,
      at: 0,
      target: 'violation',
      direction: 1,
    })
    expect(at).toBe(branch.length)
  })
})

const apusOffset = (run: Run, field: string): number => run.world.nodes[0]!.definition.state.offsetOf(field)

describe('what comes from outside', () => {
  const failure = async (bytes: Uint8Array): Promise<SessionError> => {
    const error: unknown = await session.call('open', { bytes }).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(SessionError)
    return error as SessionError
  }

  test('a trace with a changed byte, one that is cut off, and a file of another kind are told apart, with the mend', async () => {
    const whole = traceBytes('suffix-trusted')
    const changed = whole.slice()
    changed[whole.length >> 1]! ^= 1
    for (const bytes of [
      changed,
      whole.slice(0, whole.length - 9),
      new TextEncoder().encode('hello, this is no trace'),
    ]) {
      const { code, message, field, mend } = await failure(bytes)
      expect(code).toBe('trace')
      expect(field).not.toBe('')
      expect(mend).not.toBe('')
      expect(message).not.toMatch(/undefined|\n| {4}at /)
    }
    expect(await session.call('branches', {})).toEqual([])
  })

  test('a trace of a system that is not here names it', async () => {
    const strangers = systems.filter(({ name }) => name !== 'apus')
    session.close()
    const { localClient } = await import('../../viz/session/local-client.js')
    session = localClient(strangers.map((definition) => ({ definition, origin: 'built-in' })))
    const { code, message } = await failure(traceBytes('suffix-trusted'))
    expect(code).toBe('system')
    expect(message).toContain('"apus"')
  })

  test('a schedule that this version cannot follow is shown as far as it goes, and says so', async () => {
    const whole = decodeTrace(traceBytes('suffix-trusted'))
    const { toText } = await import('../../sim/trace/index.js')
    // One action left out in the middle, and no fingerprints, as an editor would leave it.
    const lines = toText(whole)
      .split('\n')
      .filter((line) => !line.startsWith('=') && !line.startsWith('violation'))
    const at = lines.findIndex((line) => /^\d+ deliver/.test(line))
    lines.splice(at, 1)
    const { branch } = await session.call('open', { bytes: new TextEncoder().encode(lines.join('\n')) })
    const [info] = await session.call('branches', {})
    expect(branch.length).toBe(whole.actions.length - 1)
    expect(info!.known).toBeLessThan(branch.length)
    expect(info!.remarks.join(' ')).toMatch(/Action \d+: .* is not possible/)
  })

  test('wrong requests are refused by field', async () => {
    const { branch } = await openTraced(session, 'suffix-trusted')
    await expect(session.call('state', { branch: 99, at: 0 })).rejects.toMatchObject({
      code: 'request',
      field: 'branch',
    })
    await expect(
      session.call('state', { branch: branch.branch, at: branch.length + 1 }),
    ).rejects.toMatchObject({ code: 'request', field: 'at' })
    await expect(
      session.call('open', { fresh: { system: 'apus', variant: 'no-such' } }),
    ).rejects.toMatchObject({
      field: 'variant',
    })
  })

  test('a link holds the schedule: what it opens is the same run', async () => {
    const { branch } = await openTraced(session, 'votes-for-anyone')
    const { shared } = await session.call('share', { branch: branch.branch })
    expect(shared).toMatch(/^[\w-]{100,4000}$/)
    const again = await session.call('open', { shared })
    expect(again.branch).toMatchObject({ length: branch.length })
    expect(again.branch.violation).toEqual(branch.violation)
    await expect(session.call('open', { shared: shared.slice(0, 80) })).rejects.toMatchObject({
      code: 'trace',
    })
  })
})

test('a saved trace is the one that was opened', async () => {
  const { branch } = await openTraced(session, 'votes-for-anyone')
  const { bytes } = await session.call('save', { branch: branch.branch })
  const replay = replayStrict(apus, decodeTrace(bytes))
  expect(replay.outcome).toBe('reproduced')
  expect(decodeTrace(bytes).violation).toEqual(decodeTrace(traceBytes('votes-for-anyone')).violation)
})
