/**
 * A system that means nothing and does everything: every call of the host, on every kind of wire. Spontaneous inputs
 * ask for one effect each, so a random walk meets all orders. It keeps within capacities by counting in its own bytes.
 */
import {
  Control,
  Flag,
  Right,
  Status,
  array,
  defineCore,
  defineSystem,
  noQueuePair,
  nodeSet,
  remoteAddressOf,
  struct,
  u32,
  u64,
  u8,
  withKey,
} from '../../../protocol/index.js'
import type { Context, Core, RdmaFabric, SystemDefinition } from '../../../protocol/index.js'

const depth = 3
const peersMost = 4
const pairsMost = 2

/** Features of the fabric that would make one world too large for an audit. */
interface Variant extends Partial<RdmaFabric> {
  readonly pairsPerPeer: number
  readonly requestBytes: number
  readonly relaxed?: boolean
}
const variants: readonly Variant[] = [
  { pairsPerPeer: pairsMost, requestBytes: 24 },
  { pairsPerPeer: 1, requestBytes: 192, packetBytes: 64, relaxed: true, receiverRetries: 'finite' },
  { pairsPerPeer: 1, requestBytes: 24, receiveQueueDepth: 1, completionQueueDepth: 2, loopback: true },
]

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
  next: array(u8, peersMost * pairsMost),
  oldest: array(u8, peersMost * pairsMost),
  controlled: array(u8, peersMost * pairsMost),
  /** How far an end is from RESET, as far as its core knows: it may post from 3 on, and 3 is RTS. */
  stage: array(u8, peersMost * pairsMost),
  /** A guess at the key of each node's log. */
  keys: array(u8, peersMost),
  protects: u8,
  protecting: u8,
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
  'write long',
  'write to window',
  'notify',
  'bind',
  'protect',
  'rights',
  'reset',
  'connect',
  'rebuild',
  'any change',
  'drain',
  'error',
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
const protectToken = 201
const tokens = 16
const logs = 0
const cells = 1
const memoryWindow = 2

/** Stages that a change of an end leads to; a change of rights leaves it where it is. */
const stageAfter = new Map<Control, number>([
  [Control.reset, 0],
  [Control.init, 1],
  [Control.readyToReceive, 2],
  [Control.readyToSend, 3],
  [Control.connect, 3],
  [Control.drain, 4],
  [Control.error, 5],
])

function core({
  pairsPerPeer: pairs,
  requestBytes,
  relaxed,
  loopback,
}: Variant): ReturnType<typeof defineCore> {
  const logLayout = struct({ words: array(u64, requestBytes / 8 + 3) })
  return defineCore({
    state: stateLayout,
    regions: [
      { name: 'log', layout: logLayout, relaxedOrdering: relaxed },
      { name: 'cells', layout: cellsLayout },
    ],
    memoryWindows: ['view'],
    windows: [
      { name: 'head', layout: headWindow },
      { name: 'cell', layout: cellWindow },
    ],
    timers: ['slow', 'fast'],
    inputs,
    notes: ['looked'],
    scratchBytes: 216,
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
      const targetOf = (n: number): number => (loopback === true && n % 5 === 4 ? host.self : peerOf(n))
      const pairOf = (n: number): number => targetOf(n) * pairs + (Math.floor(n / 2) % pairs)
      /** A token for one request more, or -1. */
      const claim = (queuePair: number): number => {
        const next = state.next.get(queuePair)
        const held = (next - state.oldest.get(queuePair) + tokens) % tokens
        const busy = state.controlled.get(queuePair) !== 0 || state.stage.get(queuePair) < 3
        if (held >= depth || busy) return -1
        state.next.set(queuePair, (next + 1) % tokens)
        return next
      }
      const control = (queuePair: number, change: Control, argument: number): void => {
        if (state.controlled.get(queuePair) !== 0) return host.refuse()
        state.controlled.set(queuePair, change + 1)
        host.control(queuePair, change, argument, controlToken)
      }
      /** Without it most ends would soon be in ERR or RESET for good. */
      const mendOne = (): void => {
        for (let queuePair = 0; queuePair < host.nodes * pairs; queuePair++) {
          const stage = state.stage.get(queuePair)
          const isPair = loopback === true || Math.floor(queuePair / pairs) !== host.self
          if (!isPair || stage === 3 || state.controlled.get(queuePair) !== 0) continue
          return control(queuePair, stage === 4 ? Control.readyToSend : Control.connect, 0)
        }
      }
      const oneSided = (kind: string, n: number): void => {
        const queuePair = pairOf(n)
        const token = claim(queuePair)
        if (token < 0) return host.refuse()
        const key = n % 7 === 6 ? 1 : state.keys.get(targetOf(n))
        const flags = withKey((n % 3 === 0 ? 0 : Flag.signaled) | (n % 4 === 1 ? Flag.fence : 0), key)
        const remote = remoteAddressOf(logs, 8 * (n % 3))
        const local = remoteAddressOf(logs, 8 * (n % 2))
        fill(requestBytes, n)
        switch (kind) {
          case 'write inline':
            host.write(queuePair, remote, 0, 24, token, flags | Flag.inline)
            break
          case 'write':
            host.write(queuePair, remote, local, 24, token, flags)
            break
          case 'write long':
            if (n % 4 === 2) host.write(queuePair, remote, 0, requestBytes, token, flags | Flag.inline)
            else host.write(queuePair, remote, local, requestBytes, token, flags)
            break
          case 'write out of range':
            host.write(queuePair, remoteAddressOf(logs, requestBytes + 8), 0, 24, token, flags | Flag.inline)
            break
          case 'write to window':
            host.write(queuePair, remoteAddressOf(memoryWindow, 0), 0, 8, token, withKey(3, n % 4))
            break
          case 'notify':
            host.writeImmediate(queuePair, remote, local, 24, token, flags, n)
            break
          case 'bind':
            host.bind(queuePair, 0, cells, 8, 16, n % 4 === 0 ? Right.none : Right.all, token)
            break
          case 'read':
            host.read(queuePair, remote, local, requestBytes, token, flags)
            break
          case 'compareSwap':
            host.compareSwap(
              queuePair,
              remoteAddressOf(cells, 8),
              remoteAddressOf(cells, 16),
              0,
              7,
              token,
              flags & 7,
            )
            break
          case 'fetchAdd':
            host.fetchAdd(
              queuePair,
              remoteAddressOf(cells, 8),
              remoteAddressOf(cells, 24),
              n % 2 ? 0x1_0000_0000 : 3,
              token,
              flags & 3,
            )
            break
          default:
            host.post(queuePair, 0, n % 2 ? 13 : 24, token, flags)
        }
        pulse()
      }
      return {
        start(recovered, length) {
          // After a restart all ends are in RESET.
          if (!recovered) for (let i = 0; i < peersMost * pairsMost; i++) state.stage.set(i, 3)
          state.seen.set(2, recovered ? length + host.clock : 0)
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
            if ((pulse() + host.clock) % 3 === 0) host.setTimer(1, 5)
            else host.setTimer(0, 100)
          } else host.send(peerOf(state.pulse), 0, 0)
          mendOne()
        },
        completion(queuePair, token, status) {
          if (queuePair === noQueuePair) state.protecting = 0
          else if (token === controlToken) {
            const change = (state.controlled.get(queuePair) - 1) as Control
            const swallows = change === Control.reset || change === Control.connect
            if (swallows) state.oldest.set(queuePair, state.next.get(queuePair))
            if (status === Status.ok)
              state.stage.set(queuePair, stageAfter.get(change) ?? state.stage.get(queuePair))
            state.controlled.set(queuePair, 0)
          } else {
            const peer = Math.floor(queuePair / pairs)
            state.oldest.set(queuePair, (token + 1) % tokens)
            state.status.set(queuePair % 8, status)
            if (status !== Status.ok && state.stage.get(queuePair) === 3) state.stage.set(queuePair, 5)
            if (status === Status.remoteAccess) state.keys.set(peer, (state.keys.get(peer) + 1) % 4)
          }
        },
        notified(from, immediate) {
          state.told.add(from)
          state.received = (state.received + immediate) % 64
        },
        message(from, length) {
          if (length > 0 && input.getUint8(0) % 7 === 1) return host.refuse()
          state.told.add(from)
          state.received = (state.received + length) % 64
          mendOne()
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
              return n % 4 === 1 ? control(pairOf(n), Control.reset, 0) : host.refuse()
            case 'connect':
              return control(pairOf(n), Control.connect, n % 6 === 5 ? 1 : 0)
            case 'rebuild': {
              // Step by step, until it may post again.
              const stage = state.stage.get(pairOf(n))
              const change =
                [Control.init, Control.readyToReceive, Control.readyToSend][stage] ?? Control.rights
              return control(pairOf(n), change, stage === 3 ? Right.all : 0)
            }
            case 'any change':
              return control(pairOf(n), (Math.floor(n / 6) % 8) as Control, 1)
            case 'drain':
              return control(pairOf(n), Control.drain, 0)
            case 'error':
              return n % 4 === 0 ? control(pairOf(n), Control.error, 0) : host.refuse()
            case 'protect':
              if (state.protecting !== 0 || state.protects === 3) return host.refuse()
              state.protecting = 1
              state.protects = state.protects + 1
              pulse()
              return host.protect(logs, n % 3 === 0 ? Right.read : Right.all, protectToken)
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
            case 'write long':
            case 'write to window':
            case 'notify':
            case 'bind':
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
    fabric: {
      minimum: 0,
      maximum: 2,
      default: 0,
      meaning: '0 plain, 1 packets, 2 small queues and loopback',
    },
  },
  bugs: {},
  build(choice) {
    const fabric = variants[choice.parameters['fabric'] ?? 0]!
    const node = core(fabric)
    const kind = (['unordered', 'ordered', 'set'] as const)[choice.parameters['network'] ?? 0]!
    return {
      cores: Array.from({ length: choice.nodes }, () => node),
      network: { kind, messageBytes: 12, capacity: kind === 'set' ? 256 : 4, lossy: true, describe: hex },
      fabric: { sendQueueDepth: depth, receiveQueueDepth: 2, initialRights: Right.all, ...fabric },
      disk: { capacityBytes: 64, flushes: 2 },
      clock: { tickMicros: 10, mostTicks: 1_000, driftTicks: 3 },
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
