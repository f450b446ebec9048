/**
 * A member of a cluster: the control thread of a replica process. It meets the other members, decides in which incarnation
 * the replica begins, starts the thread of the core, and answers for it.
 *
 * Contract. A node begins in incarnation 0 once, together with all others (it *founds* the cluster); ever after it is a
 * restarted node. What a node was, it reads from its folder; if that is lost, the others know, for they have founded the
 * cluster with it. So no node ever takes part as if it had promised nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createActor } from 'xstate'
import { z } from 'zod'
import { wake } from '../native/index.js'
import type { Hardware, ServiceModel, SystemDefinition } from '../protocol/index.js'
import { buildModel } from '../sim/index.js'
import type { Cluster } from './cluster.js'
import { RunError } from './errors.js'
import type { FabricAddress } from './fabric-choice.js'
import { beginningOf } from './founding.js'
import { type Gateway, startGateway } from './gateway/gateway.js'
import { layoutDigest, secretName } from './layout-digest.js'
import { readLife, writeLife } from './life.js'
import { memberLife } from './member-life.js'
import { demandNative } from './native-there.js'
import {
  type CoreCommand,
  type CoreOrder,
  type CoreReport,
  type RecordingOrder,
  type ReplicaDigest,
  gaugeWords,
} from './order.js'
import { type Info, Peers } from './peers.js'
import { clockName } from './recording/clock.js'
import { FORMAT_VERSION, type RecordingHeader, recordingName } from './recording/format.js'
import { Transcript } from './recording/transcript.js'
import { RingProposer } from './ring-proposer.js'
import { ringMemory } from './ring.js'
import { scriptSetup } from './setup.js'
import { serveMetrics } from './metrics.js'
import { type MemberStatus, statusOf } from './status.js'

/** Bytes of the rings between the two threads. */
const RING_BYTES = 2 ** 21
/** How long the thread of the core has to end by itself. */
const STOP_MILLIS = 2000

export interface MemberOptions {
  readonly cluster: Cluster
  readonly self: number
  readonly definition: SystemDefinition
  /** Version of this program. */
  readonly version: string
  /** How the thread of the core finds the system, and its entry. */
  readonly source: unknown
  readonly thread: URL
  /** Microseconds of looking in vain before the thread of the core sleeps. */
  readonly spinMicros: number
  readonly recording: MemberRecording
  /** Something that has happened, for logs. */
  readonly log: (
    level: 'info' | 'warn' | 'error',
    event: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void
  /** What the thread of the core reports. */
  readonly reported?: (report: CoreReport) => void
}

/** Where recordings go, and what must stand in them so that the system is found again. */
export interface MemberRecording {
  /** Undefined: only the last seconds are kept, and written to the member's folder when its core fails. */
  readonly folder: string | undefined
  readonly modulePath: string | undefined
  readonly codeFingerprint: string
}

const questionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('status') }),
  z.object({ kind: z.literal('digest') }),
  z.object({
    kind: z.literal('impair'),
    peer: z.int().min(0).max(31),
    requests: z.boolean(),
    answers: z.boolean(),
  }),
  z.object({ kind: z.literal('slow'), micros: z.int().min(0).max(1_000_000) }),
])

export class Member {
  /** Where callers of this node propose; undefined for systems without a service, and before the core has begun. */
  proposer: RingProposer | undefined
  readonly service: ServiceModel | undefined
  readonly #options: MemberOptions
  readonly #actor = createActor(memberLife)
  readonly #boot = randomBytes(16).toString('hex')
  readonly #layout: string
  readonly #pairsPerPeer: number
  readonly #peers: Peers
  readonly #infos: (Info | undefined)[]
  readonly #incarnations: Uint32Array
  readonly #gauges: Float64Array
  readonly #shared
  #recording: Transcript | undefined
  /** Who has asked for digests, in order. */
  readonly #digests: ((digest: ReplicaDigest) => void)[] = []
  /** What each peer is told of how this fabric is reached, and what each has told. */
  #addresses: readonly FabricAddress[] = []
  readonly #told = new Map<number, FabricAddress>()
  #incarnation: number | undefined
  #founders: string[] | undefined
  #worker: Worker | undefined
  #gateway: Gateway | undefined
  #metrics: Server | undefined
  /** Wakes the thread of the core; 0: not known yet. */
  #waker = 0
  #ended: Promise<void>
  #end: () => void = () => undefined

  constructor(options: MemberOptions) {
    demandNative()
    const { cluster, definition, self } = options
    const nodes = cluster.members.length
    this.#options = options
    const hardware: Hardware =
      definition.service === undefined
        ? buildModel(definition, scriptSetup(definition, { ...cluster, nodes }))
        : (this.service = definition.service.build({ nodes, parameters: cluster.parameters }))
    this.#layout = layoutDigest(hardware)
    this.#pairsPerPeer = (hardware.fabric?.pairsPerPeer ?? 0) + 1
    this.#infos = cluster.members.map(() => undefined)
    this.#shared = {
      incarnations: new SharedArrayBuffer(4 * nodes),
      gauges: new SharedArrayBuffer(8 * gaugeWords),
      proposals: ringMemory(RING_BYTES),
      replies: ringMemory(RING_BYTES),
    }
    this.#incarnations = new Uint32Array(this.#shared.incarnations)
    this.#gauges = new Float64Array(this.#shared.gauges)
    this.#ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#peers = new Peers({
      cluster,
      self,
      info: () => this.#info(),
      heard: (peer, info) => {
        this.#heard(peer, info)
      },
      address: (peer) => this.#addresses[peer],
      met: (peer, address) => {
        this.#told.set(peer, address)
        this.command({ kind: 'meet', peer, address })
      },
      asked: (question) => this.#asked(question),
      complain: (message) => {
        options.log('warn', message)
      },
    })
    this.#actor.subscribe(({ value, status }) => {
      options.log('info', `member is ${String(value)}`)
      if (status === 'done') this.#end()
    })
  }

  get state(): string {
    return String(this.#actor.getSnapshot().value)
  }
  /** Why it has failed. */
  get reason(): string | undefined {
    return this.#actor.getSnapshot().context.reason
  }

  /** Begins. Throws {@link RunError} when address or folder cannot be had. */
  async open(): Promise<void> {
    this.#actor.start()
    const { cluster, self } = this.#options
    const { folder } = cluster.members[self]!
    await this.#peers.open()
    const before = readLife(folder)
    before?.known.forEach((incarnation, node) => {
      if (node < this.#incarnations.length) this.#incarnations[node] = incarnation
    })
    await this.#openMetrics()
    this.#actor.send({ type: 'OPENED' })
    if (before !== undefined) this.#decide(before.incarnation + 1, undefined)
    else this.#consider()
  }

  async #openMetrics(): Promise<void> {
    const { cluster, self } = this.#options
    const { metrics } = cluster.members[self]!
    if (metrics === undefined) return
    try {
      this.#metrics = await serveMetrics(metrics, () => this.status())
    } catch (error) {
      this.#peers.close()
      throw new RunError(
        `member[${String(self)}].metrics: ${(error as Error).message}`,
        'choose another port, or end the process that has it.',
      )
    }
  }

  /** Resolves when it has stopped or failed. */
  async ended(): Promise<void> {
    return this.#ended
  }

  /** Leaves cleanly: what callers have under way is waited for no longer. */
  async stop(): Promise<void> {
    this.#actor.send({ type: 'STOP' })
    // Clients are answered first.
    await this.#gateway?.close()
    const worker = this.#worker
    if (worker !== undefined) {
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      this.command({ kind: 'stop' })
      const timer = setTimeout(() => void worker.terminate(), STOP_MILLIS)
      await exited
      clearTimeout(timer)
    }
    this.proposer?.close()
    this.#metrics?.close()
    this.#peers.close()
    this.#actor.send({ type: 'STOPPED' })
  }

  command(command: CoreCommand): void {
    this.#worker?.postMessage(command)
    if (this.#waker !== 0) wake(this.#waker)
  }

  status(): MemberStatus {
    const { cluster, self, definition } = this.#options
    return statusOf({
      cluster,
      self,
      definition,
      service: this.service,
      state: this.state,
      reason: this.reason,
      incarnation: this.#incarnation,
      gauges: this.#gauges,
      met: this.#infos.map((info) => info !== undefined),
      pairsPerPeer: this.#pairsPerPeer,
    })
  }

  // ---- which incarnation

  #info(): Info {
    const { cluster, version } = this.#options
    return {
      kind: 'info',
      boot: this.#boot,
      pid: process.pid,
      version,
      digest: cluster.digest,
      layout: this.#layout,
      known: [...this.#incarnations],
      ...(this.#incarnation === undefined ? {} : { incarnation: this.#incarnation }),
      ...(this.#founders === undefined ? {} : { founders: this.#founders }),
    }
  }

  #heard(peer: number, info: Info | undefined): void {
    const { self, log } = this.#options
    const was = this.#infos[peer]
    this.#infos[peer] = info
    if (info === undefined) log('warn', `member ${String(peer)} is gone`)
    else if (was?.boot !== info.boot) log('info', `member ${String(peer)} is here`, { pid: info.pid })
    if (info === undefined) return
    let isNews = false
    info.known.forEach((incarnation, node) => {
      const known = node === peer ? (info.incarnation ?? incarnation) : incarnation
      if (node === self || node >= this.#incarnations.length || known <= this.#incarnations[node]!) return
      this.#incarnations[node] = known
      isNews = true
    })
    if (this.state === 'meeting') this.#consider()
    else if (isNews && this.#incarnation !== undefined) this.#keepLife(this.#incarnation)
  }

  /** A node without a past either founds the cluster with all others, or has lost its past. */
  #consider(): void {
    if (this.state !== 'meeting') return
    const beginning = beginningOf(this.#options.self, this.#boot, this.#infos)
    if (beginning === undefined) return
    if (beginning.founders === undefined)
      this.#options.log(
        'warn',
        'the folder of this replica is empty, but the cluster knows it: it has lost its memory',
      )
    this.#decide(beginning.incarnation, beginning.founders)
  }

  #decide(incarnation: number, founders: readonly string[] | undefined): void {
    const { cluster, self } = this.#options
    this.#incarnation = incarnation
    this.#incarnations[self] = incarnation
    this.#founders = founders === undefined ? undefined : [...founders]
    this.#keepLife(incarnation)
    this.#actor.send({ type: 'DECIDED' })
    this.#startThread(incarnation)
    this.#peers.announce()
    // A founder's first WRITEs must find somebody; later a node is on its own.
    const others = cluster.members.map((_, node) => node).filter((node) => node !== self)
    this.command({ kind: 'start', await: incarnation === 0 ? others : [] })
  }

  #keepLife(incarnation: number): void {
    const { cluster, self } = this.#options
    writeLife(cluster.members[self]!.folder, { incarnation, known: [...this.#incarnations] })
  }

  // ---- the thread of the core

  #startThread(incarnation: number): void {
    const { cluster, self, source, thread, spinMicros } = this.#options
    const recording = this.#recordingOrder(incarnation)
    const order: CoreOrder = {
      source,
      self,
      nodes: cluster.members.length,
      incarnation,
      cluster: fabricName(cluster),
      fabric: cluster.members[self]!.fabric,
      folder: cluster.members[self]!.folder,
      parameters: cluster.parameters,
      seed: cluster.seed,
      spinMillis: spinMicros / 1000,
      shared: this.#shared,
      recording,
    }
    const worker = new Worker(thread, { workerData: order })
    this.#worker = worker
    for (const [peer, address] of this.#told) this.command({ kind: 'meet', peer, address })
    worker.on('message', (report: CoreReport) => {
      this.#reported(report)
    })
    worker.on('error', (error) => {
      this.#fail(error.message)
    })
    worker.on('exit', () => {
      this.#recording?.close()
      if (this.state === 'starting' || this.state === 'running')
        this.#fail('the thread of the core has ended')
    })
  }

  /** Begins the recording of a life. */
  #recordingOrder(incarnation: number): RecordingOrder {
    const { cluster, self, definition, version, recording, log } = this.#options
    const header: RecordingHeader = {
      version: FORMAT_VERSION,
      createdBy: `aviary ${version}`,
      system: definition.name,
      ...(recording.modulePath === undefined ? {} : { modulePath: recording.modulePath }),
      codeFingerprint: recording.codeFingerprint,
      isService: this.service !== undefined,
      parameters: cluster.parameters,
      seed: cluster.seed,
      nodes: cluster.members.length,
      node: self,
      incarnation,
      layoutDigest: this.#layout,
      begunNanos: String(process.hrtime.bigint()),
      clock: clockName(),
      cluster: cluster.name,
      isFlight: recording.folder === undefined,
    }
    const path = join(recording.folder ?? cluster.members[self]!.folder, recordingName(self, incarnation))
    if (recording.folder === undefined) return { header, ring: undefined, path }
    try {
      this.#recording = new Transcript(path, header, (message) => {
        log('error', message)
      })
    } catch (error) {
      if (!(error instanceof RunError)) throw error
      this.#fail(`${error.message} (${error.mend})`)
    }
    return { header, ring: this.#recording?.ring ?? ringMemory(RING_BYTES), path }
  }

  #reported(report: CoreReport): void {
    if (report.kind === 'ready') this.#waker = report.waker
    if (report.kind === 'addresses') {
      this.#addresses = report.addresses
      this.#peers.tellAddresses()
    }
    if (report.kind === 'started') {
      if (this.service !== undefined) {
        const { operationBytes, replyBytes } = this.service
        const proposer = new RingProposer(
          this.#shared.proposals,
          this.#shared.replies,
          operationBytes,
          replyBytes,
          () => {
            wake(this.#waker)
          },
        )
        this.proposer = proposer
        void this.#serve(proposer)
      }
      this.#actor.send({ type: 'STARTED' })
    }
    if (report.kind === 'digest') {
      const { applied, digest } = report
      this.#digests.shift()?.({ applied, digest })
    }
    this.#options.reported?.(report)
    if (report.kind === 'failed') this.#fail(`${report.message} (${report.mend})`)
  }

  /** Serves clients where the configuration says so. */
  async #serve(proposer: RingProposer): Promise<void> {
    const { cluster, self, log } = this.#options
    const { clients } = cluster.members[self]!
    if (clients === undefined) return
    try {
      this.#gateway = await startGateway({ proposer, ...clients, info: () => this.#sections() })
      log('info', `clients are served at ${clients.host}:${String(clients.port)}`)
    } catch (error) {
      this.#fail(
        `member[${String(self)}].clients: ${(error as Error).message} (choose another port, or end the process that has it)`,
      )
    }
  }

  /** What INFO says of this replica. */
  #sections(): Readonly<Record<string, Readonly<Record<string, string | number>>>> {
    const { service, member, incarnation, system } = this.status()
    if (service === undefined) return {}
    return {
      server: { aviary_system: system, aviary_member: member, aviary_incarnation: incarnation ?? 0 },
      replication: {
        role: service.leads ? 'master' : 'slave',
        aviary_leader: service.leader,
        aviary_view: service.view,
        aviary_commit_index: service.commit,
        aviary_applied_index: service.applied,
        aviary_durability: service.durability,
      },
    }
  }

  #fail(reason: string): void {
    if (this.state === 'failed') return
    this.#options.log('error', reason)
    this.proposer?.close()
    void this.#gateway?.close()
    this.#metrics?.close()
    this.#peers.close()
    void this.#worker?.terminate()
    this.#actor.send({ type: 'FAIL', reason })
  }

  // ---- observers

  #asked(question: unknown): unknown {
    const parsed = questionSchema.safeParse(question)
    if (!parsed.success)
      throw new RunError('this question is not known', 'use the same version on both sides.')
    if (parsed.data.kind === 'status') return this.status()
    if (this.state !== 'running') throw new RunError(`the member is ${this.state}`, 'wait until it runs.')
    const isVerbs = this.#options.cluster.members[this.#options.self]!.fabric.kind === 'verbs'
    if (parsed.data.kind === 'impair' && isVerbs)
      throw new RunError(
        'over verbs a member cannot lose packets',
        'cut the link itself: take the network interface down, or cut a machine of a testbed off.',
      )
    if (parsed.data.kind === 'digest' && this.service === undefined)
      throw new RunError('there is no service here', 'ask a member of a system that has one.')
    this.command(parsed.data)
    if (parsed.data.kind !== 'digest') return {}
    return new Promise<ReplicaDigest>((resolve) => this.#digests.push(resolve))
  }
}

/** Names shared memory so that only who knows the secret finds it. */
function fabricName(cluster: Cluster): string {
  return `${cluster.name}-${secretName(cluster)}`
}
