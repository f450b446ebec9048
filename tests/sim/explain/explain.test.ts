import { describe, expect, test } from 'vitest'
import { enumerate } from '../../../model-check/plain.js'
import { rdmaRegister } from '../../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { exploreSeed } from '../../../sim/explore/explore.js'
import { causeOf, explain, spaceTimeTable } from '../../../sim/explain/index.js'
import { buildWorld, defaultSetup } from '../../../sim/run/setup.js'
import { namesOf, shrink } from '../../../sim/shrink/index.js'

const setup = { ...defaultSetup(twoPhaseCommit), nodes: 2, bug: 'commit-on-half' }
const { actions, violation } = enumerate(twoPhaseCommit, setup).finding!
const text = (lines: readonly { readonly text: string }[]): string =>
  lines.map((line) => line.text).join('\n')

describe('a finding is told', () => {
  test('as a table of space and time', () => {
    expect(text(spaceTimeTable(twoPhaseCommit, setup, actions))).toMatchInlineSnapshot(`
      "#  n0    n1    n2
      1   │     ●     │     input n1 prepare: role working→prepared
      2   ●◄────○     │     deliver prepared n1→n0: prepared {}→{n1}
      3   ●     │     │     input n0 commit: role init→committed"
    `)
  })

  test('with the property, the reason, the planted mistake and the end', () => {
    const told = text(explain(twoPhaseCommit, setup, actions, violation))
    expect(told).toMatchInlineSnapshot(`
      "commit-needs-every-vote (invariant) is violated after 3 actions
      the transaction manager has committed, but resource manager 2 is working
      What must hold: When the transaction manager has committed, no resource manager is still working or has
      aborted.

      The wrong variant commit-on-half: The transaction manager commits as soon as half of the resource managers
      have prepared, as if a quorum were enough. One that has not prepared may still choose to abort.
      What mends it: Commit needs the vote of every resource manager.

      #  n0    n1    n2
      1   │     ●     │     input n1 prepare: role working→prepared
      2   ●◄────○     │     deliver prepared n1→n0: prepared {}→{n1}
      3   ●     │     │     input n0 commit: role init→committed

      At the end
      n0  role committed, prepared {n1}
      n1  role prepared"
    `)
  })

  test('in no more columns than there are', () => {
    for (const width of [60, 80, 110])
      for (const line of explain(twoPhaseCommit, setup, actions, violation, { width }))
        expect(line.text.length, line.text).toBeLessThanOrEqual(width)
  })

  test('by its last steps only, when asked', () => {
    const lines = spaceTimeTable(twoPhaseCommit, setup, actions, { last: 1 })
    expect(lines.map((line) => line.text.trimEnd())[1]).toContain('2 actions before')
    expect(lines.filter((line) => /^\s*\d+ {2}/.test(line.text))).toHaveLength(1)
  })

  test('with the operations in conflict, when clients saw it', () => {
    const without = ['integrity', 'slot-not-reused-early', 'staged-until-fetched', 'answered-is-held']
    const others = ['one-sequence-per-put', 'accepted-never-goes-back', 'role']
    for (let seed = 1; ; seed++) {
      const options = { bug: 'completion-is-acknowledgement', without: [...without, ...others] }
      const finding = exploreSeed(rdmaRegister, seed, options).findings[0]
      if (finding?.violation.kind !== 'history') continue
      const log = namesOf(buildWorld(rdmaRegister, finding.plan.setup), finding.actions)
      const small = shrink(rdmaRegister, finding.plan.setup, log, finding.violation)
      const told = text(explain(rdmaRegister, small.setup, small.actions, small.violation))
      expect(told).toContain('linearizable (history property) is violated')
      expect(told).toMatch(/client \d+ +get\(\) -> \d+ +X/)
      break
    }
  })
})

test('findings of one cause have one key, of different causes different ones', () => {
  const keyOf = (bug: string, firstSeed: number): string => {
    for (let seed = firstSeed; ; seed++) {
      const finding = exploreSeed(twoPhaseCommit, seed, { bug, faults: 'none' }).findings[0]
      if (finding === undefined || finding.violation.kind === 'liveness') continue
      const log = namesOf(buildWorld(twoPhaseCommit, finding.plan.setup), finding.actions)
      const small = shrink(twoPhaseCommit, finding.plan.setup, log, finding.violation)
      return causeOf(twoPhaseCommit, small.setup, small.actions, small.violation)
    }
  }
  expect(new Set([1, 20, 40, 60].map((seed) => keyOf('commit-on-half', seed))).size).toBe(1)
  expect(keyOf('commit-counts-messages', 1)).not.toBe(keyOf('commit-on-half', 1))
})
