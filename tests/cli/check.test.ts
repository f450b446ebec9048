import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf, relay, replayJson, start } from './support.js'

const fraction = z.object({ seen: z.number(), of: z.number(), missing: z.array(z.string()) })
const checkJson = z.object({
  system: z.string(),
  bug: z.string().nullable(),
  nodes: z.number(),
  workers: z.number(),
  order: z.string(),
  ended: z.string(),
  exhaustive: z.boolean(),
  distinct: z.number(),
  generated: z.number(),
  moved: z.number(),
  idle: z.number(),
  refused: z.number(),
  seconds: z.number(),
  depth: z.number(),
  walks: z.number(),
  unknown: z.number(),
  historyJudged: z.boolean(),
  liveness: z
    .object({
      kind: z.string(),
      promised: z.number().nullable(),
      reached: z.number().nullable(),
      open: z.number().nullable(),
    })
    .nullable(),
  interchangeable: z.array(z.string()),
  violations: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      reason: z.string(),
      steps: z.number(),
      cycle: z.number().nullable(),
      trace: z.string(),
      replay: z.string(),
    }),
  ),
  memoHitRate: z.number(),
  sites: z.array(z.object({ name: z.string(), runs: z.number(), hitRate: z.number() })),
  bytesPerState: z.number(),
  bounds: z.record(z.string(), z.number()),
  limits: z.object({
    states: z.number().nullable(),
    depth: z.number().nullable(),
    seconds: z.number(),
    memoryMiB: z.number(),
  }),
  samples: z.array(z.array(z.string())),
  partialOrder: z.object({ reduced: z.number(), leftOut: z.number(), restarts: z.number() }).nullable(),
  coverage: z.object({
    handlers: fraction,
    notes: fraction,
    faults: fraction,
    neverSeen: z.array(z.string()),
  }),
})

const small = [
  '--ops',
  '1',
  '--set',
  'clients=1',
  '--set',
  'words=2',
  '--set',
  'slots=1',
  '--set',
  'attempts=1',
]

test('leaves out orders of steps that commute where it is asked to, and says how many', async () => {
  const args = ['check', 'rdma-register', '--nodes', '2', ...small, '--limit', 'timer=0', '--json']
  const whole = jsonOf(checkJson, await aviary(folderWith(), ...args))
  expect(whole).toMatchObject({ exhaustive: true, distinct: 855, partialOrder: null })
  const ended = await aviary(folderWith(), ...args, '--por')
  expect(jsonOf(checkJson, ended)).toMatchObject({
    exhaustive: true,
    distinct: 633,
    moved: 1643,
    partialOrder: { reduced: 258, leftOut: 618 },
  })
  expect(ended.stderr).toContain('states of which some orders of steps that commute were left out')
  const refused = await aviary(folderWith(), 'check', '2pc', '--por', '--symmetry')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('--por: cannot be used: together with symmetry')
})

test('counts every state of a small system, and says that it did', async () => {
  const ended = await aviary(folderWith(), 'check', '2pc', '--nodes', '5', '--json')
  const result = jsonOf(checkJson, ended)
  expect(ended.code).toBe(0)
  expect(result).toMatchObject({
    system: '2pc',
    bug: null,
    nodes: 5,
    ended: 'exhausted',
    exhaustive: true,
    distinct: 8832,
    generated: 58146,
    moved: 37345,
    idle: 20800,
    depth: 16,
    unknown: 0,
    violations: [],
    bounds: { resourceManagers: 5 },
  })
  expect(result.memoHitRate).toBeGreaterThan(0.99)
  for (const { runs, hitRate } of result.sites) expect(hitRate).toBeCloseTo(1 - runs / 8832)
  expect(result.limits).toEqual({ states: null, depth: null, seconds: 600, memoryMiB: 4096 })
  expect(result.samples).toHaveLength(3)
  for (const run of result.samples) {
    expect(run.length).toBeGreaterThan(0)
    expect(run.length).toBeLessThanOrEqual(8)
    for (const action of run) expect(action).toMatch(/^(input|deliver) n\d/)
    expect(ended.stderr.replace(/\s+/g, ' ')).toContain(run.join(' · '))
  }
  expect(result.coverage.neverSeen).toEqual([])
  expect(ended.stderr).toContain('8 832')
  expect(ended.stderr).toContain('Every schedule within these bounds keeps every property')
})

test('the counts and the verdict are the same with any number of workers', async () => {
  const run = (system: string, workers: string, ...more: string[]) =>
    aviary(folderWith(), 'check', system, '--workers', workers, '--json', ...more)
  const twoPhase = await Promise.all(['1', '2', '3'].map((workers) => run('2pc', workers, '--nodes', '7')))
  for (const [i, ended] of twoPhase.entries())
    expect(jsonOf(checkJson, ended)).toMatchObject({
      workers: i + 1,
      distinct: 296448,
      generated: 2744706,
      refused: 5323519,
      depth: 22,
      exhaustive: true,
    })
  const flags = ['--set', 'clients=1', '--set', 'rounds=1', '--ops', '1', '--depth', '9']
  const [one, two] = await Promise.all(['1', '2'].map((workers) => run('paxos', workers, ...flags)))
  const { distinct, generated, unknown } = jsonOf(checkJson, one!)
  expect(distinct).toBeGreaterThan(20_000)
  expect(jsonOf(checkJson, two!)).toMatchObject({ distinct, generated, unknown })
  const bug = ['--nodes', '8', '--bug', 'commit-counts-messages']
  const [alone, both] = await Promise.all(['1', '2'].map((workers) => run('2pc', workers, ...bug)))
  expect(alone!.code).toBe(1)
  expect(both!.code).toBe(1)
  const steps = jsonOf(checkJson, alone!).violations[0]!.steps
  expect(jsonOf(checkJson, both!).violations[0]!.steps).toBe(steps)
})

test('with symmetry one state stands for many, or it is refused', async () => {
  const ended = await aviary(folderWith(), 'check', '2pc', '--nodes', '7', '--symmetry', '--json')
  expect(jsonOf(checkJson, ended)).toMatchObject({
    distinct: 920,
    exhaustive: true,
    interchangeable: ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'],
  })
  expect(ended.stderr).toContain('One state stands for all that differ by the names of n1,')
})

test('a planted bug ends with 1 and a shortest trace that replays and can be explained', async () => {
  const cwd = folderWith()
  const ended = await aviary(cwd, 'check', '2pc', '--bug', 'commit-on-silence', '--nodes', '2', '--json')
  const { violations, unknown, exhaustive } = jsonOf(checkJson, ended)
  expect(ended.code).toBe(1)
  expect(exhaustive).toBe(false)
  expect(jsonOf(checkJson, ended).samples).toEqual([])
  expect(unknown).toBeGreaterThan(0)
  const [violation] = violations
  expect(violation).toMatchObject({ kind: 'invariant', steps: 2, name: 'commit-is-the-managers' })
  expect(ended.stderr).toContain(violation!.reason)
  expect(ended.stderr).toContain(`Replay: ${violation!.replay}`)
  const replay = await aviary(cwd, 'replay', violation!.trace, '--twice', '--json')
  expect(replay.code).toBe(1)
  expect(jsonOf(replayJson, replay)).toMatchObject({ outcome: 'reproduced', twice: 'same', steps: 2 })
  const explained = await aviary(cwd, 'explain', violation!.trace)
  expect(explained.stdout).toContain('takes silence for consent')
})

test('a bound that cuts off is no pass', async () => {
  const cwd = folderWith({ 'bounds.json': '{ "nodes": 5, "depth": 3 }', 'slow.json': '{ "seconds": 0.05 }' })
  const byDepth = await aviary(cwd, 'check', '2pc', '--bounds', 'bounds.json', '--json')
  const result = jsonOf(checkJson, byDepth)
  expect(result).toMatchObject({ nodes: 5, ended: 'depth', exhaustive: false, depth: 3 })
  expect(result.unknown).toBeGreaterThan(0)
  expect(byDepth.stderr).toContain('no proof')
  // What a flag says goes before the file.
  const deeper = jsonOf(
    checkJson,
    await aviary(cwd, 'check', '2pc', '--bounds', 'bounds.json', '--depth', '4', '--nodes', '3', '--json'),
  )
  expect(deeper).toMatchObject({ nodes: 3, ended: 'depth', depth: 4 })
  const byStates = jsonOf(checkJson, await aviary(cwd, 'check', '2pc', '--states', '50', '--json'))
  expect(byStates).toMatchObject({ ended: 'states', exhaustive: false })
  expect(byStates.distinct).toBeGreaterThanOrEqual(50)
  const byTime = jsonOf(
    checkJson,
    await aviary(cwd, 'check', '2pc', '--nodes', '9', '--bounds', 'slow.json', '--json'),
  )
  expect(byTime).toMatchObject({ ended: 'seconds', exhaustive: false })
  const byMemory = jsonOf(
    checkJson,
    await aviary(cwd, 'check', '2pc', '--nodes', '9', '--memory', '1', '--json'),
  )
  expect(byMemory).toMatchObject({ ended: 'memory', exhaustive: false })
})

test('parameters, faults and knobs are those of the command line', async () => {
  const flags = ['--set', 'words=2', '--set', 'slots=1', '--ops', '1', '--crashes', '1', '--faults', 'drop=2']
  const more = ['--nodes', '2', '--placement', 'in-order', '--depth', '4', '--json']
  const ended = await aviary(folderWith(), 'check', 'rdma-register', ...flags, ...more)
  const { bounds, coverage, historyJudged } = jsonOf(checkJson, ended)
  expect(bounds).toMatchObject({ words: 2, slots: 1, 'operations of each client': 1 })
  expect(coverage.faults.of).toBe(2)
  expect(historyJudged).toBe(true)
  expect(ended.stderr).toContain('faults up to drop=2 crash=1')
})

test('a protocol of one’s own: each kind of bug ends with its exit code', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const run = (bug: string, ...more: string[]) =>
    aviary(cwd, 'check', './relay.ts', '--bug', bug, '--json', ...more)
  const [counts, throws, remembers, keeps] = await Promise.all([
    run('counts', '--faults', 'duplicate=1'),
    run('throws'),
    run('remembers'),
    run('keeps', '--deadlock'),
  ])
  expect([counts, throws, remembers, keeps].map(({ code }) => code)).toEqual([1, 5, 3, 4])
  expect(jsonOf(checkJson, counts).violations[0]).toMatchObject({ name: 'one-token', steps: 2 })
  expect(jsonOf(checkJson, remembers).violations[0]).toMatchObject({ kind: 'hidden-state' })
  const [deadlock] = jsonOf(checkJson, keeps).violations
  expect(deadlock).toMatchObject({ name: 'deadlock', steps: 0 })
  const replay = await aviary(cwd, 'replay', deadlock!.trace)
  expect(replay.code).toBe(4)
  const right = await aviary(cwd, 'check', './relay.ts', '--deadlock', '--json')
  expect(jsonOf(checkJson, right)).toMatchObject({ ended: 'exhausted', violations: [] })
})

test('depth-first counts the same; random walks have a seed, a number, and claim nothing', async () => {
  const cwd = folderWith()
  const run = (...args: string[]) => aviary(cwd, 'check', '2pc', '--json', '--order', ...args)
  const deep = await run('depth-first', '--nodes', '5')
  expect(jsonOf(checkJson, deep)).toMatchObject({
    order: 'depth-first',
    ended: 'exhausted',
    distinct: 8832,
    generated: 58146,
  })
  expect(deep.stderr).toContain('steps of the longest way that was gone')
  const [one, again] = await Promise.all([1, 2].map(() => run('random', '--seed', '7', '--walks', '300')))
  const walked = jsonOf(checkJson, one!)
  expect(walked).toMatchObject({ order: 'random', ended: 'walks', walks: 300, exhaustive: false })
  expect(jsonOf(checkJson, again!)).toMatchObject({ distinct: walked.distinct, moved: walked.moved })
  expect(one!.stderr).toContain('Nothing was found in 300 random walks. Walks sample: that is no proof.')
  const bug = await run('random', '--bug', 'commit-on-half')
  expect(bug.code).toBe(1)
  expect(bug.stderr).toContain('breadth-first without --por finds a shortest one')
  const replay = await aviary(cwd, 'replay', jsonOf(checkJson, bug).violations[0]!.trace)
  expect(replay.code).toBe(1)
})

test.each([
  [
    ['--order', 'random', '--liveness', 'reachable'],
    '--liveness: random walks',
    'breadth-first or depth-first',
  ],
  [
    ['--order', 'depth-first', '--workers', '2'],
    '--workers 2: threads expand states breadth-first',
    'leave out',
  ],
  [['--walks', '3', '--order', 'depth-first'], '--walks: is for random walks', 'add --order random'],
])('%s contradict each other', async (flags, what, mend) => {
  const { code, stderr } = await aviary(folderWith(), 'check', '2pc', ...flags)
  expect(code).toBe(2)
  expect(stderr).toContain(what)
  expect(stderr).toContain(mend)
  expect(stderr.trimEnd().split('\n')).toHaveLength(2)
})

const courier = readFileSync(new URL('../model-check/courier.ts', import.meta.url), 'utf8').replace(
  '../../protocol/index.js',
  'aviary',
)

test('liveness: a goal out of reach, and a run that goes round for ever, end with 4 and a trace', async () => {
  const cwd = folderWith({ 'courier.ts': courier })
  const run = (bug: string, liveness: string) =>
    aviary(cwd, 'check', './courier.ts', '--bug', bug, '--liveness', liveness, '--json')
  const [loses, returns, fair] = await Promise.all([
    run('loses', 'reachable'),
    run('returns', 'weak-fairness'),
    run('returns', 'strong-fairness'),
  ])
  expect([loses, returns, fair].map(({ code }) => code)).toEqual([4, 4, 0])
  expect(jsonOf(checkJson, loses).violations[0]).toMatchObject({
    name: 'goal-unreachable',
    steps: 1,
    cycle: null,
  })
  const [livelock] = jsonOf(checkJson, returns).violations
  expect(livelock).toMatchObject({ name: 'livelock', steps: 4, cycle: 4 })
  expect(returns.stderr).toContain('of which the last 4 can repeat for ever')
  expect(returns.stderr).toContain('steps 1 to 4 lead back to the state after step 0')
  const replay = await aviary(cwd, 'replay', livelock!.trace, '--json')
  expect(replay.code).toBe(4)
  expect(jsonOf(replayJson, replay)).toMatchObject({ outcome: 'reproduced', steps: 4 })
  const explained = await aviary(cwd, 'explain', livelock!.trace)
  expect(explained.code).toBe(4)
  expect(explained.stdout).toContain('input n1 back')
  expect(jsonOf(checkJson, fair)).toMatchObject({ exhaustive: true, liveness: { open: 0 } })
  expect(fair.stderr).toContain('Every run that is strongly fair comes to the goal')
})

test('liveness that a bound cuts off is open, or not judged; and it is refused with symmetry for cycles', async () => {
  const run = (...args: string[]) => aviary(folderWith(), 'check', '2pc', '--json', '--liveness', ...args)
  const byDepth = await run('reachable', '--depth', '4')
  const { liveness, unknown } = jsonOf(checkJson, byDepth)
  expect(unknown).toBeGreaterThan(0)
  expect(liveness!.open).toBeGreaterThan(0)
  expect(byDepth.stderr).toMatch(/Whether the goal is reached is open in \d+ states/)
  const byMemory = await run('reachable', '--nodes', '9', '--memory', '1')
  expect(jsonOf(checkJson, byMemory).liveness).toEqual({
    kind: 'reachable',
    promised: null,
    reached: null,
    open: null,
  })
  expect(byMemory.stderr).toContain('Liveness was not judged: cut off by --memory.')
  const workers = jsonOf(checkJson, await run('weak-fairness', '--nodes', '7', '--workers', '2'))
  expect(workers).toMatchObject({ distinct: 296448, liveness: { promised: 296448, open: 0 } })
  expect(jsonOf(checkJson, await run('reachable', '--nodes', '7', '--symmetry'))).toMatchObject({
    distinct: 920,
    liveness: { promised: 920, open: 0 },
  })
  const refused = await run('weak-fairness', '--symmetry')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('fairness tells the nodes apart')
})

test('tells how far it is, and ends with the results so far when it is interrupted', async () => {
  const cwd = folderWith()
  writeFileSync(join(cwd, 'bounds.json'), '{}')
  const { child, ended } = start(cwd, ['check', 'paxos', '--bounds', 'bounds.json', '--json'])
  await new Promise<void>((resolve) => {
    child.stderr!.on('data', (text: Buffer) => {
      if (String(text).includes('frontier')) resolve()
    })
  })
  child.kill('SIGINT')
  const result = await ended
  expect(result.stderr).toMatch(/states \(.*\/s\) .* generated .* frontier .* depth/)
  expect(jsonOf(checkJson, result)).toMatchObject({ ended: 'interrupted', exhaustive: false })
  expect(existsSync(join(cwd, 'aviary-out'))).toBe(false)
})
