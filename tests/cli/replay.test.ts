import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { aviary, folderWith, jsonOf, relay, replayJson, traceOfRelay } from './support.js'

let cwd = ''
let trace = ''
beforeAll(async () => {
  cwd = folderWith({ 'relay.ts': relay })
  trace = await traceOfRelay(cwd)
})

test('code that was changed makes a strict replay diverge, and says where', async () => {
  const other = folderWith({ 'relay.ts': relay.replace('state.tokens + 1', 'state.tokens + 2') })
  const ended = await aviary(cwd, 'replay', trace, '--system', join(other, 'relay.ts'), '--json')
  expect(ended.code).toBe(3)
  const { outcome, message } = jsonOf(replayJson, ended)
  expect(outcome).toBe('diverged')
  expect(message).toMatch(/step \d+/)
  expect(message).toContain('tokens')
  expect(message).toContain('The code has changed')
})

test('a guided replay on changed code skips what is not possible, and tells', async () => {
  const other = folderWith({
    'relay.ts': relay.replace("host.self + 1 === host.nodes || bug === 'keeps'", 'true'),
  })
  const ended = await aviary(cwd, 'replay', trace, '--guided', '--system', join(other, 'relay.ts'), '--json')
  expect(ended.code).toBe(0)
  expect(jsonOf(replayJson, ended).skipped).toBeGreaterThan(0)
})

test('code that only looks different replays the same', async () => {
  const other = folderWith({ 'relay.ts': relay.replace('state.tokens + 1', '1 + state.tokens') })
  const ended = await aviary(cwd, 'replay', trace, '--system', join(other, 'relay.ts'), '--json')
  expect(ended.code).toBe(1)
  expect(jsonOf(replayJson, ended).message).toContain('The code has changed')
})

test('a trace finds its module in this folder, and elsewhere says what to do', async () => {
  const elsewhere = folderWith({ 'relay.ts': relay })
  writeFileSync(join(elsewhere, 'found.aviary'), readFileSync(join(cwd, trace)))
  mkdirSync(join(elsewhere, 'below'))
  const inside = await aviary(elsewhere, 'replay', 'found.aviary')
  expect(inside.code).toBe(1)
  const outside = await aviary(join(elsewhere, 'below'), 'replay', '../found.aviary')
  expect(outside.code).toBe(2)
  expect(outside.stderr).toContain('a trace does not decide what code is run')
  renameSync(join(elsewhere, 'relay.ts'), join(elsewhere, 'moved.ts'))
  const lost = await aviary(elsewhere, 'replay', 'found.aviary')
  expect(lost.code).toBe(2)
  expect(lost.stderr).toContain('--system')
  const named = await aviary(elsewhere, 'replay', 'found.aviary', '--system', './moved.ts')
  expect(named.code).toBe(1)
})

test('every format is written, and text can be replayed', async () => {
  const formats = ['perfetto', 'itf', 'jsonl', 'text']
  const written = await Promise.all(
    formats.map((format) => aviary(cwd, 'export', trace, '--format', format, '--out', `out.${format}`)),
  )
  expect(written.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  const read = (format: string): string => readFileSync(join(cwd, `out.${format}`), 'utf8')
  expect(JSON.parse(read('itf'))).toHaveProperty('states')
  for (const line of read('jsonl').trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('site')
  expect(read('perfetto').length).toBeGreaterThan(50)
  expect((await aviary(cwd, 'replay', 'out.text')).code).toBe(1)
  const piped = await aviary(cwd, 'export', trace, '--format', 'text', '--out', '-')
  expect(piped.stdout).toBe(read('text'))
})

test('explain tells the story: property, reason, last steps', async () => {
  const { code, stdout } = await aviary(cwd, 'explain', trace, '--last', '5')
  expect(code).toBe(1)
  expect(stdout).toContain('one-token')
  expect(stdout).toContain('has 2 tokens')
  expect(stdout).toContain('duplicate')
})
