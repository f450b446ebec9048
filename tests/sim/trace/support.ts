/**
 * A tiny system for the tests of traces: n0 pings n1 on a timer and writes the count into n1's board by RDMA; n1 polls
 * the board and answers pings; a client asks n0 for the count. And a driver that picks any armed action.
 */
import {
  Flag,
  Status,
  type SystemDefinition,
  defineCore,
  defineSystem,
  queuePairTo,
  remoteAddressOf,
  struct,
  u32,
  u64,
} from '../../../protocol/index.js'
import { Random } from '../../../sim/random.js'
import { Run } from '../../../sim/run/run.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { isFaultKind } from '../../../sim/world/site.js'
import { RunRecorder } from '../../../sim/trace/recorder.js'
import { type About, type Trace, recordTrace } from '../../../sim/trace/trace.js'

const pingerState = struct({ count: u32, pongs: u32, writing: u32, sum: u64 })
const boardState = struct({ heard: u32, seen: u32 })
const board = struct({ count: u64, twice: u64 })

/** What a test may have a core do wrong. */
export interface Mischief {
  /** Called by the pinger at each tick; what it returns is added to the sum. */
  readonly tick?: (() => number) | undefined
  /** By how much each ping raises `heard`. */
  readonly heardBy?: number | undefined
}

function pinger(mischief: Mischief, forgets: boolean) {
  return defineCore({
    state: pingerState,
    timers: ['tick'],
    scratchBytes: 64,
    create({ host, state, output }) {
      return {
        start(recovered) {
          host.setTimer(0, 100)
          // Its queue pair is in RESET after a crash, and nobody connects it again: no more writes.
          if (recovered) state.writing = 1
        },
        timer() {
          state.count++
          state.sum += mischief.tick?.() ?? 0
          output.setUint32(0, state.count, true)
          output.setUint32(4, 0, true)
          host.send(1, 0, 8)
          if (state.writing === 0) {
            state.writing = 1
            output.setUint32(0, state.count, true)
            output.setUint32(8, state.count * 2, true)
            output.setUint32(12, 0, true)
            host.write(queuePairTo(1, 0, 1), remoteAddressOf(0, 0), 0, 16, 0, Flag.signaled | Flag.inline)
          }
          host.setTimer(0, 100)
        },
        message() {
          state.pongs += forgets && state.pongs === 3 ? 4000 : 1
        },
        completion(_queuePair, _token, status) {
          if (status === Status.ok) state.writing = 0
        },
        request(client, sequence) {
          output.setUint32(0, state.count, true)
          host.reply(client, sequence, 0, 4)
        },
      }
    },
  })
}

function listener(mischief: Mischief) {
  return defineCore({
    state: boardState,
    regions: [{ name: 'board', layout: board }],
    windows: [{ name: 'board', layout: board }],
    scratchBytes: 64,
    create({ host, state, input, output, window }) {
      const view = window(0, board)
      return {
        start() {
          host.watch(0, 0, 0)
        },
        poll() {
          if (view.twice === view.count * 2 && view.count > state.seen) state.seen = view.count
        },
        message(from) {
          state.heard += mischief.heardBy ?? 1
          output.setUint32(0, input.getUint32(0, true), true)
          output.setUint32(4, 1, true)
          host.send(from, 0, 8)
        },
      }
    },
  })
}

export function pingSystem(mischief: Mischief = {}): SystemDefinition {
  return defineSystem({
    name: 'ping',
    summary: 'n0 pings n1 and writes on its board.',
    nodes: { minimum: 2, maximum: 2, default: 2, noun: 'nodes' },
    parameters: { operations: { minimum: 0, maximum: 100, default: 20, meaning: 'requests of the client' } },
    bugs: {
      forgets: {
        story: 'The fourth pong counts four thousand times.',
        fix: 'Count it once.',
        caughtBy: ['pongs'],
      },
    },
    build(choice) {
      return {
        cores: [pinger(mischief, choice.bug === 'forgets'), listener(mischief)],
        network: {
          kind: 'unordered',
          messageBytes: 8,
          capacity: 8,
          lossy: true,
          describe: (memory, at) =>
            `${memory.getUint32(at + 4, true) === 0 ? 'ping' : 'pong'} ${String(memory.getUint32(at, true))}`,
        },
        fabric: {
          pairsPerPeer: 1,
          sendQueueDepth: 2,
          requestBytes: 16,
          receiveQueueDepth: 1,
          initialRights: 7,
        },
        workload: {
          clients: [
            {
              script: Array.from({ length: choice.parameters['operations']! }, (_, i) => Uint8Array.of(i)),
              target: () => 0,
              timeoutMicros: 500,
              attempts: 2,
            },
          ],
          replyBytes: 4,
          describeRequest: (operation) => `ask ${String(operation[0])}`,
          describeReply: (memory, at) => `count ${String(memory.getUint32(at, true))}`,
        },
        atlas: { safety: {}, unavailable: 1, beyond: [] },
        spec: {
          invariants: [
            {
              name: 'pongs',
              meaning: 'Not many more pongs than pings, whatever faults do.',
              check(observer) {
                const { count, pongs } = observer.state(0, pingerState)
                return pongs <= count + 30 ? undefined : `n0 has ${pongs} pongs for ${count} pings`
              },
            },
          ],
          stepInvariants: [],
          history: undefined,
          goal: {
            name: 'asked',
            meaning: 'The client is done.',
            reached: (observer) => observer.clientsBusy === 0,
          },
        },
        bounds: {},
      }
    },
  })
}

export const ping = pingSystem()

export function pingSetup(change: Partial<Setup> = {}): Setup {
  return { ...defaultSetup(ping), ...change }
}

/** Takes `steps` actions, each any of those that are armed, faults now and then. */
export function drive(run: Run, seed: number, steps: number): void {
  const random = new Random(seed)
  const { world } = run
  for (let tries = 0; run.log.length < steps && tries < steps * 20; tries++) {
    const armed = world.sites.filter((site) => world.armed[site.index]! > 0)
    const usual = armed.filter((site) => !isFaultKind(site.kind))
    const sites = usual.length > 0 && !random.chance(0.03) ? usual : armed
    if (sites.length === 0 || world.failure !== undefined) return
    const site = random.pick(sites)
    run.take(site.index, random.below(world.armed[site.index]!))
  }
}

export const someFaults = {
  pause: 3,
  resume: 3,
  drop: 3,
  duplicate: 5,
  cut: 3,
  heal: 3,
  crash: 2,
  restart: 2,
}

export function record(
  steps: number,
  options: { definition?: SystemDefinition; setup?: Setup; seed?: number; about?: Partial<About> } = {},
): Trace {
  const { definition = ping, setup = pingSetup({ budget: someFaults }), seed = 1, about } = options
  const run = new Run(definition, setup)
  const log = new RunRecorder(run, about?.fingerprintEvery)
  drive(run, seed, steps)
  return recordTrace(
    run,
    { provenance: { seed, scheduler: 'random' }, codeFingerprint: 'abc', ...about },
    log,
  )
}

/** A trace as plain values, for comparison. */
export function plain(trace: Trace): unknown {
  const { actions, ...rest } = trace
  return {
    ...rest,
    actions: Array.from({ length: actions.length }, (_, i) => [actions.site(i), actions.subject(i)]),
  }
}
