/** Chaos: what it draws, what it judges, that wrong services are found, and that APUS holds in both of its modes. */
import { existsSync, readFileSync } from 'node:fs'
import { type Socket, connect, createServer } from 'node:net'
import { afterEach, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import {
  type Deed,
  type KeyInput,
  type KeyOutput,
  Load,
  chaosKinds,
  drawPlan,
  judgeLoad,
  keyModel,
  machinePace,
  processPace,
  signalMember,
  silences,
} from '../../runner/index.js'
import { HistoryRecorder, checkLinearizable } from '../../sim/index.js'
import { refused } from '../../protocol/index.js'
import { aviary, folderWith, jsonOf, start } from '../cli/support.js'
import { closeAll, openGateway, storeProposer } from './gateway/support.js'
import { hastyService, rottenService } from './wrong-services.js'

afterEach(closeAll)

describe('the plan', () => {
  const choice = { seed: 7, nodes: 5, millis: 60_000, isDurable: true, pace: processPace }
  test('is the same for the same seed, and another for another', () => {
    expect(drawPlan(choice)).toEqual(drawPlan(choice))
    expect(drawPlan({ ...choice, seed: 8 })).not.toEqual(drawPlan(choice))
  })
  test('has every kind of fault; a majority is killed only where acknowledgements are flushed', () => {
    const kinds = (isDurable: boolean): Set<string> =>
      new Set(drawPlan({ ...choice, isDurable }).map(({ kind }) => kind))
    const here = chaosKinds.filter((kind) => kind !== 'kill machine')
    expect(kinds(true)).toEqual(new Set(here))
    expect(kinds(false)).toEqual(new Set(here.filter((kind) => kind !== 'kill all')))
  })
  test('kills machines and single processes where members have machines, and takes its time', () => {
    const steps = drawPlan({ ...choice, millis: 600_000, pace: machinePace })
    expect(new Set(steps.map(({ kind }) => kind))).toEqual(new Set(chaosKinds))
    const lasting = steps.flatMap((step) => ('lastsMillis' in step ? [step.lastsMillis] : []))
    const [least, most] = machinePace.lastingMillis
    expect(Math.min(...lasting)).toBeGreaterThanOrEqual(least)
    expect(Math.max(...lasting)).toBeLessThanOrEqual(most)
    expect(Math.max(...lasting)).toBeGreaterThan(processPace.lastingMillis[1])
  })
  test('rises in time and stays within it', () => {
    const moments = drawPlan(choice).map(({ atMillis }) => atMillis)
    expect(moments).toEqual([...moments].sort((a, b) => a - b))
    expect(moments.length).toBeGreaterThan(50)
    expect(Math.max(...moments)).toBeLessThan(choice.millis)
  })
})

describe('the model of a key', () => {
  const states = [null, '1', '2', '3', '4'] as const
  const key = 'k'
  const inputs: KeyInput[] = [
    { kind: 'get', key },
    { kind: 'set', key, value: '3' },
    { kind: 'setAbsent', key, value: '3' },
    { kind: 'setPresent', key, value: '3' },
    { kind: 'increment', key },
    { kind: 'exchange', key, expected: null, value: '3' },
    { kind: 'exchange', key, expected: '2', value: '3' },
  ]
  const outputs: (KeyOutput | undefined)[] = [undefined, ...states, 1, 2, 3, 'OK', true, false]

  test('has shapes that say what its steps do', () => {
    let shaped = 0
    for (const input of inputs)
      for (const output of outputs) {
        const shape = keyModel.shape!(input, output)
        if (shape === undefined) continue
        const allowed = states.filter((state) => keyModel.step(state, input, output) !== refused)
        // An output that no state allows is none of this input.
        if (allowed.length === 0) continue
        shaped++
        for (const state of states) {
          const next = keyModel.step(state, input, output)
          const isFrom = shape.from === undefined || shape.from === keyModel.key(state)
          const label = keyModel.describe(input, output)
          if (output === undefined) {
            const expected = shape.kind === 'sets' && isFrom ? shape.to : keyModel.key(state)
            expect(keyModel.key(next as string | null), label).toBe(expected)
            continue
          }
          expect(next !== refused, `${label} in ${String(state)}`).toBe(isFrom)
          if (next === refused) continue
          expect(keyModel.key(next), label).toBe(shape.kind === 'sets' ? shape.to : keyModel.key(state))
        }
      }
    expect(shaped).toBeGreaterThan(20)
  })

  test('does what the store does', () => {
    const recorder = new HistoryRecorder<KeyInput, KeyOutput>()
    const told: readonly (readonly [KeyInput, KeyOutput])[] = [
      [{ kind: 'setPresent', key, value: '5' }, null],
      [{ kind: 'get', key }, null],
      [{ kind: 'increment', key }, 1],
      [{ kind: 'setAbsent', key, value: '6' }, '1'],
      [{ kind: 'setPresent', key, value: '7' }, '1'],
      [{ kind: 'exchange', key, expected: '7', value: '8' }, true],
      [{ kind: 'exchange', key, expected: '8', value: '9' }, false],
      [{ kind: 'get', key }, '8'],
    ]
    for (const [input, output] of told) {
      recorder.call(0, input)
      recorder.return(0, output)
    }
    expect(checkLinearizable(recorder.operations(), keyModel).verdict).toBe('linearizable')
  })
})

test('the longest silence after a fault ends with the next acknowledgement, and reaches no further than the next fault', () => {
  const deed = (at: number): Deed => ({
    kind: 'kill',
    members: [0],
    wasLeader: true,
    at,
    over: undefined,
    text: '',
  })
  const deeds = [deed(10), deed(30), deed(40), deed(100), deed(200)]
  const acknowledged = [1, 9, 14, 60, 61, 101, 102, 103]
  expect(silences(deeds, acknowledged, 300)).toEqual([16, 10, 39, 97, Infinity])
})

test('nothing is killed that is no member', () => {
  expect(() => {
    signalMember(0, process.pid, 'SIGKILL')
  }).toThrow(/is no member of a cluster on this machine/)
})

describe('a load', () => {
  /** Passes everything on, except every n-th plain SET, which it acknowledges itself. */
  async function lossyProxy(port: number, every: number): Promise<number> {
    let sets = 0
    const sockets = new Set<Socket>()
    const server = createServer((client) => {
      const behind = connect(port, '127.0.0.1')
      sockets.add(client).add(behind)
      client.on('data', (piece) => {
        const isPlainSet = piece.toString('latin1').startsWith('*3\r\n$3\r\nSET\r\n')
        if (isPlainSet && ++sets % every === 0) client.write('+OK\r\n')
        else behind.write(piece)
      })
      behind.on('data', (piece) => client.write(piece))
      for (const [one, other] of [
        [client, behind],
        [behind, client],
      ] as const) {
        one.on('error', () => undefined)
        one.on('close', () => other.destroy())
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port: own } = server.address() as { port: number }
    proxies.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return own
  }
  const proxies: (() => void)[] = []
  afterEach(() => {
    for (const close of proxies.splice(0)) close()
  })

  async function run(port: number): Promise<Load> {
    const addresses = [0, 1].map(() => ({ host: '127.0.0.1', port }))
    const load = new Load({ addresses, clients: 6, seed: 3, thinkMillis: 0.2 })
    load.start()
    while (load.operations < 2000) await new Promise((resolve) => setTimeout(resolve, 5))
    await load.stop()
    return load
  }

  it('is linearizable at one store, uses every kind of operation, and a new key when one has had enough', async () => {
    const { port } = await openGateway({ proposer: storeProposer() })
    const load = await run(port)
    expect(judgeLoad(load).verdict).toBe('linearizable')
    expect([load.unknown, load.refused]).toEqual([0, 0])
    const operations = load.recorder.operations()
    const kinds = new Set(
      operations.map(({ input, output }) => `${input.kind} ${output === false ? 'false' : ''}`),
    )
    expect([...kinds].sort()).toEqual([
      'exchange ',
      'exchange false',
      'get ',
      'increment ',
      'set ',
      'setAbsent ',
      'setPresent ',
    ])
    const most = Math.max(
      ...load.keys.map((key) => operations.filter(({ input }) => input.key === key).length),
    )
    expect(most).toBeLessThanOrEqual(2 * 300)
    expect(load.keys.length).toBeGreaterThan(4)
    const values = await load.readBack(0)
    expect(values?.size).toBe(load.keys.length)
  })

  it('finds a proxy that acknowledges a SET which it never passed on, and tells the story of the key', async () => {
    const { port } = await openGateway({ proposer: storeProposer() })
    const { verdict, violation } = judgeLoad(await run(await lossyProxy(port, 50)))
    expect(verdict).toBe('violated')
    expect(violation!.story).toMatch(/no order of these operations/)
    expect(violation!.story).toMatch(/client +\d+ {2}SET \d+000000 -> OK/)
    expect(violation!.story.split('\n').filter((line) => line.startsWith('>'))).toHaveLength(1)
  })

  it('a judgement that is cut off is no pass', async () => {
    const { port } = await openGateway({ proposer: storeProposer() })
    expect(judgeLoad(await run(port), 10).verdict).toBe('unknown')
  })
})

const chaosJson = z.object({
  system: z.string(),
  nodes: z.number(),
  mode: z.string(),
  seed: z.number(),
  operations: z.number(),
  unknown: z.number(),
  faults: z.number(),
  // Of one that never ended: null.
  silences: z.array(
    z.object({
      kind: z.string(),
      count: z.number(),
      p50: z.number().nullable(),
      p99: z.number().nullable(),
      most: z.number().nullable(),
    }),
  ),
  verdict: z.string(),
  reason: z.string().nullable(),
  historyFile: z.string().nullable(),
  diverged: z.string().nullable(),
  stalled: z.string().nullable(),
})

describe('aviary chaos', () => {
  it('finds a service that acknowledges before it has committed', { timeout: 120_000 }, async () => {
    const cwd = folderWith({ 'hasty.ts': hastyService })
    const args = ['./hasty.ts', '--local', '3', '--seconds', '8', '--seed', '5', '--json']
    const ended = await aviary(cwd, 'chaos', ...args)
    const result = jsonOf(chaosJson, ended)
    expect(result.verdict, ended.stderr).toBe('violated')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('the seed was 5')
    expect(existsSync(result.historyFile!)).toBe(true)
    expect(readFileSync(result.historyFile!, 'utf8')).toContain(result.reason!)
  })

  it('finds a replica whose memory differs where no client looks', { timeout: 120_000 }, async () => {
    const cwd = folderWith({ 'rotten.ts': rottenService })
    const ended = await aviary(cwd, 'chaos', './rotten.ts', '--local', '3', '--seconds', '0.1', '--json')
    const result = jsonOf(chaosJson, ended)
    expect(result.verdict, ended.stderr).toBe('linearizable')
    expect(result.diverged).toMatch(
      /^member 0 has applied \d+ entries and holds (\w+), member 1 [^,]* \1, member 2 [^,]* (?!\1)\w+$/,
    )
    expect(ended.code).toBe(1)
  })

  it('meets a cluster that runs already, and leaves it in peace', { timeout: 120_000 }, async () => {
    const cwd = folderWith()
    const run = ['run', 'apus', '--local', '3', '--port', '0', '--folder', 'run', '--set', 'durability=1']
    const { child, ended } = start(cwd, run)
    try {
      await new Promise<void>((resolve, reject) => {
        let said = ''
        child.stdout!.on('data', (chunk: string) => {
          said += chunk
          if (said.includes('Stop:')) resolve()
        })
        child.on('exit', () => {
          reject(new Error('the cluster has ended'))
        })
      })
      const attacked = await aviary(cwd, 'chaos', 'run/cluster.toml', '--seconds', '3', '--json')
      const result = jsonOf(chaosJson, attacked)
      expect(result, attacked.stderr).toMatchObject({
        system: 'apus',
        verdict: 'linearizable',
        diverged: null,
        stalled: null,
      })
      expect(result.mode).toContain('disks')
      expect(result.faults).toBeGreaterThan(0)
      expect((await aviary(cwd, 'status', 'run/cluster.toml')).code).toBe(0)
    } finally {
      child.kill('SIGTERM')
    }
    expect((await ended).code).toBe(0)
  })

  // A cut of what tests/campaigns/chaos.long.ts does for ten minutes each.
  for (const [mode, set] of [
    ['a majority of memories', 'durability=0'],
    ['flushed by a majority of disks', 'durability=1'],
  ] as const)
    it(`finds nothing in APUS: ${mode}`, { timeout: 180_000 }, async () => {
      const args = ['apus', '--local', '5', '--set', set, '--seconds', '25', '--seed', '11', '--json']
      const ended = await aviary(folderWith(), 'chaos', ...args)
      const result = jsonOf(chaosJson, ended)
      expect(result, ended.stderr).toMatchObject({ verdict: 'linearizable', diverged: null, stalled: null })
      expect(result.mode).toContain(mode)
      expect(result.faults).toBeGreaterThan(5)
      expect(result.operations).toBeGreaterThan(500)
      expect(ended.code).toBe(0)
    })

  test.each([
    [['apus'], /--local is missing/],
    [['paxos', '--local', '3'], /SYSTEM paxos: has no service/],
    [['apus', '--local', '10'], /--local 10: apus has 3 to 9 replicas/],
    [['apus', '--local', '3', '--set', 'windo=3'], /no parameter.*windo/],
    [['none.toml'], /none\.toml cannot be read/],
    [['none.toml', '--local', '3'], /--local: none\.toml describes a cluster that runs already/],
    [['none.toml', '--testbed', 'x', '--nodes', '3'], /--nodes: none\.toml describes a cluster that runs/],
    [['apus', '--local', '3', '--testbed'], /--local and --testbed: a cluster has one place/],
    [['apus', '--local', '3', '--nodes', '3'], /--nodes: belongs to --testbed/],
    [['apus', '--testbed', '--nodes', '12'], /--nodes/],
    [['paxos', '--testbed'], /SYSTEM paxos: has no service/],
    [['apus', '--testbed', 'nowhere'], /no testbed nowhere is up/],
  ] as const)('%j', async (args, message) => {
    const ended = await aviary(folderWith(), 'chaos', ...args)
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(2)
  })
})
