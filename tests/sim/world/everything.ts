/**
 * A system that means nothing and does everything: every call of the host, on every kind of wire. Spontaneous inputs
 * ask for one effect each, so a random walk meets all orders. It keeps within capacities by counting in its own bytes.
 */
import {
  Control,
  Flag,
  Right,
  array,
  defineCore,
  defineSystem,
  nodeSet,
  remoteAddressOf,
  struct,
  u32,
  u64,
  u8,
} from '../../../protocol/index.js'
import type { Context, Core, SystemDefinition } from '../../../protocol/index.js'

const pairs = 2
const depth = 3
const peersMost = 4

const logLayout = struct({ words: array(u64, 6) })
const cellsLayout = struct({ heartbeat: u64, votes: array(u64, 3) })
const headWindow = struct({ first: u64, second: u64 })
const cellWindow = struct({ value: u64 })

const stateLayout = struct({
  /** Rises by one with most inputs, wraps: what to do next depends on it. */
  pulse: u8,
  flushes: u8,
  /** Tokens of the observes under way, which must differ, as a mask. */
  observes: u8,
  received: u32,
  told: nodeSet,
  /** Per queue pair the tokens of the next request and of the oldest that may still be queued, and a control call. */
  next: array(u8, peersMost * pairs),
  oldest: array(u8, peersMost * pairs),
  controlled: array(u8, peersMost * pairs),
  seen: array(u32, 3),
  status: array(u8, 8),
})

const inputs = [
  'send',
  'write inline',
  'write',
  'write out of range',
  'read',
  'compareSwap',
  'fetchAdd',
  'post',
  'rights',
  'reset',
  'connect',
  'observe',
  'publish',
  'publish twice',
  'append',
  'flush',
  'truncate',
  'set timer',
  'cancel timer',
  'watch',
  'nothing',
  'refuse',
] as const

const controlToken = 200
const tokens = 16

function core(): ReturnType<typeof defineCore> {
  return defineCore({
    state: stateLayout,
    regions: [
      { name: 'log', layout: logLayout },
      { name: 'cells', layout: cellsLayout },
    ],
    windows: [
      { name: 'head', layout: headWindow },
      { name: 'cell', layout: cellWindow },
    ],
    timers: ['slow', 'fast'],
    inputs,
    notes: ['looked'],
    scratchBytes: 160,
    create(context: Context<typeof stateLayout>): Core {
      const { host, state, input, output } = context
      const head = context.window(0, headWindow) as unknown as {
        first: number
        second: number
      }
      const cell = context.window(1, cellWindow) as unknown as { value: number }
      const pulse = (): number => {
        state.pulse = (state.pulse + 1) % 48
        return state.pulse
      }
      const fill = (length: number, seed: number): void => {
        for (let i = 0; i < length; i += 4)
          output.setUint32(i, seed % 5 === 0 ? 0 : (seed * 7 + i) & 0xff, true)
      }
      const peerOf = (n: number): number => (host.self + 1 + (n % (host.nodes - 1))) % host.nodes
      const pairOf = (n: number): number => peerOf(n) * pairs + (Math.floor(n / 2) % pairs)
      /** A token for one request more, or -1. */
      const claim = (queuePair: number): number => {
        const next = state.next.get(queuePair)
        const held = (next - state.oldest.get(queuePair) + tokens) % tokens
        if (held >= depth || state.controlled.get(queuePair) !== 0) return -1
        state.next.set(queuePair, (next + 1) % tokens)
        return next
      }
      const control = (queuePair: number, change: Control, argument: number): void => {
        if (state.controlled.get(queuePair) !== 0) return host.refuse()
        state.controlled.set(queuePair, change + 1)
        host.control(queuePair, change, argument, controlToken)
      }
      const oneSided = (kind: string, n: number): void => {
        const queuePair = pairOf(n)
        const token = claim(queuePair)
        if (token < 0) return host.refuse()
        const flags = n % 3 === 0 ? 0 : Flag.signaled
        const remote = remoteAddressOf(0, 8 * (n % 3))
        const local = remoteAddressOf(0, 8 * (n % 2))
        fill(40, n)
        if (kind === 'write inline') host.write(queuePair, remote, 0, 24, token, flags | Flag.inline)
        else if (kind === 'write') host.write(queuePair, remote, local, 24, token, flags)
        else if (kind === 'write out of range')
          host.write(queuePair, remoteAddressOf(0, 32), 0, 24, token, flags | Flag.inline)
        else if (kind === 'read') host.read(queuePair, remote, local, 24, token)
        else if (kind === 'compareSwap')
          host.compareSwap(queuePair, remoteAddressOf(1, 8), remoteAddressOf(1, 16), 0, 7, token)
        else if (kind === 'fetchAdd')
          host.fetchAdd(queuePair, remoteAddressOf(1, 8), remoteAddressOf(1, 24), n % 2 ? -1 : 3, token)
        else host.post(queuePair, 0, n % 2 ? 13 : 24, token, flags)
        pulse()
      }
      return {
        start(recovered, length) {
          state.seen.set(2, recovered ? length : 0)
          host.watch(0, 0, 0)
          if (host.self > 0) host.watch(1, 1, 8)
          host.setTimer(0, 100)
        },
        poll() {
          host.note(0, state.pulse)
          state.seen.set(0, (head.first + head.second) % 0x1_0000_0000)
          state.seen.set(1, cell.value % 0x1_0000_0000)
        },
        observed(token, length) {
          state.observes = state.observes & ~(1 << token)
          state.status.set(token, input.getUint8(length - 8))
        },
        timer(timer) {
          if (timer === 0) {
            if (pulse() % 3 === 0) host.setTimer(1, 5)
            else host.setTimer(0, 100)
          } else host.send(peerOf(state.pulse), 0, 0)
        },
        completion(queuePair, token, status) {
          if (token === controlToken) {
            if (state.controlled.get(queuePair) > 1) state.oldest.set(queuePair, state.next.get(queuePair))
            state.controlled.set(queuePair, 0)
          } else {
            state.oldest.set(queuePair, (token + 1) % tokens)
            state.status.set(queuePair % 8, status)
          }
        },
        message(from, length) {
          if (length > 0 && input.getUint8(0) % 7 === 1) return host.refuse()
          state.told.add(from)
          state.received = (state.received + length) % 64
        },
        request(client, sequence, length) {
          fill(8, sequence)
          output.setUint8(0, input.getUint8(length - 1))
          if (state.pulse % 4 !== 1) host.reply(client, sequence, 0, 4 + (sequence % 2) * 4)
          if (state.pulse % 4 === 2) host.reply((client + 1) % 2, 1, 0, 3)
          pulse()
        },
        stored(token, status) {
          state.flushes = state.flushes - 1
          state.status.set(token, status)
        },
        input(kind) {
          const what = inputs[kind]!
          const n = state.pulse
          switch (what) {
            case 'send':
              fill(12, n)
              host.send(peerOf(n), 0, 4 + (n % 3) * 4)
              pulse()
              return
            case 'rights':
              return control(pairOf(n), Control.rights, n % 4 === 0 ? Right.read : Right.all)
            case 'reset':
              return control(pairOf(n), Control.reset, 0)
            case 'connect':
              return control(pairOf(n), Control.connect, n % 2)
            case 'observe':
              for (let token = 0; token < 3; token++) {
                if ((state.observes >>> token) & 1) continue
                state.observes = state.observes | (1 << token)
                return host.observe(n % 2, 8, n % 2 ? 16 : 24, token)
              }
              return host.refuse()
            case 'publish':
              fill(16, pulse())
              return host.publish(n % 2, 8, 0, 16)
            case 'publish twice':
              fill(32, pulse())
              host.publish(0, 0, 0, 24)
              host.send(peerOf(n), 0, 8)
              host.publish(1, 0, 8, 16)
              return host.setTimer(1, 3)
            case 'append':
              fill(12, pulse())
              return host.append(0, 5 + (n % 2) * 4)
            case 'flush':
              if (state.flushes === 2) return host.refuse()
              state.flushes = state.flushes + 1
              return host.flush(n % 8)
            case 'truncate':
              return host.truncate(1)
            case 'set timer':
              return host.setTimer(n % 2, 50)
            case 'cancel timer':
              return host.cancelTimer(n % 2)
            case 'watch':
              return host.watch(n % 2, 0, 8 * (n % 4))
            case 'nothing':
              return
            case 'refuse':
              return host.refuse()
            case 'write inline':
            case 'write':
            case 'write out of range':
            case 'read':
            case 'compareSwap':
            case 'fetchAdd':
            case 'post':
              return oneSided(what, n)
          }
        },
      }
    },
  })
}

const hex = (memory: DataView, at: number, length: number): string =>
  Array.from({ length }, (_, i) => memory.getUint8(at + i).toString(16)).join(' ')

export const everything: SystemDefinition = defineSystem({
  name: 'everything',
  summary: 'All features of the world, to no purpose',
  nodes: { minimum: 2, maximum: peersMost, default: 3, noun: 'nodes' },
  parameters: {
    network: { minimum: 0, maximum: 2, default: 0, meaning: '0 unordered, 1 ordered, 2 set' },
  },
  bugs: {},
  build(choice) {
    const node = core()
    const kind = (['unordered', 'ordered', 'set'] as const)[choice.parameters['network'] ?? 0]!
    return {
      cores: Array.from({ length: choice.nodes }, () => node),
      network: { kind, messageBytes: 12, capacity: kind === 'set' ? 256 : 4, lossy: true, describe: hex },
      fabric: {
        pairsPerPeer: pairs,
        sendQueueDepth: depth,
        requestBytes: 24,
        receiveQueueDepth: 2,
        initialRights: Right.all,
      },
      disk: { capacityBytes: 64, flushes: 2 },
      workload: {
        replyBytes: 8,
        describeRequest: (operation) => operation.join(' '),
        describeReply: hex,
        clients: [0, 1].map((client) => ({
          script: Array.from({ length: 4 }, (_, i) => Uint8Array.of(client, i, i * 3)),
          target: (attempt: number) => (client + attempt) % choice.nodes,
          timeoutMicros: 100,
          attempts: 3,
        })),
      },
      atlas: { safety: {}, unavailable: 0, beyond: [] },
      spec: {
        invariants: [],
        stepInvariants: [],
        history: undefined,
        goal: { name: 'none', meaning: 'none', reached: () => true },
      },
      bounds: {},
    }
  },
})
