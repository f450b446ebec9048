import { expect, test } from 'vitest'
import { z } from 'zod'
import { check, enumerate, graphDot, graphJson, plainGraph } from '../../model-check/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'

const twoPhase = (nodes: number): Setup => ({ ...defaultSetup(twoPhaseCommit), nodes })

test('a graph has the states of the searches, and an edge for each step that moves', () => {
  const graph = plainGraph(twoPhaseCommit, twoPhase(3), { states: 1_000 })
  const { distinct, moved, depth } = enumerate(twoPhaseCommit, twoPhase(3))
  expect(graph.isComplete).toBe(true)
  expect(graph.states).toHaveLength(distinct)
  expect(graph.edges).toHaveLength(moved)
  expect(Math.max(...graph.states.map((state) => state.depth))).toBe(depth)
  const first = graph.edges.find(({ action }) => action === 'input n1 prepare')!
  expect(first.from).toBe(0)
  expect(first.changes).toContain('n1 private role working→prepared')
  expect(graph.states[first.to]!.changes).toEqual(first.changes)
})

test('with histories, faults and a bound on depth it has those of the checker', () => {
  const base = defaultSetup(rdmaRegister)
  const small = { words: 2, slots: 1, clients: 1, operations: 1, attempts: 1 }
  const register = { ...base, nodes: 2, parameters: { ...base.parameters, ...small }, budget: { drop: 1 } }
  expect(plainGraph(rdmaRegister, register, { states: 5_000 }).states).toHaveLength(
    check(rdmaRegister, register).distinct,
  )
  const setup = { ...defaultSetup(paxos), parameters: { clients: 1, operations: 1, rounds: 1 } }
  const cut = plainGraph(paxos, setup, { states: 5_000, depth: 5 })
  const checked = check(paxos, setup, { depth: 5 })
  expect(cut.isComplete).toBe(false)
  expect(cut.states).toHaveLength(checked.distinct)
  expect(cut.states.filter(({ isExpanded }) => !isExpanded)).toHaveLength(checked.unknown)
})

test('a violation ends a branch, is marked, and the nearest one is as near as the checker finds it', () => {
  for (const bug of Object.keys(twoPhaseCommit.bugs)) {
    const graph = plainGraph(twoPhaseCommit, { ...twoPhase(2), bug }, { states: 5_000 })
    const violating = graph.states.filter(({ violation }) => violation !== undefined)
    const { finding } = check(twoPhaseCommit, { ...twoPhase(2), bug })
    expect(Math.min(...violating.map(({ depth }) => depth))).toBe(finding!.actions.length)
    expect(violating.map(({ violation }) => violation!.name)).toContain(finding!.violation.name)
    const leaving = new Set(graph.edges.map(({ from }) => from))
    graph.states.forEach(({ violation }, state) => {
      if (violation !== undefined) expect(leaving).not.toContain(state)
    })
  }
})

test('a graph that is too large is given up', () => {
  const graph = plainGraph(twoPhaseCommit, twoPhase(5), { states: 100 })
  expect(graph.isComplete).toBe(false)
  expect(graph.states.length).toBeGreaterThan(100)
  expect(graph.states.length).toBeLessThan(200)
})

const line = /^ {2}s\d+ \[label="(?:[^"\\]|\\.)*"(?:, [a-z]+=(?:"(?:[^"\\]|\\.)*"|\w+))*\];$/
const arrow = /^ {2}s(\d+) -> s(\d+) \[label="(?:[^"\\]|\\.)*", tooltip="(?:[^"\\]|\\.)*"\];$/

test('DOT: a line for each state and edge, with marks', () => {
  const setup = { ...twoPhase(2), bug: 'commit-on-silence' }
  const graph = plainGraph(twoPhaseCommit, setup, { states: 1_000, depth: 2 })
  const lines = [...graphDot(graph, 'a "title"')]
  expect(lines[0]).toBe('digraph "a \\"title\\"" {')
  const states = lines.filter((each) => line.test(each))
  const edges = lines.filter((each) => arrow.test(each))
  expect(states).toHaveLength(graph.states.length)
  expect(edges).toHaveLength(graph.edges.length)
  expect(lines).toHaveLength(states.length + edges.length + 3)
  expect(states[0]).toContain('style="bold"')
  const marked = (mark: string): number => states.filter((each) => each.includes(mark)).length
  const count = (test: (state: (typeof graph.states)[number]) => boolean): number =>
    graph.states.filter(test).length
  expect(marked('color=red')).toBe(count(({ violation }) => violation !== undefined))
  expect(marked('peripheries=2')).toBe(count(({ isGoal }) => isGoal))
  expect(marked('dashed')).toBe(count(({ isExpanded, violation }) => !isExpanded && violation === undefined))
  for (const mark of ['color=red', 'peripheries=2', 'dashed']) expect(marked(mark)).toBeGreaterThan(0)
})

const graphJsonShape = z.object({
  system: z.string(),
  bug: z.string().nullable(),
  isComplete: z.boolean(),
  initial: z.literal(0),
  states: z.array(
    z.object({
      index: z.number(),
      depth: z.number(),
      isGoal: z.boolean(),
      violation: z.object({ name: z.string(), reason: z.string() }).nullable(),
      changes: z.array(z.string()),
    }),
  ),
  edges: z.array(z.object({ from: z.number(), to: z.number(), site: z.string(), action: z.string() })),
})

test('JSON: everything that the graph has', () => {
  const setup = { ...twoPhase(2), bug: 'commit-on-silence' }
  const graph = plainGraph(twoPhaseCommit, setup, { states: 1_000 })
  const parsed = graphJsonShape.parse(JSON.parse([...graphJson(graph, twoPhaseCommit, setup)].join('\n')))
  expect(parsed).toMatchObject({ system: '2pc', bug: 'commit-on-silence', isComplete: true })
  expect(parsed.states.map(({ index }) => index)).toEqual([...graph.states.keys()])
  expect(parsed.states.map(({ changes }) => changes)).toEqual(graph.states.map(({ changes }) => changes))
  expect(parsed.edges.map(({ from, to, action }) => ({ from, to, action }))).toEqual(
    graph.edges.map(({ from, to, action }) => ({ from, to, action })),
  )
})
