/** A testbed for tests: booted as a user does, then used through the library. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { type MachineProcess, Testbed } from '../../runner/testbed/index.js'
import { aviary, folderWith, jsonOf } from '../cli/support.js'

/** Machines boot in seconds; beside other tests on two processors in a minute or more. */
export const BOOT_MILLIS = 300_000

/** An emulated machine may get its processor only every few hundred milliseconds. */
export const SLOW_HOST = ['--set', 'beatMicros=50000', '--set', 'suspectMicros=1000000']

/** Of `aviary chaos`. */
export const chaosJson = z.object({
  nodes: z.number(),
  mode: z.string(),
  operations: z.number(),
  unknown: z.number(),
  refused: z.number(),
  keys: z.number(),
  faults: z.number(),
  silences: z.array(
    z.object({
      kind: z.string(),
      count: z.number(),
      ofLeader: z.number(),
      // Of one that never ended: null.
      p50: z.number().nullable(),
      p99: z.number().nullable(),
      most: z.number().nullable(),
    }),
  ),
  verdict: z.string(),
  reason: z.string().nullable(),
  diverged: z.string().nullable(),
  stalled: z.string().nullable(),
})

export const statusJson = z.object({
  name: z.string(),
  folder: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  pid: z.number(),
  machines: z.array(
    z.object({
      machine: z.number(),
      address: z.string(),
      state: z.enum(['booting', 'ready', 'paused', 'down']),
      pid: z.number().optional(),
      bootSeconds: z.number().optional(),
    }),
  ),
  cuts: z.array(z.tuple([z.number(), z.number()])),
})
export type Status = z.output<typeof statusJson>

export const freshName = (): string => `test-${randomBytes(4).toString('hex')}`

export async function bootTestbed(
  nodes: number,
): Promise<{ name: string; status: Status; testbed: Testbed }> {
  const name = freshName()
  const ended = await aviary(
    folderWith(),
    'testbed',
    'up',
    '--name',
    name,
    '--nodes',
    String(nodes),
    '--json',
  )
  expect(ended.code, ended.stderr).toBe(0)
  return { name, status: jsonOf(statusJson, ended), testbed: await Testbed.attach(name) }
}

export const hasProcess = (pid: number): boolean => existsSync(`/proc/${String(pid)}`)

/** Of the third field of proc(5): R, S, T, … */
export const processState = (pid: number): string =>
  readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .split(') ')[1]!
    .charAt(0)

/** Waits until a program has said this many lines; fails when it ends before. */
export async function lines(child: MachineProcess, count: number): Promise<string[]> {
  let text = heard.get(child)
  if (text === undefined) {
    text = { said: '' }
    heard.set(child, text)
    const kept = text
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (kept.said += chunk))
  }
  const kept = text
  await vi.waitFor(
    () => {
      const whole = kept.said.split('\n').length - 1
      if (whole < count && child.ended === undefined) throw new Error(`only ${JSON.stringify(kept.said)}`)
    },
    { timeout: 60_000, interval: 20 },
  )
  const all = kept.said.trimEnd().split('\n')
  expect(all.length, `it has ended after ${JSON.stringify(kept.said)}`).toBeGreaterThanOrEqual(count)
  return all
}
const heard = new WeakMap<MachineProcess, { said: string }>()
