/**
 * Random small systems: cores whose handlers are tables, on wires of every kind, with properties that hold or do not.
 * They mean nothing; two searches must agree on them.
 */
import * as fc from 'fast-check'
import type { Scenario } from '../../model-check/scenario.js'
import { promptKinds } from '../../model-check/urgency.js'
import {
  type Bug,
  type CoreDefinition,
  type FaultBudget,
  type Knobs,
  type SystemDefinition,
  defineCore,
  defineSystem,
  remoteAddressOf,
  struct,
  u64,
  u8,
} from '../../protocol/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { register } from '../../sim/history/register.js'

const roles = 3
const counts = 3
const depth = 2

interface Effect {
  readonly kind:
    | 'send'
    | 'set timer'
    | 'cancel timer'
    | 'publish'
    | 'write'
    | 'inline'
    | 'flush'
    | 'observe'
    | 'note'
    | 'watch'
  readonly value: number
}
interface Entry {
  readonly refuses: boolean
  readonly role: number
  readonly count: number
  readonly effects: readonly Effect[]
}
export interface Program {
  readonly nodes: number
  /** By handler, then by role. */
  readonly entries: readonly Entry[]
  readonly network: 'set' | 'unordered' | 'ordered'
  readonly fabric: boolean
  readonly disk: boolean
  /** Per client its operations: 0 reads, others write. */
  readonly clients: readonly (readonly number[])[]
  readonly attempts: number
  readonly knobs: Pick<Knobs, 'poll' | 'placement' | 'fetch' | 'visibility'>
  readonly faults: FaultBudget
  readonly invariant: boolean
  readonly stepInvariant: boolean
  /** The role that node 0 should come to. It begins in 0. */
  readonly goalRole: number
}

const handlers = ['message', 'input', 'timer', 'poll', 'completion', 'stored', 'observed', 'request'] as const
type HandlerName = (typeof handlers)[number]

const effect: fc.Arbitrary<Effect> = fc.record({
  kind: fc.constantFrom(
    'send',
    'send',
    'set timer',
    'cancel timer',
    'publish',
    'write',
    'inline',
    'flush',
    'observe',
    'note',
  ),
  value: fc.nat(5),
})
const entry: fc.Arbitrary<Entry> = fc.record({
  refuses: fc.nat(2).map((roll) => roll > 0),
  role: fc.nat(roles - 1),
  count: fc.nat(counts - 1),
  effects: fc.array(effect, { maxLength: 2 }),
})
const few = fc.constantFrom(0, 0, 1)

export const program: fc.Arbitrary<Program> = fc.record({
  nodes: fc.integer({ min: 2, max: 3 }),
  entries: fc.array(entry, { minLength: handlers.length * roles, maxLength: handlers.length * roles }),
  network: fc.constantFrom('set', 'unordered', 'ordered'),
  fabric: fc.boolean(),
  disk: fc.boolean(),
  clients: fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  attempts: fc.integer({ min: 1, max: 2 }),
  knobs: fc.record({
    poll: fc.constantFrom('atomic', 'loads'),
    placement: fc.constantFrom('in-order', 'shuffled'),
    fetch: fc.constantFrom('at-departure', 'early', 'by-word'),
    visibility: fc.constantFrom('lagging', 'prompt'),
  }),
  faults: fc.record({
    crash: few,
    restart: few,
    pause: few,
    resume: few,
    cut: few,
    heal: few,
    drop: few,
    duplicate: few,
    kill: few,
  }),
  invariant: fc.boolean(),
  stepInvariant: fc.boolean(),
  goalRole: fc.nat(roles - 1),
})

/**
 * Programs of which many handlers only answer, or only look elsewhere, and remember nothing: what is taken from a wire
 * is then often all that changes, or nearly all.
 */
export const quietProgram: fc.Arbitrary<Program> = fc
  .tuple(program, fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }))
  .map(([loud, isQuiet]) => ({
    ...loud,
    network: loud.network === 'ordered' ? 'ordered' : 'unordered',
    entries: loud.entries.map((each, i) =>
      isQuiet[i] === true
        ? {
            refuses: false,
            role: i % roles,
            count: 0,
            effects: each.effects.map(({ kind, value }) => ({
              kind: kind === 'publish' || kind === 'flush' ? 'watch' : kind,
              value,
            })),
          }
        : each,
    ),
  }))

/** Scenarios for them. */
const fewOrAny = fc.constantFrom(0, 1, 2, undefined)
export const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    timer: fewOrAny,
    input: fewOrAny,
    'input.input@1': fewOrAny,
    ceiling: fc.constantFrom(1, undefined),
    prompt: fc.subarray([...promptKinds]),
    timers: fc.constantFrom('eager', 'at-rest', 'quiescent'),
  })
  .map(({ timer, input, ceiling, prompt, timers, ...named }) => ({
    limits: given({ timer, input, ...named }),
    ceilings: given({ count: ceiling }),
    prompt,
    timers,
  }))

const given = (values: Record<string, number | undefined>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
  )

const state = struct({ role: u8, count: u8, outstanding: u8, flushing: u8, observing: u8 })
const region = struct({ first: u64, second: u64 })
const windowLayout = struct({ first: u64 })

function coreOf({ entries, fabric, disk, nodes }: Program): CoreDefinition {
  return defineCore({
    state,
    regions: [{ name: 'region', layout: region }],
    windows: [{ name: 'window', layout: windowLayout }],
    timers: ['timer'],
    inputs: ['input'],
    notes: ['note'],
    scratchBytes: 64,
    create({ host, state, input, output, window }) {
      const seen = window(0, windowLayout)
      function act(handler: HandlerName, argument: number): void {
        const { refuses, role, count, effects } = entries[handlers.indexOf(handler) * roles + state.role]!
        // What has come must be taken: only these two may be refused without a trace.
        if (refuses && (handler === 'input' || handler === 'message')) return host.refuse()
        state.role = (role + (argument & 1)) % roles
        state.count = (state.count + count) % counts
        for (const each of effects) ask(each)
      }
      function ask({ kind, value }: Effect): void {
        const peer = (host.self + 1 + (value % (nodes - 1))) % nodes
        output.setFloat64(0, 0, true)
        output.setUint8(0, 1 + ((value + state.count) % 3))
        switch (kind) {
          case 'send':
            return host.send(peer, 0, 1 + (value & 1))
          case 'set timer':
            return host.setTimer(0, 10)
          case 'cancel timer':
            return host.cancelTimer(0)
          case 'publish':
            return host.publish(0, (value & 1) * 8, 0, value > 3 ? 8 : 8)
          case 'write':
          case 'inline':
            if (!fabric || state.outstanding >= depth) return
            state.outstanding++
            return host.write(
              peer,
              remoteAddressOf(0, (value & 1) * 8),
              kind === 'inline' ? 0 : remoteAddressOf(0, 0),
              8,
              state.outstanding,
              kind === 'inline' ? 3 : 1,
            )
          case 'flush':
            if (!disk || state.flushing > 0) return
            state.flushing = 1
            host.append(0, 4)
            return host.flush(1)
          case 'observe':
            if (state.observing > 0) return
            state.observing = 1
            return host.observe(0, 0, 16, 1)
          case 'watch':
            return host.watch(0, 0, (value & 1) * 8)
          case 'note':
            return host.note(0, value)
        }
      }
      return {
        start(recovered, length) {
          host.watch(0, 0, 0)
          state.count = recovered ? length % counts : 0
        },
        message: (_from, length) => act('message', input.getUint8(0) + length),
        input: () => act('input', 0),
        timer: () => act('timer', 0),
        poll() {
          if (seen.first % 4 !== state.count) act('poll', seen.first & 1)
        },
        completion(_queuePair, _token, status) {
          if (state.outstanding > 0) state.outstanding--
          act('completion', status)
        },
        stored(_token, status) {
          state.flushing = 0
          act('stored', status)
        },
        observed(_token, _length) {
          state.observing = 0
          act('observed', input.getUint8(8))
        },
        request(client, sequence) {
          const value = input.getUint8(0)
          if (value > 0) state.count = value
          output.setUint8(0, value > 0 ? 255 : state.count)
          host.reply(client, sequence, 0, 1)
          if (value > 1) act('request', 0)
        },
      }
    },
  })
}

export function systemOf(program: Program): SystemDefinition {
  const { nodes, network, fabric, disk, clients, attempts, invariant, stepInvariant, goalRole } = program
  const bugs: Record<string, Bug> = {}
  return defineSystem({
    name: 'random',
    summary: 'tables',
    nodes: { minimum: nodes, maximum: nodes, default: nodes, noun: 'nodes' },
    parameters: {},
    bugs,
    build() {
      const core = coreOf(program)
      return {
        cores: Array.from({ length: nodes }, () => core),
        network: { kind: network, messageBytes: 4, capacity: 2, lossy: true, describe: () => 'message' },
        fabric: fabric
          ? {
              pairsPerPeer: 1,
              sendQueueDepth: depth + 2,
              requestBytes: 16,
              receiveQueueDepth: 0,
              initialRights: 7,
            }
          : undefined,
        disk: disk ? { capacityBytes: 24, flushes: 1 } : undefined,
        workload:
          clients.length === 0
            ? undefined
            : {
                clients: clients.map((script, client) => ({
                  script: script.map((value) => Uint8Array.of(value)),
                  target: (attempt: number) => (client + attempt) % nodes,
                  timeoutMicros: 100,
                  attempts,
                })),
                replyBytes: 4,
                describeRequest: () => 'request',
                describeReply: () => 'reply',
              },
        atlas: { safety: {}, unavailable: 0, beyond: [] },
        spec: {
          invariants: invariant
            ? [
                {
                  name: 'somebody-differs',
                  meaning: 'Nodes 0 and 1 are not both in the last role.',
                  check(observer) {
                    for (let node = 0; node < 2; node++)
                      if (!observer.isUp(node) || observer.state(node, state).role !== roles - 1)
                        return undefined
                    return 'both are in the last role'
                  },
                },
                {
                  name: 'region-is-small',
                  meaning: 'The second word of node 0 is not 2 while node 1 is in role 1.',
                  check(observer) {
                    if (observer.region(0, 0, region).second !== 2) return undefined
                    return observer.state(1, state).role === 1 ? 'it is' : undefined
                  },
                },
              ]
            : [],
          stepInvariants: stepInvariant
            ? [
                {
                  name: 'no-long-fall',
                  meaning: 'The sum of all counts never falls by two.',
                  residue: 1,
                  remember(observer, into) {
                    into[0] = 0
                    for (let node = 0; node < observer.nodes; node++)
                      into[0] += observer.state(node, state).count
                  },
                  check: (before, after) => (after[0]! + 2 <= before[0]! ? 'it fell' : undefined),
                },
              ]
            : [],
          history:
            clients.length === 0
              ? undefined
              : {
                  name: 'linearizable',
                  meaning: 'All nodes together are one register.',
                  model: register(0),
                  decodeRequest: (operation) =>
                    operation[0] === 0 ? { kind: 'read' } : { kind: 'write', value: operation[0]! },
                  decodeReply(memory, at) {
                    const value = memory.getUint8(at)
                    return value === 255 ? 'ok' : value
                  },
                },
          goal: {
            name: 'quiet',
            meaning: `Node 0 is in role ${String(goalRole)}.`,
            reached: (observer) => observer.state(0, state).role === goalRole,
          },
        },
        bounds: { nodes },
      }
    },
  })
}

export function setupOf(program: Program, definition: SystemDefinition): Setup {
  const base = defaultSetup(definition)
  return { ...base, knobs: { ...base.knobs, ...program.knobs }, budget: program.faults }
}
