/** Systems made for partial-order reduction: nodes whose steps have nothing to do with each other, and nearly so. */
import {
  type CoreDefinition,
  type Observer,
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

const private_ = struct({ step: u8, seen: u8 })
/** Words that each writer writes, and most writers. */
const wordsEach = 3
const mostWriters = 4
const board = struct({ words: array(u64, wordsEach * mostWriters) })

/** Writes its own words of node 0's memory once. */
const writer: CoreDefinition = defineCore({
  state: private_,
  inputs: ['write'],
  scratchBytes: 64,
  create: ({ host, state, output }) => ({
    start() {},
    input() {
      if (state.step > 0) return host.refuse()
      state.step = 1
      for (let word = 0; word < wordsEach; word++) output.setBigUint64(8 * word, 1n, true)
      host.write(0, remoteAddressOf(0, 8 * wordsEach * (host.self - 1)), 0, 8 * wordsEach, 1, 3)
    },
    completion() {
      state.step = 2
    },
  }),
})

/** The node that is written to. Where it looks, it looks once, at one word of the first writer and at all of the last. */
const target = (looks: boolean): CoreDefinition =>
  defineCore({
    state: private_,
    regions: [{ name: 'board', layout: board }],
    inputs: looks ? ['look'] : [],
    scratchBytes: 128,
    create: ({ host, state, input }) => ({
      start() {},
      input() {
        if (state.step > 0) return host.refuse()
        state.step = 1
        host.observe(0, 0, 8 * wordsEach, 1)
      },
      observed() {
        for (let word = 0; word < wordsEach; word++) state.seen += input.getUint8(8 * word)
      },
    }),
  })

/** Writers of different words of one region; with the bug `looks` node 0 may see some of a write and not all of it. */
export const writers: SystemDefinition = defineSystem({
  name: 'writers',
  summary: 'nodes that write to different words',
  nodes: { minimum: 2, maximum: 1 + mostWriters, default: 4, noun: 'nodes' },
  parameters: {},
  bugs: { looks: { story: 'Node 0 looks while it is written to.', fix: 'Do not.', caughtBy: ['whole'] } },
  build: ({ nodes, bug }) => ({
    cores: [target(bug === 'looks'), ...Array.from({ length: nodes - 1 }, () => writer)],
    fabric: {
      pairsPerPeer: 1,
      sendQueueDepth: 1,
      requestBytes: 8 * wordsEach,
      receiveQueueDepth: 0,
      initialRights: 7,
    },
    atlas: { safety: {}, unavailable: 0, beyond: [] },
    spec: {
      invariants: [
        {
          name: 'whole',
          meaning: 'Node 0 sees all of a write, or nothing.',
          check(observer: Observer) {
            const { seen } = observer.state(0, private_)
            return seen % wordsEach === 0 ? undefined : `it saw ${String(seen)} words`
          },
        },
      ],
      stepInvariants: [],
      history: undefined,
      goal: { name: 'none', meaning: 'Nothing is asked.', reached: () => true },
    },
    bounds: {},
  }),
})

/** A node that goes round and round, and another that does one thing: with the bug `steps` one that must not be. */
const circling: CoreDefinition = defineCore({
  state: private_,
  inputs: ['go'],
  scratchBytes: 8,
  create: ({ state }) => ({
    start() {},
    input() {
      state.step = (state.step + 1) % 3
    },
  }),
})
const once: CoreDefinition = defineCore({
  state: private_,
  inputs: ['go'],
  scratchBytes: 8,
  create: ({ host, state }) => ({
    start() {},
    input() {
      if (state.step > 0) return host.refuse()
      state.step = 1
    },
  }),
})

function pairOf(
  name: string,
  cores: readonly CoreDefinition[],
  check: (observer: Observer) => string | undefined,
) {
  return defineSystem({
    name,
    summary: name,
    nodes: { minimum: 2, maximum: 2, default: 2, noun: 'nodes' },
    parameters: {},
    bugs: {},
    build: () => ({
      cores,
      atlas: { safety: {}, unavailable: 0, beyond: [] },
      spec: {
        invariants: [{ name: 'apart', meaning: 'What must not be is not.', check }],
        stepInvariants: [],
        history: undefined,
        goal: { name: 'none', meaning: 'Nothing is asked.', reached: () => true },
      },
      bounds: {},
    }),
  })
}

/** Node 0 circles; node 1 takes one step, which it must not. */
export const circler: SystemDefinition = pairOf('circler', [circling, once], (observer) =>
  observer.state(1, private_).step === 0 ? undefined : 'node 1 has taken its step',
)
/** Two nodes take one step each; node 1 must not be ahead. */
export const racers: SystemDefinition = pairOf('racers', [once, once], (observer) =>
  observer.state(1, private_).step > observer.state(0, private_).step ? 'node 1 is ahead' : undefined,
)

export const setupFor = (definition: SystemDefinition, nodes: number, bug?: string): Setup => ({
  ...defaultSetup(definition),
  nodes,
  bug,
})
