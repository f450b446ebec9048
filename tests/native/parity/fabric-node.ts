/**
 * One node of a litmus program on a fabric of the native layer: the unchanged core, its host, and the native node behind it. Calls of a
 * handler gather in the batch and take effect with the turn that follows it.
 */
import { CompletionKind, type NativeNode, openNode } from '../../../native/index.js'
import {
  type Context,
  type Core,
  type CoreDefinition,
  type Host,
  type RdmaFabric,
  Flag,
  byteOffsetOf,
  regionOf,
} from '../../../protocol/index.js'

const refuseToDo = (what: string) => (): never => {
  throw new Error(`${what} is not part of the parity suite`)
}

/** What the nodes of a program run on. */
export interface Ground {
  readonly fabric: 'shm' | 'verbs'
  /** How long a request waits for an answer. */
  readonly retryMicros: number
  /** A run is over after so many ticks, each of a retry time and a bit, without a change. */
  readonly calmTicks: number
  /** The same where every thread has come to its end. */
  readonly endedTicks: number
}

export interface Place {
  readonly ground: Ground
  readonly cluster: string
  readonly self: number
  readonly nodes: number
  readonly fabric: RdmaFabric
}

export class FabricNode {
  readonly native: NativeNode
  /** Revision of the addresses that the peers have been told last. */
  introduced = 0
  /** Private bytes of the core. */
  readonly state: Uint8Array
  readonly #core: Core
  readonly #input: Uint8Array
  readonly #pairs: number
  readonly #incarnation: number
  #refused = false
  /** End of what the handlers since the last turn have put into the output arena. */
  #used = 0

  constructor(definition: CoreDefinition, place: Place, incarnation: number) {
    const { fabric } = place
    this.#pairs = fabric.pairsPerPeer
    const { self, nodes, ground } = place
    const options = {
      self,
      nodes,
      pairsPerPeer: fabric.pairsPerPeer,
      loopback: fabric.loopback ?? false,
      regionBytes: definition.regions.map(({ layout }) => layout.sizeBytes),
      sendQueueDepth: fabric.sendQueueDepth,
      receiveQueueDepth: fabric.receiveQueueDepth,
      messageBytes: fabric.requestBytes,
      inlineBytes: fabric.requestBytes,
      initialRights: fabric.initialRights,
      isRestarted: incarnation > 0,
      receiverRetriesFinite: fabric.receiverRetries === 'finite',
      retryMicros: ground.retryMicros,
    }
    this.native = openNode(
      ground.fabric === 'shm'
        ? { shm: { ...options, cluster: place.cluster, packetBytes: fabric.packetBytes ?? 1024 } }
        : { verbs: { ...options, retryCount: 1 } },
    )
    definition.regions.forEach(({ initial }, region) => {
      if (initial !== undefined)
        new Uint8Array(this.native.memory, this.native.regionsAt[region]).set(initial)
    })
    const state = new ArrayBuffer(definition.state.sizeBytes)
    const input = new ArrayBuffer(definition.scratchBytes)
    const output = new ArrayBuffer(definition.scratchBytes)
    this.state = new Uint8Array(state)
    this.#input = new Uint8Array(input)
    const context: Context<typeof definition.state> = {
      host: this.#host(place, incarnation, new Uint8Array(output)),
      state: definition.state.view(new DataView(state), 0),
      input: new DataView(input),
      output: new DataView(output),
      window: refuseToDo('window'),
    }
    this.#core = definition.create(context)
    this.#incarnation = incarnation
  }

  start(): void {
    this.#core.start(this.#incarnation > 0, 0)
  }

  /** Lets a thread of the program do its next step; false when it has none. */
  step(thread: number): boolean {
    this.#refused = false
    this.#core.input!(thread)
    return !this.#refused
  }

  /** Hands over what handlers have asked for, and lets them handle what has ended. */
  turn(): void {
    this.#used = 0
    const { native } = this
    const ended = native.turn()
    const core = this.#core
    for (let i = 0; i < ended; i++) {
      const queuePair = native.completion(i, 'queuePair')
      const token = native.completion(i, 'token')
      const length = native.completion(i, 'length')
      switch (native.completion(i, 'kind')) {
        case CompletionKind.request:
        case CompletionKind.control:
          core.completion!(queuePair, token, native.completion(i, 'status') as 0)
          break
        case CompletionKind.message:
          this.#take(native.completion(i, 'offset'), length)
          core.message!(Math.floor(queuePair / this.#pairs), length)
          break
        case CompletionKind.notice:
          core.notified!(Math.floor(queuePair / this.#pairs), native.completion(i, 'immediate'))
          break
        case CompletionKind.observed:
          this.#take(native.completion(i, 'offset'), length)
          core.observed!(token, length)
          break
      }
    }
  }

  #take(offset: number, length: number): void {
    this.#input.set(this.native.input.subarray(offset, offset + length))
  }

  #host(place: Place, incarnation: number, output: Uint8Array): Host {
    const { native } = this
    /** Where captured bytes of the core stand in the native arena. */
    const capture = (at: number, length: number): number => {
      const to = this.#used
      native.output.set(output.subarray(at, at + length), to)
      this.#used += (length + 7) & ~7
      return to
    }
    const payload = (local: number, length: number, flags: number): readonly [number, number] =>
      (flags & Flag.inline) !== 0 ? [0, capture(local, length)] : [regionOf(local), byteOffsetOf(local)]
    return {
      self: place.self,
      nodes: place.nodes,
      incarnation,
      clock: 0,
      refuse: () => {
        this.#refused = true
      },
      note: () => undefined,
      observe: (region, offset, length, token) => {
        native.observe(region, offset, length, token)
      },
      publish: (region, offset, at, length) => {
        native.publish(region, offset, capture(at, length), length)
      },
      write: (queuePair, remote, local, length, token, flags) => {
        const [region, at] = payload(local, length, flags)
        native.write(queuePair, regionOf(remote), byteOffsetOf(remote), region, at, length, token, flags)
      },
      writeImmediate: (queuePair, remote, local, length, token, flags, immediate) => {
        const [region, at] = payload(local, length, flags)
        const [to, offset] = [regionOf(remote), byteOffsetOf(remote)]
        native.writeImmediate(queuePair, to, offset, region, at, length, token, flags, immediate)
      },
      read: (queuePair, remote, local, length, token, flags = Flag.signaled) => {
        const [to, offset] = [regionOf(remote), byteOffsetOf(remote)]
        native.read(queuePair, to, offset, regionOf(local), byteOffsetOf(local), length, token, flags)
      },
      compareSwap: (queuePair, remote, local, expected, desired, token, flags = Flag.signaled) => {
        const [to, offset] = [regionOf(remote), byteOffsetOf(remote)]
        const [region, at] = [regionOf(local), byteOffsetOf(local)]
        native.compareSwap(queuePair, to, offset, region, at, expected, desired, token, flags)
      },
      fetchAdd: (queuePair, remote, local, addend, token, flags = Flag.signaled) => {
        const [to, offset] = [regionOf(remote), byteOffsetOf(remote)]
        native.fetchAdd(queuePair, to, offset, regionOf(local), byteOffsetOf(local), addend, token, flags)
      },
      post: (queuePair, at, length, token, flags) => {
        native.send(queuePair, capture(at, length), length, token, flags)
      },
      control: (queuePair, change, argument, token) => {
        native.control(queuePair, change, argument, token)
      },
      protect: (region, rights, token) => {
        native.protect(region, rights, token)
      },
      bind: refuseToDo('bind'),
      deliver: refuseToDo('deliver'),
      send: refuseToDo('send'),
      watch: refuseToDo('watch'),
      setTimer: refuseToDo('setTimer'),
      cancelTimer: refuseToDo('cancelTimer'),
      append: refuseToDo('append'),
      flush: refuseToDo('flush'),
      truncate: refuseToDo('truncate'),
      reply: refuseToDo('reply'),
    }
  }
}
