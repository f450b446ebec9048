import { expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf, relay } from './support.js'

const listJson = z.object({
  systems: z.array(
    z.object({
      name: z.string(),
      bugs: z.array(z.object({ name: z.string(), story: z.string().min(20) })),
      invariants: z.array(z.string()).min(1),
      faults: z.object({
        promised: z.record(z.string(), z.union([z.number(), z.literal('unlimited')])),
        beyond: z.array(z.object({ name: z.string(), story: z.string() })),
      }),
    }),
  ),
})

test('list tells every system, its bugs with their stories, its properties and faults', async () => {
  const ended = await aviary(folderWith(), 'list', '--json')
  const { systems } = jsonOf(listJson, ended)
  expect(ended.code).toBe(0)
  expect(systems.map(({ name }) => name)).toEqual(['2pc', 'paxos', 'rdma-register', 'apus'])
  expect(systems.flatMap(({ bugs }) => bugs).length).toBeGreaterThanOrEqual(12)
  for (const { faults } of systems) expect(faults.beyond.length).toBeGreaterThanOrEqual(1)
})

test('list understands a protocol in a user’s own folder', async () => {
  const { code, stdout } = await aviary(folderWith({ 'relay.ts': relay }), 'list', './relay.ts')
  expect(code).toBe(0)
  expect(stdout).toContain('one-token')
  expect(stdout).toContain('any number of duplicate')
})

test('help teaches: examples, fault syntax and exit codes', async () => {
  const cwd = folderWith()
  const [general, explore, version] = await Promise.all([
    aviary(cwd, '--help'),
    aviary(cwd, 'explore', '--help'),
    aviary(cwd, '--version'),
  ])
  expect(general.code).toBe(0)
  for (const command of ['list', 'explore', 'replay', 'shrink', 'explain', 'export', 'bench', 'tour'])
    expect(general.stdout).toMatch(new RegExp(`^ +${command} `, 'm'))
  expect(general.stdout).toContain('Exit codes')
  expect(explore.stdout).toContain('crash=1,drop=3')
  expect(explore.stdout).toContain('Examples:')
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('a reader that goes away early is no error', async () => {
  const { spawn } = await import('node:child_process')
  const cwd = folderWith()
  const launcher = new URL('../../cli/aviary.mjs', import.meta.url).pathname
  const child = spawn('bash', ['-c', `'${process.execPath}' '${launcher}' list | head -1`], { cwd })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  await new Promise((resolve) => child.on('close', resolve))
  expect(stderr).toBe('')
})
