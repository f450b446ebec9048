/**
 * A replica that runs for real: an unchanged core, its bytes, and the native node under it.
 *
 * Contract. Everything belongs to one thread, which calls `turn` again and again. A turn hands over what handlers have
 * asked for, makes progress on fabric and log, gives the core what has ended and what has come, fires timers that are due,
 * and polls. In steady state it allocates nothing.
 */
import {
  CompletionKind,
  type NativeNode,
  completionField,
  completionWords,
  openNode,
} from '../native/index.js'
import {
  type Context,
  type Core,
  type CoreDefinition,
  type Hardware,
  type NodeId,
  Handler,
  callHandler,
} from '../protocol/index.js'
import { RunError } from './errors.js'
import type { FabricAddress, FabricChoice } from './fabric-choice.js'
import { CoreHost } from './host.js'
import { MAIL_DEPTH, nativeOptions } from './native-options.js'
import { ReplyList } from './reply-list.js'
import type { Tap } from './tap.js'
import { TappedHost } from './tapped-host.js'
import { MAIL_HEADER_BYTES, Mail, Post } from './post.js'

/** Milliseconds between two looks at what is rare. */
const TICK_MILLIS = 0.5
/**
 * After so many polls in a row that asked for nothing, of windows that have not changed, the next are left out, of a core
 * that promises that they come to nothing (`pollFollowsWindows`). Not after one: it may have changed private memory, and
 * has come to something then. And one for each tick is never left out, if a core takes more polls to come to rest.
 */
const QUIET_POLLS = 2

export interface ReplicaOptions {
  readonly hardware: Hardware
  readonly self: NodeId
  readonly nodes: number
  /** How often this node has been started before. */
  readonly incarnation: number
  /** Of each node, as far as known, the own one included. May change while the replica runs. */
  readonly incarnations: Uint32Array
  /** Names the cluster on this machine. */
  readonly cluster: string
  /** Default: shared memory. */
  readonly fabric?: FabricChoice | undefined
  /** Where its log is; needed by systems with a disk. */
  readonly logFolder?: string | undefined
  /** Most bytes of a client's request and of a reply, which may come from, and go to, other nodes. */
  readonly mailBytes: number
  /** Milliseconds before a request that nobody answers fails. */
  readonly retryMillis?: number | undefined
  /** Told of replies to clients of this node, whoever has sent them. */
  answered(client: number, sequence: number, reply: Uint8Array, length: number): void
  /** The node at which a client is at home. */
  homeOf(client: number): NodeId
  /** Is told of every input before the core is. */
  readonly tap?: Tap | undefined
}

export class Replica {
  readonly self: NodeId
  readonly nodes: number
  readonly native: NativeNode
  readonly definition: CoreDefinition
  /** Private memory of the core. */
  readonly state: DataView
  readonly host: CoreHost
  readonly post: Post
  /** Inputs given to the core. */
  inputs = 0
  isStarted = false
  readonly #core: Core
  readonly #input: Uint8Array
  readonly #output: Uint8Array
  readonly #pairs: number
  readonly #tap: Tap | undefined
  readonly #recoveredBytes: number
  readonly #answered: ReplicaOptions['answered']
  readonly #homeOf: ReplicaOptions['homeOf']
  readonly #keepsRefused: boolean
  readonly #isLossy: boolean
  /** Messages that the core has refused and the network keeps. */
  #refused: { readonly from: NodeId; readonly mark: number; readonly bytes: Uint8Array }[] = []
  /** Mail that has come before the core began. */
  readonly #early: { readonly from: NodeId; readonly bytes: Uint8Array }[] = []
  /** Messages of this node to itself. */
  readonly #toSelf: { readonly mark: number; readonly bytes: Uint8Array }[] = []
  /** Messages sent to each node in this life: their numbers let a recording tell which of them arrived where. */
  readonly #sent: Uint32Array
  /** Replies of the handler that runs, to clients at home here: they are handed out when it has returned. */
  readonly #replies = new ReplyList()
  #isHandingOut = false
  #nextTick = 0
  #quietPolls = 0
  readonly #leavesOutPolls: boolean

  constructor(options: ReplicaOptions) {
    const { hardware, self, nodes, incarnation } = options
    const definition = hardware.cores[self]!
    if (definition.memoryWindows.length > 0)
      throw new RunError(
        'the system binds memory windows, which the runner does not have',
        'run it in the simulator, or change rights by `control` or `protect`.',
      )
    if (hardware.clock !== undefined)
      throw new RunError(
        'the system reads clocks, which the runner does not have',
        'run it in the simulator, or use timers instead.',
      )
    this.self = self
    this.nodes = nodes
    this.definition = definition
    const { fabric, network } = hardware
    // A node whose system has no queue pairs of its own has the one for messages.
    this.#pairs = fabric?.pairsPerPeer ?? 0
    this.#keepsRefused = network?.keepsRefused === true
    this.#isLossy = network?.lossy ?? true
    this.#leavesOutPolls = definition.pollFollowsWindows === true
    this.#sent = new Uint32Array(nodes)
    this.#tap = options.tap
    this.#answered = options.answered
    this.#homeOf = options.homeOf
    const mailBytes = MAIL_HEADER_BYTES + roundUp8(Math.max(network?.messageBytes ?? 0, options.mailBytes))
    const scratch = roundUp8(definition.scratchBytes)
    this.native = openNode(nativeOptions(options, mailBytes, scratch))
    const { native } = this
    definition.regions.forEach(({ initial }, region) => {
      if (initial !== undefined) new Uint8Array(native.memory, native.regionsAt[region]).set(initial)
    })
    this.#recoveredBytes = native.recovered.byteLength
    const input = new ArrayBuffer(Math.max(scratch, mailBytes, roundUp8(this.#recoveredBytes)))
    const output = new ArrayBuffer(scratch)
    this.#input = new Uint8Array(input)
    this.#output = new Uint8Array(output)
    this.state = new DataView(new ArrayBuffer(definition.state.sizeBytes))
    this.host = new CoreHost({
      native,
      self,
      nodes,
      incarnation,
      pairsPerPeer: Math.max(1, this.#pairs),
      timers: definition.timers.length,
      notes: definition.notes.length,
      output: this.#output,
      ends: {
        send: (to, at, length) => {
          this.#send(to, at, length)
        },
        reply: (client, sequence, at, length) => {
          this.#reply(client, sequence, at, length)
        },
        deliver: () => undefined,
      },
    })
    this.post = new Post({
      native,
      host: this.host,
      nodes,
      pair: this.#pairs,
      depth: MAIL_DEPTH,
      lossy: this.#isLossy,
      incarnations: options.incarnations,
      countsRenewals: options.fabric?.kind === 'verbs',
    })
    options.tap?.attach?.({
      state: this.state,
      output,
      windows: native.windows,
      windowBytes: definition.windows.map(({ layout }) => layout.sizeBytes),
      clock: this.host,
    })
    const effects = options.tap?.effects
    const context: Context<typeof definition.state> = {
      host: effects === undefined ? this.host : new TappedHost(this.host, effects, this.host),
      state: definition.state.view(this.state, 0),
      input: new DataView(input),
      output: new DataView(output),
      window: (index, layout) => layout.view(native.windows[index]!, 0) as never,
    }
    this.#core = definition.create(context)
  }

  /** Gives the core its first input. */
  start(now: number): void {
    this.host.now = now
    const { native } = this
    if (this.#recoveredBytes > 0) this.#input.set(new Uint8Array(native.recovered))
    this.isStarted = true
    this.#run(Handler.start, this.host.incarnation > 0 ? 1 : 0, this.#recoveredBytes, 0, this.#recoveredBytes)
    for (const { from, bytes } of this.#early.splice(0)) this.#takeMail(from, bytes, 0, bytes.length)
  }

  /**
   * One round of the loop.
   *
   * @param now milliseconds, as `performance.now` has them
   * @returns whether anything ended, came or was due
   */
  turn(now: number): boolean {
    const { host, native } = this
    host.now = now
    const ended = native.turn()
    host.turned()
    for (let i = 0; i < ended; i++) this.#take(i)
    let isBusy = ended > 0
    if (this.isStarted) {
      for (let timer = host.dueTimer(); timer >= 0; timer = host.dueTimer()) {
        isBusy = true
        this.#run(Handler.timer, timer, 0, 0, 0)
      }
      if (this.#core.poll !== undefined) this.#poll(now >= this.#nextTick)
      if (this.#toSelf.length > 0) this.#takeOwn()
    }
    if (now >= this.#nextTick) {
      this.#nextTick = now + TICK_MILLIS
      this.post.tick()
      if (this.#refused.length > 0) this.#offerAgain()
    }
    return isBusy
  }

  /** Grows when peers must be told again how this node is reached, or how often it has renewed its mail. */
  get addressRevision(): number {
    return this.native.addressRevision() + this.post.revision
  }

  /** What a peer must be told so that it can reach this node; of fabrics that need it. */
  addressFor(peer: NodeId): FabricAddress {
    return {
      fabric: this.native.addressFor(peer),
      incarnation: this.host.incarnation,
      renewals: this.post.renewals(peer),
    }
  }

  /** A peer has told its address. Throws {@link RunError} when nothing can be done with it. */
  meet(peer: NodeId, { fabric, incarnation, renewals }: FabricAddress): void {
    if (!this.native.meet(peer, fabric))
      throw new RunError(
        `member ${String(peer)} has told an address that this member can do nothing with`,
        'run the same version and the same system everywhere, and the same fabric.',
      )
    this.post.met(peer, incarnation, renewals)
  }

  /** Queue pairs of the native node to each peer. */
  get pairsPerPeer(): number {
    return this.#pairs + 1
  }

  /** Milliseconds on the clock of `now` until which nothing is due. */
  get nextDue(): number {
    return this.#toSelf.length > 0 ? 0 : this.host.nextDeadline
  }

  /** Gives the own core a client's request of `length` bytes. */
  request(client: number, sequence: number, from: Uint8Array, at: number, length: number): void {
    if (!this.isStarted) return
    this.#copyIn(from, at, length)
    this.#run(Handler.request, client, sequence, length, length)
  }

  /** Gives a client's request to the core of any node. Returns whether it found a way. */
  submit(
    to: NodeId,
    client: number,
    sequence: number,
    from: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    if (to !== this.self) return this.post.send(to, Mail.request, client, sequence, from, at, length)
    this.request(client, sequence, from, at, length)
    return this.isStarted
  }

  /** A spontaneous input. Returns whether it was not refused. */
  input(kind: number): boolean {
    this.#run(Handler.input, kind, 0, 0, 0)
    return !this.host.refused
  }

  close(): void {
    this.native.close()
  }

  #poll(isTick: boolean): void {
    const { host } = this
    if (this.native.windowsChanged || host.hasWatched) {
      host.hasWatched = false
      this.#quietPolls = 0
    }
    if (this.#leavesOutPolls && this.#quietPolls >= QUIET_POLLS && !isTick) return
    const { effects } = host
    this.#run(Handler.poll, 0, 0, 0, 0)
    this.#quietPolls = host.effects === effects ? this.#quietPolls + 1 : 0
  }

  // ---- what comes

  #take(i: number): void {
    const { native } = this
    const { completions } = native
    const at = i * completionWords
    const kind = completions[at + completionField.kind]!
    const queuePair = completions[at + completionField.queuePair]!
    const token = completions[at + completionField.token]!
    const stride = this.#pairs + 1
    const peer = Math.floor(queuePair / stride)
    const pair = queuePair - peer * stride
    const isMail = pair === this.#pairs
    switch (kind) {
      case CompletionKind.request:
      case CompletionKind.control: {
        const status = completions[at + completionField.status]!
        const isControl = kind === CompletionKind.control
        // The end of a `protect` belongs to no queue pair.
        if (queuePair === 0xffff) this.#run(Handler.completion, queuePair, token, status, 0)
        else if (isMail) this.post.ended(peer, status, isControl)
        else this.#run(Handler.completion, peer * this.#pairs + pair, token, status, 0)
        return
      }
      case CompletionKind.message: {
        const offset = completions[at + completionField.offset]!
        const length = completions[at + completionField.length]!
        if (isMail) return this.#takeMail(peer, native.input, offset, length)
        this.#copyIn(native.input, offset, length)
        this.#run(Handler.message, peer, length, 0, length)
        return
      }
      case CompletionKind.notice:
        this.#run(Handler.notified, peer, completions[at + completionField.immediate]!, 0, 0)
        return
      case CompletionKind.stored:
        this.#run(Handler.stored, token, completions[at + completionField.status]!, 0, 0)
        return
      case CompletionKind.observed: {
        const length = completions[at + completionField.length]!
        this.#copyIn(native.input, completions[at + completionField.offset]!, length)
        this.#run(Handler.observed, token, length, 0, length)
        return
      }
    }
  }

  #takeMail(from: NodeId, input: Uint8Array, offset: number, length: number): void {
    if (length < MAIL_HEADER_BYTES) return
    // Who has begun already may have something to say to who has not.
    if (!this.isStarted) {
      this.#early.push({ from, bytes: input.slice(offset, offset + length) })
      return
    }
    const word = (k: number): number =>
      (input[offset + 4 * k]! |
        (input[offset + 4 * k + 1]! << 8) |
        (input[offset + 4 * k + 2]! << 16) |
        (input[offset + 4 * k + 3]! << 24)) >>>
      0
    const kind = word(0)
    const client = word(1)
    const sequence = word(2)
    const bytes = word(3)
    const at = offset + MAIL_HEADER_BYTES
    if (bytes > length - MAIL_HEADER_BYTES) return
    if (kind === Mail.message) {
      if (!this.#isLossy && this.post.isRepeated(from, client, sequence)) return
      this.#copyIn(input, at, bytes)
      const mark = markOf(client, sequence)
      this.#run(Handler.message, from, bytes, mark, bytes)
      if (this.host.refused && this.#keepsRefused)
        this.#refused.push({ from, mark, bytes: input.slice(at, at + bytes) })
    } else if (kind === Mail.request) this.request(client, sequence, input, at, bytes)
    else if (kind === Mail.reply) {
      this.#copyIn(input, at, bytes)
      this.#answered(client, sequence, this.#input, bytes)
    }
  }

  #takeOwn(): void {
    for (const { mark, bytes } of this.#toSelf.splice(0)) {
      this.#copyIn(bytes, 0, bytes.length)
      this.#run(Handler.message, this.self, bytes.length, mark, bytes.length)
      if (this.host.refused && this.#keepsRefused) this.#refused.push({ from: this.self, mark, bytes })
    }
  }

  /** What was refused may be welcome now. */
  #offerAgain(): void {
    const kept = this.#refused
    this.#refused = []
    for (const each of kept) {
      this.#copyIn(each.bytes, 0, each.bytes.length)
      this.#run(Handler.message, each.from, each.bytes.length, each.mark, each.bytes.length)
      if (this.host.refused) this.#refused.push(each)
    }
  }

  // ---- the core

  #copyIn(from: Uint8Array, at: number, length: number): void {
    const input = this.#input
    if (length <= 64) for (let i = 0; i < length; i++) input[i] = from[at + i]!
    else input.set(from.subarray(at, at + length))
  }

  /** Runs one handler on `length` bytes of input. What it asks for takes effect with the next turn. */
  #run(handler: number, a: number, b: number, c: number, length: number): void {
    const { host } = this
    host.refused = false
    this.inputs++
    this.#tap?.before(handler, a, b, c, this.#input, length)
    callHandler(this.#core, handler, a, b, c)
    this.#tap?.after()
    if (this.#replies.count > 0 && !this.#isHandingOut) this.#handOut()
  }

  #send(to: NodeId, at: number, length: number): void {
    const { incarnation } = this.host
    const number = ++this.#sent[to]!
    if (to === this.self)
      this.#toSelf.push({ mark: markOf(incarnation, number), bytes: this.#output.slice(at, at + length) })
    else this.post.send(to, Mail.message, incarnation, number, this.#output, at, length)
  }

  #reply(client: number, sequence: number, at: number, length: number): void {
    const home = this.#homeOf(client)
    if (home !== this.self) {
      this.post.send(home, Mail.reply, client, sequence, this.#output, at, length)
      return
    }
    this.#replies.add(client, sequence, this.#output, at, length)
  }

  /** Whoever is told may ask for more at once, so there may be more replies in the end than in the beginning. */
  #handOut(): void {
    const replies = this.#replies
    this.#isHandingOut = true
    try {
      for (let i = 0; i < replies.count; i++)
        this.#answered(replies.clients[i]!, replies.sequences[i]!, replies.take(i), replies.lengths[i]!)
    } finally {
      this.#isHandingOut = false
      replies.clear()
    }
  }
}

/** Names a message among all that its sender has sent to this node. */
function markOf(incarnation: number, number: number): number {
  return incarnation * 2 ** 32 + number
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
