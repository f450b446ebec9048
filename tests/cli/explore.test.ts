import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aviary, exploreJson, folderWith, jsonOf, relay, replayJson, start } from './support.js'

test('a right protocol ends with 0, and its JSON counts the same actions however many workers there are', async () => {
  const seeds = ['--seed', '1', '--seeds', '6']
  const hunt = (workers: string) =>
    aviary(folderWith(), 'explore', 'rdma-register', ...seeds, '--workers', workers, '--json')
  const [one, three] = await Promise.all([hunt('1'), hunt('3')])
  const result = jsonOf(exploreJson, one)
  expect([one.code, three.code]).toEqual([0, 0])
  expect(result).toMatchObject({
    system: 'rdma-register',
    bug: null,
    seeds: 6,
    interrupted: false,
    violations: [],
  })
  expect(result.actions).toBeGreaterThan(10_000)
  expect(result.runs).toBeGreaterThan(result.seeds)
  // Seed 1 draws `poll: atomic`; with `loads` each copied word is a step that moves, and no poll is idle.
  expect(result.idlePolls).toBeGreaterThan(0)
  expect(result.coverage.handlers.of).toBeGreaterThan(8)
  expect(result.coverage.faults.of).toBeGreaterThan(4)
  expect(one.stderr).toContain('Nothing found.')
  const { actions, idlePolls, refused, runs } = result
  expect(jsonOf(exploreJson, three)).toMatchObject({ actions, idlePolls, refused, runs })
})

test('--seconds limits a hunt', async () => {
  const ended = await aviary(folderWith(), 'explore', '2pc', '--seconds', '1', '--workers', '1', '--json')
  const { seconds, actions } = jsonOf(exploreJson, ended)
  expect(seconds).toBeGreaterThan(0.9)
  expect(seconds).toBeLessThan(20)
  expect(actions).toBeGreaterThan(0)
})

test('a planted bug ends with 1 and a short trace that replays to the same violation, byte for byte', async () => {
  const cwd = folderWith()
  const ended = await aviary(
    cwd,
    'explore',
    'rdma-register',
    '--bug',
    'missing-checksum',
    '--seed',
    '1',
    '--json',
  )
  const { violations } = jsonOf(exploreJson, ended)
  const [violation] = violations
  expect(ended.code).toBe(1)
  expect(violation!.steps).toBeLessThanOrEqual(8)
  expect(violation!.steps).toBeLessThan(violation!.stepsFound)
  expect(violation!.trace).toBe(`aviary-out/rdma-register-missing-checksum-${violation!.name}-1.aviary`)
  expect(ended.stderr).toContain(`npx aviary replay ${violation!.trace}`)
  expect(ended.stderr).toContain(violation!.reason)
  expect(ended.stderr).toMatch(/actions +\d+ +→ +\d+/)

  const replays = await Promise.all(
    [1, 2].map(() => aviary(cwd, 'replay', violation!.trace, '--twice', '--json')),
  )
  const [first, second] = replays.map((replay) => jsonOf(replayJson, replay))
  expect(replays.map(({ code }) => code)).toEqual([1, 1])
  expect(first).toMatchObject({ outcome: 'reproduced', twice: 'same', steps: violation!.steps })
  expect(first!.violation).toEqual({
    kind: violation!.kind,
    name: violation!.name,
    reason: violation!.reason,
  })
  expect(second).toEqual(first)

  const right = await aviary(cwd, 'replay', violation!.trace, '--right', '--json')
  expect(right.code).toBe(0)
  expect(jsonOf(replayJson, right)).toMatchObject({ outcome: 'nothing found', violation: null })
})

test('the same seeds give the same finding with one worker and with three', async () => {
  const results = await Promise.all(
    ['1', '3'].map(async (workers) => {
      const cwd = folderWith()
      const args = ['--bug', 'count-duplicates', '--seed', '5', '--seeds', '200', '--workers', workers]
      const ended = await aviary(cwd, 'explore', 'paxos', ...args, '--json')
      const [violation] = jsonOf(exploreJson, ended).violations
      return { violation, bytes: readFileSync(join(cwd, violation!.trace)) }
    }),
  )
  expect(results[1]!.violation).toEqual(results[0]!.violation)
  expect(results[1]!.bytes.equals(results[0]!.bytes)).toBe(true)
})

test('a bug is found by its consequence when the property made for it is not judged', async () => {
  const args = ['--bug', 'missing-checksum', '--without', 'integrity', '--without', 'one-sequence-per-put']
  const ended = await aviary(folderWith(), 'explore', 'rdma-register', ...args, '--seconds', '20', '--json')
  expect(jsonOf(exploreJson, ended).violations.map(({ name }) => name)).toEqual(['linearizable'])
})

test('--keep-going goes on, and shows each cause once', async () => {
  const args = ['--bug', 'commit-on-half', '--seeds', '60', '--seed', '1', '--keep-going']
  const ended = await aviary(folderWith(), 'explore', '2pc', ...args, '--json')
  const { seeds, violations } = jsonOf(exploreJson, ended)
  expect(ended.code).toBe(1)
  expect(seeds).toBe(60)
  expect(violations.length).toBeGreaterThan(0)
  expect(violations[0]!.count).toBeGreaterThan(1)
  const causes = violations.map(({ cause }) => cause)
  expect(new Set(causes).size).toBe(causes.length)
})

test('one step beyond the promise is a violation', async () => {
  const args = ['--faults', 'beyond:restart-with-amnesia', '--seconds', '20', '--json']
  const ended = await aviary(folderWith(), 'explore', '2pc', ...args)
  expect(ended.code).toBe(1)
})

test('the kind of violation decides the exit code, for a protocol of a user’s own', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const hunt = async (bug: string): Promise<[number | null, string | undefined, number | null]> => {
    const args = ['--bug', bug, '--seed', '8', '--seeds', '200', '--workers', '1', '--json']
    const ended = await aviary(cwd, 'explore', './relay.ts', ...args)
    const [violation] = jsonOf(exploreJson, ended).violations
    const replayed = await aviary(cwd, 'replay', violation!.trace)
    return [ended.code, violation?.kind, replayed.code]
  }
  expect(await Promise.all(['counts', 'throws', 'keeps', 'remembers'].map(hunt))).toEqual([
    [1, 'invariant', 1],
    [5, 'crash', 5],
    [4, 'liveness', 4],
    [3, 'hidden-state', 3],
  ])
})

test('a crash names the place in the user’s source', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const { stdout } = await aviary(cwd, 'explore', './relay.ts', '--bug', 'throws', '--seeds', '1')
  const line = relay.split('\n').findIndex((text) => text.includes('no such token')) + 1
  expect(stdout).toContain(`relay.ts:${String(line)}:`)
})

test('Ctrl-C ends with the results so far', async () => {
  const { child, ended } = start(folderWith(), [
    'explore',
    '2pc',
    '--seconds',
    '60',
    '--workers',
    '2',
    '--json',
  ])
  // It is at work as soon as a line of progress tells of actions.
  await new Promise<void>((resolve) => {
    child.stderr!.on('data', (chunk: string) => {
      if (/ [1-9][\d.]* (k |M )?actions/.test(chunk)) resolve()
    })
    child.once('close', resolve)
  })
  child.kill('SIGINT')
  const end = await ended
  const result = jsonOf(exploreJson, end)
  expect(end.code).toBe(0)
  expect(result).toMatchObject({ interrupted: true, violations: [] })
  expect(result.actions).toBeGreaterThan(0)
  expect(result.seconds).toBeLessThan(30)
})

test('--no-shrink keeps the trace as long as it was found, and shrink makes it smaller later', async () => {
  const cwd = folderWith()
  const args = [
    '--bug',
    'retry-applied-twice',
    '--seed',
    '1',
    '--seconds',
    '30',
    '--no-shrink',
    '--out',
    'here',
  ]
  const found = jsonOf(exploreJson, await aviary(cwd, 'explore', 'rdma-register', ...args, '--json'))
  const [violation] = found.violations
  expect(violation!.steps).toBe(violation!.stepsFound)
  const shrunk = await aviary(cwd, 'shrink', violation!.trace, '--out', 'small.aviary', '--seconds', '3')
  expect(shrunk.code).toBe(1)
  expect(existsSync(join(cwd, 'small.aviary'))).toBe(true)
  const replayed = jsonOf(replayJson, await aviary(cwd, 'replay', 'small.aviary', '--json'))
  expect(replayed.outcome).toBe('reproduced')
  expect(replayed.steps).toBeLessThan(violation!.steps)
})
