import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, relay } from './support.js'

const graphJson = z.object({
  system: z.string(),
  states: z.array(
    z.object({ violation: z.object({ name: z.string() }).nullable(), isExpanded: z.boolean() }),
  ),
  edges: z.array(z.object({ from: z.number(), to: z.number() })),
})

test('the graph goes to standard output, words to standard error', async () => {
  const dot = await aviary(folderWith(), 'graph', '2pc', '--nodes', '2')
  expect(dot.code, dot.stderr).toBe(0)
  expect(dot.stdout).toMatch(/^digraph "2pc" \{\n/)
  expect(dot.stdout.trimEnd().endsWith('}')).toBe(true)
  expect(dot.stderr).toMatch(/^\d+ states, \d+ edges$/m)
  const json = await aviary(folderWith(), 'graph', '2pc', '--nodes', '3', '--format', 'json')
  const graph = graphJson.parse(JSON.parse(json.stdout))
  expect(graph.states).toHaveLength(288)
  expect(graph.edges).toHaveLength(761)
})

test('a user’s system into a file, with its violations and what a depth left out', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const flags = ['--bug', 'counts', '--faults', 'duplicate=1', '--format', 'json']
  const { code, stderr, stdout } = await aviary(cwd, 'graph', './relay.ts', ...flags, '--out', 'relay.json')
  expect(code, stderr).toBe(0)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/\d+ states? violating, written to relay.json/)
  const { states } = graphJson.parse(JSON.parse(readFileSync(join(cwd, 'relay.json'), 'utf8')))
  expect(states.some(({ violation }) => violation?.name === 'one-token')).toBe(true)
  const cut = await aviary(cwd, 'graph', './relay.ts', '--depth', '1', '--out', 'cut.dot')
  expect(cut.stderr).toContain('not expanded (--depth)')
  expect(readFileSync(join(cwd, 'cut.dot'), 'utf8')).toContain('dashed')
})

test.each([
  [['--nodes', '5'], '--states 1000: the graph of 2pc has more states', 'give a larger --states'],
  [['--nodes', '2', '--out', 'no/such/folder.dot'], 'cannot write', ''],
  [['--nodes', '2', '--bug', 'commit-on-hlf'], 'has no wrong variant', 'did you mean commit-on-half?'],
])('%s is an error in two lines', async (flags, what, mend) => {
  const { code, stdout, stderr } = await aviary(folderWith(), 'graph', '2pc', ...flags)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain(what)
  expect(stderr).toContain(mend)
  // On a slow machine there is a line of progress before them.
  const lines = stderr.trimEnd().split('\n')
  expect(lines.filter((line) => !/^[\d ]+ states$/.test(line))).toHaveLength(2)
})
