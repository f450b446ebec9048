/** Runs the command as a user does: the launcher, in a folder of its own, without a terminal. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { z } from 'zod'

const launcher = fileURLToPath(new URL('../../cli/aviary.mjs', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A fresh folder with these files. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-cli-'))
  folders.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

export function start(cwd: string, args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '', AVIARY_DEBUG: '' }
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
  return { child, ended }
}

/** Resolves when the process has said these words, to what it has said; rejects when it ends without. */
export function said(
  { child, ended }: ReturnType<typeof start>,
  words: string,
  stream: 'stdout' | 'stderr' = 'stderr',
): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    child[stream]!.on('data', (chunk: string) => {
      heard += chunk
      if (heard.includes(words)) resolve(heard)
    })
    void ended.then(({ code, stdout, stderr }) => {
      reject(new Error(`ended with ${String(code)} before it said "${words}":\n${stdout}\n${stderr}`))
    })
  })
}

export const aviary = (cwd: string, ...args: string[]): Promise<Ended> => start(cwd, args).ended

/** The one JSON object on the last line of standard output, which has no other lines when JSON was asked for. */
export function jsonOf<T extends z.ZodType>(schema: T, { stdout, stderr }: Ended): z.output<T> {
  const lines = stdout.trimEnd().split('\n')
  if (lines.length !== 1 || lines[0] === '') throw new Error(`not one line:\n${stdout}\n${stderr}`)
  return schema.parse(JSON.parse(lines[0]!))
}

const fraction = z.object({ seen: z.number(), of: z.number(), missing: z.array(z.string()) })
export const exploreJson = z.object({
  system: z.string(),
  bug: z.string().nullable(),
  firstSeed: z.number(),
  interrupted: z.boolean(),
  actions: z.number(),
  idlePolls: z.number(),
  refused: z.number(),
  seconds: z.number(),
  seeds: z.number(),
  runs: z.number(),
  violations: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      reason: z.string(),
      steps: z.number(),
      stepsFound: z.number(),
      trace: z.string(),
      seed: z.number(),
      count: z.number(),
      cause: z.string(),
    }),
  ),
  coverage: z.object({
    handlers: fraction,
    notes: fraction,
    faults: fraction,
    neverSeen: z.array(z.string()),
  }),
})
export const replayJson = z.object({
  outcome: z.string(),
  message: z.string(),
  fingerprint: z.string().optional(),
  steps: z.number().optional(),
  skipped: z.number().optional(),
  violation: z.object({ kind: z.string(), name: z.string(), reason: z.string() }).nullable(),
  twice: z.string().optional(),
})

/** Finds the bug `counts` of the protocol below in a folder that has it as relay.ts; the path of its trace. */
export async function traceOfRelay(cwd: string): Promise<string> {
  const args = ['--bug', 'counts', '--seed', '1', '--seeds', '200', '--json']
  const { violations } = jsonOf(exploreJson, await aviary(cwd, 'explore', './relay.ts', ...args))
  return violations[0]!.trace
}

/** A protocol as a user might write it, outside of Aviary, with bugs of every kind. */
export const relay = `
import { type CoreDefinition, defineCore, defineSystem, nodeId, struct, u8 } from 'aviary'

const state = struct({ tokens: u8, from: nodeId })
let received = 0

function relay(bug: string | undefined): CoreDefinition {
  return defineCore({
    state,
    notes: ['passed'],
    scratchBytes: 8,
    create({ host, state, output }) {
      const pass = (): void => {
        if (host.self + 1 === host.nodes || bug === 'keeps') return
        output.setUint8(0, 1)
        host.send(host.self + 1, 0, 1)
        host.note(0, host.self)
      }
      return {
        start() {
          if (host.self === 0) pass()
        },
        message(from) {
          if (bug === 'throws') throw new TypeError('no such token')
          const already = state.tokens > 0
          if (bug === 'remembers') received++
          state.tokens = bug === 'counts' ? state.tokens + 1 : bug === 'remembers' ? received & 63 : 1
          state.from = from
          if (!already) pass()
        },
      }
    },
  })
}

export const system = defineSystem({
  name: 'relay',
  summary: 'A token is handed on from node to node',
  nodes: { minimum: 2, maximum: 4, default: 3, noun: 'nodes' },
  parameters: {},
  bugs: {
    counts: { story: 'A token that is delivered twice counts twice.', fix: 'Set it.', caughtBy: ['one-token'] },
    throws: { story: 'Receiving throws.', fix: 'Do not throw.', caughtBy: ['crash'] },
    keeps: { story: 'Nobody hands the token on.', fix: 'Hand it on.', caughtBy: ['arrives'] },
    remembers: { story: 'A variable outside.', fix: 'Keep it in the state.', caughtBy: ['hidden-state'] },
  },
  build({ nodes, bug }) {
    const core = relay(bug)
    return {
      cores: Array.from({ length: nodes }, () => core),
      network: { kind: 'unordered', messageBytes: 8, capacity: 4, lossy: false, describe: () => 'token' },
      atlas: { safety: { duplicate: Infinity }, unavailable: 0, beyond: [] },
      spec: {
        invariants: [
          {
            name: 'one-token',
            meaning: 'No node has more than one token.',
            check(observer) {
              for (let node = 0; node < observer.nodes; node++) {
                const { tokens } = observer.state(node, state)
                if (tokens > 1 && bug !== 'remembers') return \`n\${node} has \${tokens} tokens\`
              }
              return undefined
            },
          },
        ],
        stepInvariants: [],
        history: undefined,
        goal: {
          name: 'arrives',
          meaning: 'the last node has the token',
          reached: (observer) => observer.state(observer.nodes - 1, state).tokens > 0,
        },
      },
      bounds: { nodes },
    }
  },
})
`
