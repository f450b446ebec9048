// `aviary litmus` as a user runs it: in a folder of their own, on a file of their own.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf, replayJson } from '../cli/support.js'

const mine = `name: mine
title: A flag over another queue pair
rules: in-order-requests
n1: x = 0, y = 0

  n0                    | n1
  write n1.x = 1        | r0 = y
  write n1.y = 1 qp 1   | r1 = x

observe: n1:r0 n1:r1
allowed: 0 0, 0 1, 1 0, 1 1
`
const wrong = mine.replace(', 1 0, 1 1', ', 1 1\nforbidden: 1 0')

const litmusJson = z.object({
  programs: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      states: z.number(),
      steps: z.number(),
      seconds: z.number(),
      verdict: z.string(),
      outcomes: z.array(
        z.object({
          values: z.record(z.string(), z.string()),
          expected: z.string(),
          observed: z.boolean(),
          trace: z.string().optional(),
        }),
      ),
    }),
  ),
})

test("a user's program in an empty folder: every outcome, and a trace of each that replays", async () => {
  const folder = folderWith({ 'mine.litmus': mine })
  const ended = await aviary(folder, 'litmus', './mine.litmus', '--out', 'traces', '--json')
  expect(ended.code, ended.stderr).toBe(0)
  const [program] = jsonOf(litmusJson, ended).programs
  expect(program).toMatchObject({ name: 'mine', file: './mine.litmus', verdict: 'ok' })
  expect(program!.outcomes.map(({ values }) => values)).toEqual([
    { 'n1:r0': '0', 'n1:r1': '0' },
    { 'n1:r0': '0', 'n1:r1': '1' },
    { 'n1:r0': '1', 'n1:r1': '0' },
    { 'n1:r0': '1', 'n1:r1': '1' },
  ])
  for (const { trace } of program!.outcomes) {
    expect(existsSync(join(folder, trace!))).toBe(true)
    const replayed = await aviary(folder, 'replay', trace!, '--json')
    expect(replayed.code, replayed.stderr).toBe(0)
    expect(jsonOf(replayJson, replayed)).toMatchObject({ outcome: 'reproduced', violation: null })
  }
})

test('the trace of a forbidden outcome violates, is explained and exported, without its file', async () => {
  const folder = folderWith({ 'wrong.litmus': wrong })
  const ended = await aviary(folder, 'litmus', './wrong.litmus', '--out', '.', '--json')
  expect(ended.code).toBe(1)
  const [program] = jsonOf(litmusJson, ended).programs
  const forbidden = program!.outcomes.find(({ expected }) => expected === 'forbidden')
  expect(forbidden?.values).toEqual({ 'n1:r0': '1', 'n1:r1': '0' })
  const elsewhere = folderWith()
  const trace = join(folder, forbidden!.trace!)
  const explained = await aviary(elsewhere, 'explain', trace)
  expect(explained.stdout).toContain('n1:r0=1 n1:r1=0, which no allowed outcome has')
  expect(explained.code).toBe(1)
  const exported = await aviary(elsewhere, 'export', trace, '--format', 'jsonl', '--out', '-')
  expect(exported.code, exported.stderr).toBe(0)
})

test('the table shows what was expected and what was seen', async () => {
  const missing = mine.replace('0 0, ', '0 0, 2 2, ')
  const folder = folderWith({ 'wrong.litmus': wrong, 'missing.litmus': missing })
  const { code, stdout } = await aviary(folder, 'litmus', '.')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^FAILED {2}mine .* 4 outcomes/m)
  expect(stdout).toMatch(/^ {2}forbidden, but observed +1 +0/m)
  expect(stdout).toMatch(/^ {2}allowed, but never observed +2 +2/m)
  expect(stdout).toContain('aviary litmus missing.litmus --out aviary-out')
})

test('a rule that is switched off makes other outcomes, and --mutations says who notices', async () => {
  const folder = folderWith({ 'mine.litmus': mine })
  const broken = await aviary(folder, 'litmus', 'message-passing', '--broken', 'in-order-requests')
  expect(broken.code).toBe(1)
  expect(broken.stdout).toContain('rule in-order-requests is switched off')
  const noticed = await aviary(folder, 'litmus', 'message-passing', '--mutations')
  expect(noticed.code, noticed.stdout).toBe(0)
  expect(noticed.stdout).toMatch(/noticed +in-order-requests +message-passing/)
  const unnoticed = await aviary(folder, 'litmus', './mine.litmus', '--mutations')
  expect(unnoticed.code).toBe(1)
  expect(unnoticed.stdout).toMatch(/unnoticed +in-order-requests +listed, but not noticed, by mine/)
})

test('a litmus file is a system', async () => {
  const folder = folderWith({ 'mine.litmus': mine })
  const { code, stdout } = await aviary(folder, 'explore', './mine.litmus', '--seeds', '3', '--workers', '1')
  expect(code, stdout).toBe(0)
})

test.each([
  [['./mine.litmus'], 'mine.litmus:7:3: expected an operation, found "wrte"', 'did you mean write?'],
  [['./no.litmus'], 'there is no such file', 'check the path'],
  [['mesage-passing'], 'there is no program "mesage-passing"', 'did you mean message-passing?'],
  [['message-passing', '--broken', 'fense'], 'the rule book has no rule "fense"', 'did you mean fence?'],
  [['message-passing', '--workers', 'no'], '--workers no', 'a whole number'],
  [['--mutations', '--broken', 'fence'], '--mutations and --broken', 'give one of them'],
])('%s is an error in two lines', async (args, what, mend) => {
  const folder = folderWith({ 'mine.litmus': mine.replace('write n1.x', 'wrte n1.x') })
  const { code, stderr } = await aviary(folder, 'litmus', ...args)
  expect(code).toBe(2)
  expect(stderr).toContain(what)
  expect(stderr).toContain(mend)
  expect(stderr.trimEnd().split('\n')).toHaveLength(2)
})
