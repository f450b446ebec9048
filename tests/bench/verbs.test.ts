import { describe, expect, test } from 'vitest'
import { goalsOf } from '../../bench/verbs.js'
import type { VerbsLoad, VerbsPlace } from '../../cli/verbs-report.js'
import { aviary, folderWith } from '../cli/support.js'

const load = (window: number, p50: number): VerbsLoad => ({
  window,
  p50,
  p99: 2 * p50,
  commits: 10,
  millis: 100,
})
const place = (name: VerbsPlace['place'], writeMicros: number, commitMicros: number): VerbsPlace => ({
  place: name,
  processors: 2,
  rawWrite: { p50: writeMicros, p99: writeMicros },
  writeLat: undefined,
  commits: [load(1, commitMicros)],
  withoutDevice: [],
  sets: [load(8, 1), load(1, 1999)],
  ratio: commitMicros / writeMicros,
})

test('goals are those of one write under way, and a SET has one where replicas share processors', () => {
  const goals = goalsOf([place('one machine', 20, 51), place('a machine for each', 20, 50)])
  expect(goals.map(({ place: where, wanted, reached, isMet }) => [where, wanted, reached, isMet])).toEqual([
    ['one machine', 2.5, 2.55, false],
    ['one machine', 2, 1.999, true],
    ['a machine for each', 2.5, 2.5, true],
  ])
})

describe('what cannot be measured is said, with exit code 2', () => {
  test.each([
    [
      ['commit', '--testbed', 'somewhere'],
      /--testbed: only failover, and commits over verbs, are measured in virtual machines/,
    ],
    [['sim', '--fabric', 'verbs'], /--fabric: sim has none/],
    [['commit', '--small'], /--small: only comparisons with others have a small size/],
    [['commit', '--fabric', 'verbs', '--small', '--testbed', 'nowhere'], /no testbed nowhere is up/],
  ] as const)('%j', async (args, message) => {
    const ended = await aviary(folderWith(), 'bench', ...args)
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(2)
  })
})
