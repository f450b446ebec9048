/**
 * The thread of the core: one loop that turns the replica, takes proposals from the control thread, and hands replies
 * back. It spins while there is something to do and a little longer, then it sleeps until something comes.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Hardware, SystemDefinition } from '../protocol/index.js'
import { Random, buildModel } from '../sim/index.js'
import { endStates } from '../native/index.js'
import { RunError } from './errors.js'
import { reserveEpoch } from './life.js'
import { type CoreCommand, type CoreOrder, type CoreReport, Gauge, type ReplicaDigest } from './order.js'
import { Outcome } from './proposer.js'
import { Replica } from './replica.js'
import { RingReader, RingWriter } from './ring.js'
import { type CoreRecording, recordCore } from './recording/core-recording.js'
import { ScriptClients } from './script-clients.js'
import { ServiceReplica } from './service-replica.js'
import { scriptSetup } from './setup.js'
import { prepareLog } from './stable-folder.js'

/** Milliseconds between two looks at commands, and at what is shown. */
const HOUSEKEEPING_MILLIS = 1
/** Milliseconds between two looks at what costs more to find out. */
const SHOW_MILLIS = 20
const MOST_SLEEP_MILLIS = 50
/** Queue pairs to a peer whose states are shown. */
const PAIRS_SHOWN = 8
/** Milliseconds for which a thread looks in vain, over verbs, before others may have its processor for a moment. */
const YIELD_MILLIS = 0.01
/** Proposals taken in one round, and what they may make, so that one turn's requests have room. */
const PROPOSALS_AT_ONCE = 256
const GROUPS_AT_ONCE = 32
/** Latencies that percentiles are taken of. */
const LATENCIES = 1024
const INPUT_MILLIS = 1

/** What drives a replica besides its own turn. */
interface Callers {
  turn(now: number): boolean
  tick(now: number): boolean
  readonly nextDue: number
  readonly replica: Replica
  start(now: number): void
  show(gauges: Float64Array): void
  /** Goes on with a digest; see {@link ServiceReplica.digest}. */
  digest(): ReplicaDigest | undefined
  /** The thread is about to sleep. Returns false when something has come meanwhile. */
  maySleep(): boolean
  awake(): void
  close(): void
}

/** Runs until it is told to stop. Never throws: what goes wrong is reported. */
export function runCoreThread(definition: SystemDefinition, order: CoreOrder, port: MessagePort): void {
  const say = (report: CoreReport): void => {
    port.postMessage(report)
  }
  const recording = recordCore(order.recording)
  try {
    const callers =
      definition.service === undefined
        ? scripted(definition, order, recording, say)
        : served(definition, order, recording)
    try {
      say({ kind: 'ready', waker: callers.replica.native.waker() })
      if (order.fabric.kind === 'verbs') sayAddresses(callers.replica, say)
      loop(callers, order, recording, port, say)
    } finally {
      callers.close()
    }
    recording.ended()
    say({ kind: 'stopped' })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const mend =
      error instanceof RunError ? error.mend : 'if this is a core of yours, it asked for what cannot be.'
    say({ kind: 'failed', message, mend: `${mend} ${recording.failed(message)}`.trimEnd() })
    if (process.env['AVIARY_DEBUG'] === '1') console.error(error)
  }
}

function loop(
  callers: Callers,
  order: CoreOrder,
  { recorder }: CoreRecording,
  port: MessagePort,
  say: (report: CoreReport) => void,
): void {
  const { replica } = callers
  const gauges = new Float64Array(order.shared.gauges)
  const idle = new Int32Array(new SharedArrayBuffer(4))
  let awaited: readonly number[] | undefined
  let slowMicros = 0
  let digestsWanted = 0
  let addressed = replica.addressRevision
  let lastBusy = 0
  let nextHousekeeping = 0
  let nextShow = 0
  // Shared memory moves no bytes but those of its own threads.
  let nextYield = order.fabric.kind === 'verbs' ? 0 : Infinity
  let turns = 0
  let busyTurns = 0
  let sleeps = 0
  for (;;) {
    const now = performance.now()
    turns++
    let isBusy = callers.turn(now)
    if (replica.isStarted && callers.tick(now)) isBusy = true
    if (isBusy) {
      busyTurns++
      lastBusy = now
    }
    if (digestsWanted > 0) {
      lastBusy = now
      const digest = callers.digest()
      if (digest !== undefined) {
        for (; digestsWanted > 0; digestsWanted--) say({ kind: 'digest', ...digest })
      }
    }
    if (now >= nextHousekeeping) {
      nextHousekeeping = now + HOUSEKEEPING_MILLIS
      recorder.tick(now)
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        const command = got.message as CoreCommand
        if (command.kind === 'stop') return
        if (command.kind === 'start') awaited = command.await
        else if (command.kind === 'meet') replica.meet(command.peer, command.address)
        else if (command.kind === 'slow') slowMicros = command.micros
        else if (command.kind === 'impair') impair(replica, order.nodes, command)
        else if (command.kind === 'dump') say(dump(replica))
        else digestsWanted++
      }
      if (awaited !== undefined && !replica.isStarted && haveMet(replica, awaited)) {
        callers.start(now)
        say({ kind: 'started' })
      }
      // On shared memory it does not change.
      if (replica.addressRevision !== addressed) {
        addressed = replica.addressRevision
        sayAddresses(replica, say)
      }
      gauges[Gauge.started] = replica.isStarted ? 1 : 0
      gauges[Gauge.turns] = turns
      gauges[Gauge.busyTurns] = busyTurns
      gauges[Gauge.sleeps] = sleeps
      gauges[Gauge.inputs] = replica.inputs
      gauges[Gauge.dropped] = replica.post.dropped
      gauges[Gauge.relocations] = replica.native.relocations()
      if (now >= nextShow) {
        nextShow = now + SHOW_MILLIS
        showPeers(replica, gauges)
        callers.show(gauges)
      }
    }
    if (slowMicros > 0) Atomics.wait(idle, 0, 0, slowMicros / 1000)
    else if (!isBusy && now - lastBusy >= order.spinMillis && callers.maySleep()) {
      const due = Math.min(callers.nextDue, now + MOST_SLEEP_MILLIS) - performance.now()
      if (due > 0) {
        sleeps++
        recorder.rest()
        replica.native.wait(Math.ceil(due * 1000))
        // Whatever has come, commands are looked at.
        nextHousekeeping = 0
      }
      callers.awake()
    } else if (!isBusy && now >= nextYield) {
      replica.native.yield()
      nextYield = performance.now() + YIELD_MILLIS
    }
  }
}

function showPeers({ native, nodes, self, pairsPerPeer }: Replica, gauges: Float64Array): void {
  for (let peer = 0; peer < nodes; peer++) {
    if (peer === self) continue
    gauges[Gauge.peers + peer] = native.peerState(peer) === 'connected' ? 1 : 0
    let states = 0
    for (let pair = Math.min(pairsPerPeer, PAIRS_SHOWN) - 1; pair >= 0; pair--)
      states = states * 8 + endStates.indexOf(native.endState(peer * pairsPerPeer + pair))
    gauges[Gauge.pairs + peer] = states
  }
}

/** Peers over verbs do not find each other: the control threads tell them. */
function sayAddresses(replica: Replica, say: (report: CoreReport) => void): void {
  say({
    kind: 'addresses',
    addresses: Array.from({ length: replica.nodes }, (_, peer) => replica.addressFor(peer)),
  })
}

function haveMet({ native }: Replica, peers: readonly number[]): boolean {
  return peers.every((peer) => native.peerState(peer) === 'connected')
}

function impair(
  replica: Replica,
  nodes: number,
  { peer, requests, answers }: CoreCommand & { kind: 'impair' },
): void {
  if (peer >= nodes || peer === replica.self) return
  const pairs = replica.pairsPerPeer
  for (let pair = 0; pair < pairs; pair++) replica.native.impair(peer * pairs + pair, requests, answers)
}

function dump(replica: Replica): CoreReport {
  const { native, definition, state } = replica
  return {
    kind: 'dump',
    state: new Uint8Array(state.buffer.slice(0)),
    regions: definition.regions.map(({ layout }, region) => {
      const at = native.regionsAt[region]!
      return new Uint8Array(native.memory.slice(at, at + layout.sizeBytes))
    }),
  }
}

function logFolderOf(
  { disk, cores }: Hardware,
  { folder, incarnation, self }: CoreOrder,
): string | undefined {
  return disk === undefined ? undefined : prepareLog(folder, incarnation, cores[self]!.scratchBytes)
}

// ---- services

function served(definition: SystemDefinition, order: CoreOrder, { recorder, noted }: CoreRecording): Callers {
  const { self, nodes, incarnation, shared, parameters, folder, cluster, fabric } = order
  const model = definition.service!.build({ nodes, parameters })
  const logFolder = logFolderOf(model, order)
  const service = new ServiceReplica({
    model,
    self,
    nodes,
    incarnation,
    incarnations: new Uint32Array(shared.incarnations),
    cluster,
    fabric,
    logFolder,
    nextEpoch: () => reserveEpoch(folder),
    tap: recorder,
    noted,
  })
  const proposals = new RingReader(shared.proposals)
  const replies = new RingWriter(shared.replies)
  const operation = new Uint8Array(service.operationBytes)
  const latencies = new Float64Array(LATENCIES)
  const sorted = new Float64Array(LATENCIES)
  let ended = 0
  // A ticket that has ended and found the ring full waits here; the control thread empties the ring soon.
  const late: { ticket: number; outcome: number; bytes: Uint8Array }[] = []
  const tickets: TicketPool = new TicketPool((ticket, since, outcome, reply, length) => {
    latencies[ended++ % LATENCIES] = performance.now() - since
    if (late.length > 0 || !replies.push(ticket, outcome, reply, 0, length))
      late.push({ ticket, outcome, bytes: reply.slice(0, length) })
  })
  return {
    replica: service.replica,
    turn: (now) => service.turn(now),
    start: (now) => {
      service.start(now)
    },
    tick(now) {
      const { sessions } = service
      let taken = 0
      while (
        taken < PROPOSALS_AT_ONCE &&
        sessions.gathered < GROUPS_AT_ONCE &&
        sessions.isOpen &&
        proposals.next()
      ) {
        const { tag, length, offset } = proposals
        for (let i = 0; i < length; i++) operation[i] = proposals.memory[offset + i]!
        proposals.pop()
        service.propose(operation, length, tickets.take(tag, now))
        taken++
      }
      while (late.length > 0) {
        const { ticket, outcome, bytes } = late[0]!
        if (!replies.push(ticket, outcome, bytes, 0, bytes.length)) break
        late.shift()
      }
      replies.wake()
      return taken > 0
    },
    get nextDue() {
      return service.nextDue
    },
    maySleep: () => !service.sessions.isOpen || proposals.announceSleep(),
    awake: () => {
      proposals.awake()
    },
    digest: () => service.digest(),
    show(gauges) {
      gauges.set(service.standing, Gauge.standing)
      gauges[Gauge.ended] = ended
      gauges[Gauge.underWay] = service.sessions.underWay
      const known = sorted.subarray(0, Math.min(ended, LATENCIES))
      known.set(latencies.subarray(0, known.length))
      known.sort()
      const at = (fraction: number): number => 1000 * (known[Math.floor(fraction * (known.length - 1))] ?? 0)
      gauges[Gauge.latencyP50] = at(0.5)
      gauges[Gauge.latencyP99] = at(0.99)
      gauges[Gauge.latencyMost] = at(1)
    },
    close() {
      service.close()
      replies.wake()
    },
  }
}

/** Callbacks that remember a ticket, made once each. */
class TicketPool {
  readonly #free: Ticket[] = []
  readonly #ended: TicketEnded
  constructor(ended: TicketEnded) {
    this.#ended = ended
  }
  take(ticket: number, since: number): (outcome: Outcome, reply: Uint8Array, length: number) => void {
    let one = this.#free.pop()
    if (one === undefined) {
      const made: Ticket = {
        ticket: 0,
        since: 0,
        ended: (outcome, reply, length) => {
          this.#free.push(made)
          this.#ended(made.ticket, made.since, outcome, reply, length)
        },
      }
      one = made
    }
    one.ticket = ticket
    one.since = since
    return one.ended
  }
}
type TicketEnded = (
  ticket: number,
  since: number,
  outcome: Outcome,
  reply: Uint8Array,
  length: number,
) => void
interface Ticket {
  ticket: number
  since: number
  readonly ended: (outcome: Outcome, reply: Uint8Array, length: number) => void
}

// ---- systems with scripts of their own

function scripted(
  definition: SystemDefinition,
  order: CoreOrder,
  { recorder }: CoreRecording,
  say: (report: CoreReport) => void,
): Callers {
  const { self, nodes, incarnation, shared, cluster, fabric, seed } = order
  const hardware = buildModel(definition, scriptSetup(definition, order))
  const { workload } = hardware
  const clients = (workload?.clients ?? [])
    .map((_, client) => client)
    .filter((client) => client % nodes === self)
  const mailBytes = Math.max(
    8,
    workload?.replyBytes ?? 0,
    ...(workload?.clients ?? []).flatMap(({ script }) => script.map(({ length }) => length)),
  )
  const logFolder = logFolderOf(hardware, order)
  let scripts: ScriptClients | undefined
  const replica = new Replica({
    hardware,
    self,
    nodes,
    incarnation,
    incarnations: new Uint32Array(shared.incarnations),
    cluster,
    fabric,
    logFolder,
    mailBytes,
    homeOf: (client) => client % nodes,
    answered: (client, sequence, reply, length) => scripts?.answered(client, sequence, reply, length),
    tap: recorder,
  })
  if (workload !== undefined)
    scripts = new ScriptClients({
      workload,
      clients,
      submit: (to, client, sequence, operation) =>
        replica.submit(to, client, sequence, operation, 0, operation.length),
      finished: (client, events) => {
        say({ kind: 'client', client, events })
      },
      noted: (client, event) => {
        recorder.client(client, event)
      },
    })
  const inputs = replica.definition.inputs.length
  const random = new Random(seed + self)
  let nextInput = 0
  return {
    replica,
    turn: (now) => replica.turn(now),
    start: (now) => {
      replica.start(now)
    },
    tick(now) {
      if (scripts !== undefined) {
        scripts.now = now
        scripts.tick()
      }
      if (inputs === 0 || now < nextInput) return false
      nextInput = now + INPUT_MILLIS
      return replica.input(random.between(0, inputs - 1))
    },
    get nextDue() {
      return Math.min(replica.nextDue, scripts?.nextDue ?? Infinity, inputs > 0 ? nextInput : Infinity)
    },
    digest: () => undefined,
    show: () => undefined,
    maySleep: () => true,
    awake: () => undefined,
    close: () => {
      replica.close()
    },
  }
}
