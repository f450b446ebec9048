// The parts of the page that decide something, without a browser: keys, queries, bundling, outages, estimates, playback.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'
import { actionKinds, isFaultKind } from '../../sim/index.js'
import { keyLabel, keyOf } from '../../viz/page/commands.js'
import { findOutages } from '../../viz/page/diagram/columns.js'
import { densityOf } from '../../viz/page/diagram/density.js'
import { choicesIn } from '../../viz/page/fresh.js'
import { families, familyOf, outlineOf } from '../../viz/page/kinds.js'
import { playback, speeds } from '../../viz/page/playback.js'
import { nearest, parseQuery } from '../../viz/page/search.js'
import { byWeight } from '../../viz/page/sheets/weights.js'
import { wilson } from '../../viz/page/sheets/why-sheet.js'

test('every kind of action has a family, and exactly the faults that do harm look like faults', () => {
  const repairs = ['restart', 'resume', 'heal', 'mend', 'calm']
  for (const kind of actionKinds) {
    const family = familyOf(kind)
    if (repairs.includes(kind)) expect(family, kind).toBe('repair')
    else expect(family === 'fault', kind).toBe(isFaultKind(kind))
  }
})

describe('keys', () => {
  const press = (key: string, more = {}) =>
    keyOf({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...more })
  test('shift is named where the key does not tell it', () => {
    expect(press('ArrowLeft', { shiftKey: true })).toBe('Shift+ArrowLeft')
    expect(press('F', { shiftKey: true })).toBe('F')
    expect(press('s', { metaKey: true })).toBe('Ctrl+s')
    expect(press('+')).toBe('+')
  })
  test('are written for people', () => {
    expect(keyLabel('Shift+ArrowRight')).toBe('Shift →')
    expect(keyLabel('+')).toBe('+')
    expect(keyLabel(' ')).toBe('Space')
  })
})

describe('a query', () => {
  test('is words and what narrows them, in any order', () => {
    expect(parseQuery('log kind:place n2 node:n1')).toEqual({ text: 'log n2', kind: 'place', node: 1 })
    expect(parseQuery('field:commit value:3')).toEqual({ field: 'commit', value: '3' })
    expect(parseQuery('entry:2')).toEqual({ field: 'log[2]' })
  })
  test('that is wrong says which part, and how it is written', () => {
    expect(() => parseQuery('node:leader')).toThrow('node: wants a number, not leader')
    expect(() => parseQuery('kind:')).toThrow('kind: wants a value, for instance kind:place')
  })
  test('finds the nearest in a direction, and goes round at the end', () => {
    expect(nearest([40, 3, 17], 3, 1)).toBe(17)
    expect(nearest([40, 3, 17], 17, -1)).toBe(3)
    expect(nearest([40, 3, 17], 40, 1)).toBe(3)
    expect(nearest([], 0, 1)).toBeUndefined()
  })
})

describe('bundling', () => {
  const steps = fc.array(fc.record({ lane: fc.nat(3), kind: fc.nat(5) }), { maxLength: 300 })
  test('counts every action in view once, and names a family that has a majority', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (all, columns) => {
        const familyOfKind = Uint8Array.from([0, 1, 2, 0, 1, 2])
        const perAction = columns / Math.max(1, all.length)
        const density = densityOf(
          {
            kind: Uint8Array.from(all, (one) => one.kind),
            lane: Uint16Array.from(all, (one) => one.lane),
          },
          familyOfKind,
          { from: 0, to: all.length },
          { perAction, offset: 0 },
          columns,
          4,
        )
        const naive = new Map<number, number[]>()
        for (const [i, { lane, kind }] of all.entries()) {
          const cell = lane * columns + Math.floor((i + 0.5) * perAction)
          naive.set(cell, [...(naive.get(cell) ?? []), familyOfKind[kind]!])
        }
        for (let cell = 0; cell < density.counts.length; cell++) {
          const its = naive.get(cell) ?? []
          expect(density.counts[cell]).toBe(its.length)
          for (const family of new Set(its))
            if (its.filter((one) => one === family).length * 2 > its.length)
              expect(density.family[cell]).toBe(family)
        }
      }),
    )
  })
  test('arrays are used again only where they fit, and begin at nothing', () => {
    const steps = { kind: Uint8Array.of(0, 0), lane: Uint16Array.of(0, 0) }
    const view = [
      { from: 0, to: 2 },
      { perAction: 1, offset: 0 },
    ] as const
    const first = densityOf(steps, Uint8Array.of(0), ...view, 2, 1)
    const second = densityOf(steps, Uint8Array.of(0), ...view, 2, 1, first)
    expect(second.counts).toBe(first.counts)
    expect([...second.counts]).toEqual([1, 1])
    expect(densityOf(steps, Uint8Array.of(0), ...view, 3, 1, second).counts).not.toBe(second.counts)
  })
})

test('a node does not run from its crash to its restart, and to the end if it has none', () => {
  const kinds = ['poll', 'crash', 'restart', 'pause', 'resume']
  const steps = {
    to: 6,
    kind: Uint8Array.of(0, 1, 0, 2, 3, 0),
    node: Int8Array.of(0, 1, 0, 1, 2, 0),
  }
  expect(findOutages(steps, kinds)).toEqual([
    { node: 1, from: 2, to: 3, paused: false },
    { node: 2, from: 5, to: 6, paused: true },
  ])
})

test('an estimate from few runs has a wide interval, and one from none of many is not certain', () => {
  const [low, high] = wilson(0, 16)
  expect(low).toBe(0)
  expect(high).toBeCloseTo(0.194, 2)
  const [less, more] = wilson(50, 100)
  expect(less).toBeCloseTo(0.404, 2)
  expect(more).toBeCloseTo(0.596, 2)
})

describe('playback', () => {
  const opened = (length: number, cursor: number) => {
    const actor = createActor(playback).start()
    actor.send({ type: 'opened', length, cursor })
    return actor
  }
  test('plays to the end and stops there; play again begins anew', () => {
    const actor = opened(10, 8)
    actor.send({ type: 'play' })
    actor.send({ type: 'frame', elapsedMs: 150 })
    expect(actor.getSnapshot().context.cursor).toBe(9)
    actor.send({ type: 'frame', elapsedMs: 50 })
    expect(actor.getSnapshot().value).toBe('paused')
    expect(actor.getSnapshot().context.cursor).toBe(10)
    actor.send({ type: 'toggle' })
    expect(actor.getSnapshot().value).toBe('playing')
    expect(actor.getSnapshot().context.cursor).toBe(0)
  })
  test('frames of any length add up to the speed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 60 }), (frames) => {
        const actor = opened(1_000_000, 0)
        actor.send({ type: 'play' })
        for (const elapsedMs of frames) actor.send({ type: 'frame', elapsedMs })
        const due = (frames.reduce((a, b) => a + b, 0) / 1000) * actor.getSnapshot().context.speed
        expect(Math.abs(actor.getSnapshot().context.cursor - due)).toBeLessThanOrEqual(1)
      }),
    )
  })
  test('going somewhere pauses, and stays within the run', () => {
    const actor = opened(10, 0)
    actor.send({ type: 'play' })
    actor.send({ type: 'go', cursor: 99 })
    expect(actor.getSnapshot().value).toBe('paused')
    expect(actor.getSnapshot().context.cursor).toBe(10)
    actor.send({ type: 'go', cursor: -3 })
    expect(actor.getSnapshot().context.cursor).toBe(0)
  })
  test('the speed has ends', () => {
    const actor = opened(1, 0)
    for (const _ of speeds) actor.send({ type: 'faster' })
    expect(actor.getSnapshot().context.speed).toBe(speeds.at(-1))
    for (const _ of [...speeds, 0]) actor.send({ type: 'slower' })
    expect(actor.getSnapshot().context.speed).toBe(speeds[0])
  })
  test('an empty run does not play', () => {
    const actor = opened(0, 0)
    actor.send({ type: 'play' })
    expect(actor.getSnapshot().value).toBe('paused')
  })
})

test('shapes differ from family to family, so that colour is never needed to tell them apart', () => {
  expect(new Set(families.map(outlineOf)).size).toBe(families.length)
})

test('of what a step changed the commit and the role stand first, the marks of the log next, bytes and counters last', () => {
  const heavy = { marks: new Set(['end', 'commit']), roles: new Set(['leader', 'follower']) }
  const changes = [
    { path: 'queues[1].covered', before: 0, after: 1 },
    { path: 'lastRequest', before: 0, after: 1 },
    { path: 'machine.digest', before: 0, after: 77 },
    { path: 'end', before: 0, after: 1 },
    { path: 'bytes', before: '0000000000000000', after: '0100000000000000' },
    { path: 'role', before: 'follower', after: 'leader' },
    { path: 'commit', before: 0, after: 1 },
  ]
  expect(changes.sort(byWeight(heavy)).map(({ path }) => path)).toEqual([
    'role',
    'commit',
    'end',
    'lastRequest',
    'queues[1].covered',
    'machine.digest',
    'bytes',
  ])
})

test('a parameter whose meaning says what each number stands for is a list of these, any other a number', () => {
  expect(choicesIn('what is replicated: 0 a key-value store, 1 a bank', 0, 1)).toEqual({
    title: 'what is replicated',
    words: ['a key-value store', 'a bank'],
  })
  expect(choicesIn('what is replicated: 0 a key-value store, 1 a bank', 0, 2)).toBeUndefined()
  expect(choicesIn('operations of each client', 1, 8)).toBeUndefined()
  expect(choicesIn('how long: 5 or so', 5, 6)).toBeUndefined()
})
