/**
 * Random scripts of one-sided operations: each node has a few steps to take, one after the other, whenever it likes.
 * What they look at they add up, so that every order that makes a difference is seen in the end. They always end.
 */
import * as fc from 'fast-check'
import {
  type CoreDefinition,
  type SystemDefinition,
  array,
  defineCore,
  defineSystem,
  remoteAddressOf,
  struct,
  u64,
  u8,
} from '../../protocol/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'

const words = 3
interface Step {
  readonly kind: 'write' | 'fetched write' | 'read' | 'add' | 'publish' | 'observe' | 'send'
  readonly peer: number
  readonly at: number
  readonly length: number
}
export interface Scripts {
  readonly nodes: readonly (readonly Step[])[]
  /** The node at which the property looks; none beyond the last. */
  readonly watched: number
  readonly polls: boolean
  readonly knobs: Partial<Setup['knobs']>
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('write', 'fetched write', 'read', 'add', 'publish', 'observe', 'send'),
  peer: fc.nat(1),
  at: fc.nat(words - 1),
  length: fc.integer({ min: 1, max: 2 }),
})
export const scripts: fc.Arbitrary<Scripts> = fc.record({
  nodes: fc.array(fc.array(step, { maxLength: 2 }), { minLength: 2, maxLength: 3 }),
  watched: fc.nat(4),
  polls: fc.boolean(),
  knobs: fc.record({
    poll: fc.constantFrom('atomic', 'loads'),
    placement: fc.constantFrom('in-order', 'shuffled'),
    fetch: fc.constantFrom('at-departure', 'early', 'by-word'),
    visibility: fc.constantFrom('lagging', 'prompt'),
  }),
})

const state = struct({ next: u8, sum: u8, ended: u8 })
const memory = struct({ words: array(u64, words) })
const windowLayout = struct({ word: u64 })

function coreOf({ nodes, polls }: Scripts): CoreDefinition {
  return defineCore({
    state,
    regions: [{ name: 'memory', layout: memory }],
    windows: polls ? [{ name: 'window', layout: windowLayout }] : [],
    inputs: ['step'],
    scratchBytes: 64,
    create({ host, state, input, output, window }) {
      const seen = polls ? window(0, windowLayout) : undefined
      const look = (value: number): void => {
        state.sum = (state.sum * 3 + value) % 251
      }
      return {
        start() {
          if (polls) host.watch(0, 0, 0)
        },
        input() {
          const next = nodes[host.self]![state.next]
          if (next === undefined) return host.refuse()
          state.next++
          const peer = (host.self + 1 + (next.peer % (nodes.length - 1))) % nodes.length
          const at = 8 * Math.min(next.at, words - next.length)
          const length = 8 * next.length
          const token = state.next
          for (let i = 0; i < next.length; i++)
            output.setBigUint64(8 * i, BigInt(1 + host.self * 4 + state.next), true)
          switch (next.kind) {
            case 'write':
              return host.write(peer, remoteAddressOf(0, at), 0, length, token, 3)
            case 'fetched write':
              return host.write(peer, remoteAddressOf(0, at), remoteAddressOf(0, at), length, token, 1)
            case 'read':
              return host.read(peer, remoteAddressOf(0, at), remoteAddressOf(0, 0), length, token)
            case 'add':
              return host.fetchAdd(peer, remoteAddressOf(0, at), remoteAddressOf(0, 8), 1, token)
            case 'publish':
              return host.publish(0, at, 0, length)
            case 'observe':
              return host.observe(0, at, length, token)
            case 'send':
              return host.post(peer, 0, 8, token, 1)
          }
        },
        poll() {
          const low = Number(seen!.word) % 8
          if (low > 0 && state.ended < 2 && state.sum % 8 !== low) {
            state.ended++
            state.sum = low
          }
        },
        observed(_token, length) {
          for (let at = 0; at < length; at += 8) look(input.getUint8(at))
        },
        completion(_queuePair, token, status) {
          look(token + 16 * status)
        },
        message() {
          look(input.getUint8(0))
        },
      }
    },
  })
}

export function systemOfScripts(random: Scripts): SystemDefinition {
  const { nodes, watched } = random
  return defineSystem({
    name: 'scripts',
    summary: 'random one-sided operations',
    nodes: { minimum: nodes.length, maximum: nodes.length, default: nodes.length, noun: 'nodes' },
    parameters: {},
    bugs: {},
    build() {
      const core = coreOf(random)
      return {
        cores: nodes.map(() => core),
        fabric: {
          pairsPerPeer: 1,
          sendQueueDepth: 3,
          requestBytes: 16,
          receiveQueueDepth: 2,
          initialRights: 7,
        },
        atlas: { safety: {}, unavailable: 0, beyond: [] },
        spec: {
          invariants: [
            {
              name: 'watched',
              meaning: 'What a node has seen is a number.',
              check: (observer) =>
                watched < nodes.length && observer.state(watched, state).sum > 250 ? 'it is not' : undefined,
            },
          ],
          stepInvariants: [],
          history: undefined,
          goal: { name: 'none', meaning: 'Nothing is asked.', reached: () => true },
        },
        bounds: {},
      }
    },
  })
}

export function setupOfScripts(random: Scripts, definition: SystemDefinition): Setup {
  const base = defaultSetup(definition)
  return { ...base, knobs: { ...base.knobs, ...random.knobs } }
}
