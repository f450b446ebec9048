/**
 * A replica of a service, and the callers of this node: what the embedded API and the gateway stand on.
 *
 * `propose` may be called from the thread of the replica at any time outside of its handlers, also by whoever has just
 * been told of an end. Whichever node leads: requests are forwarded.
 */
import { type Hash, createHash } from 'node:crypto'
import { type NodeId, type ServiceModel, Standing, standingWords } from '../protocol/index.js'
import type { ReplicaDigest } from './order.js'
import type { Ended, Proposer } from './proposer.js'
import { Outcome } from './proposer.js'
import { RunError } from './errors.js'
import { Replica, type ReplicaOptions } from './replica.js'
import { Sessions, type SessionsListener } from './sessions.js'

export interface ServiceReplicaOptions extends Pick<
  ReplicaOptions,
  | 'self'
  | 'nodes'
  | 'incarnation'
  | 'incarnations'
  | 'cluster'
  | 'fabric'
  | 'logFolder'
  | 'retryMillis'
  | 'tap'
> {
  readonly model: ServiceModel
  /** Hands out numbers that no life of this node has had: 0 … 4 095. */
  nextEpoch(): number
  /** Milliseconds before an operation that was not answered is asked again; default 20. */
  readonly askAgainMillis?: number | undefined
  /** Milliseconds until an operation is given up with an unknown outcome; default 5 000. */
  readonly patienceMillis?: number | undefined
  /** Is told what callers of this node ask for, and what they learn. */
  readonly noted?: SessionsListener | undefined
}

/** Bytes of a digest in each round of the loop. */
const DIGEST_SLICE_BYTES = 65_536

export class ServiceReplica implements Proposer {
  readonly replica: Replica
  readonly operationBytes: number
  readonly replyBytes: number
  /** See {@link Standing}; as of the last turn. */
  readonly standing = new Float64Array(standingWords)
  readonly sessions: Sessions
  readonly #look: (into: Float64Array) => void
  readonly #replicated: (state: DataView) => Uint8Array
  #digesting: { readonly applied: number; readonly hash: Hash; at: number } | undefined
  #leader: NodeId = -1
  /** Inputs of the core when its standing was looked at. */
  #lookedAt = -1

  constructor(options: ServiceReplicaOptions) {
    const { model, self, nodes } = options
    const perNode = Math.floor(model.sessions / nodes)
    this.operationBytes = model.operationBytes
    this.replyBytes = model.replyBytes
    this.replica = new Replica({
      ...options,
      hardware: model,
      mailBytes: Math.max(model.operationBytes, model.replyBytes),
      homeOf: (client) => Math.min(nodes - 1, Math.floor(client / perNode)),
      answered: (client, sequence, reply, length) => {
        this.sessions.answered(client, sequence, reply, length)
      },
    })
    this.#replicated = (state) => model.replicated(state)
    this.#look = model.look(self, this.replica.state)
    this.sessions = new Sessions({
      first: self * perNode,
      count: perNode,
      operationBytes: model.operationBytes,
      replyBytes: model.replyBytes,
      newGroup: model.newGroup,
      nextEpoch: options.nextEpoch,
      isRefusal: model.isRefusal,
      retryMillis: options.askAgainMillis ?? 20,
      patienceMillis: options.patienceMillis ?? 5000,
      noted: options.noted,
      submit: (client, sequence, memory, at, length) =>
        this.replica.submit(
          this.#leader >= 0 ? this.#leader : this.replica.self,
          client,
          sequence,
          memory,
          at,
          length,
        ),
    })
  }

  start(now: number): void {
    this.sessions.now = now
    this.replica.start(now)
  }

  /** One round of the loop; see {@link Replica.turn}. */
  turn(now: number): boolean {
    const { sessions, standing, replica } = this
    sessions.now = now
    sessions.leave()
    const isBusy = replica.turn(now)
    // Without an input everything is as it was.
    if (replica.inputs !== this.#lookedAt) {
      this.#lookedAt = replica.inputs
      this.#look(standing)
      // Who leads says so; who does not knows at least whom it follows.
      const leader = standing[Standing.leader]!
      const known = leader !== replica.self || standing[Standing.leads] === 1 ? leader : -1
      if (known !== this.#leader) {
        this.#leader = known
        if (known >= 0) sessions.leaderChanged()
      }
    }
    sessions.tick()
    return isBusy
  }

  /**
   * Goes on with a digest of what is replicated, a slice at a time, so that the replica is not held up; begins anew
   * whenever something has been applied meanwhile. Returns it when it is whole.
   */
  digest(): ReplicaDigest | undefined {
    const bytes = this.#replicated(this.replica.state)
    const applied = this.standing[Standing.applied]!
    if (this.#digesting?.applied !== applied) this.#digesting = { applied, hash: createHash('sha256'), at: 0 }
    const { hash, at } = this.#digesting
    hash.update(bytes.subarray(at, at + DIGEST_SLICE_BYTES))
    this.#digesting.at += DIGEST_SLICE_BYTES
    if (this.#digesting.at < bytes.length) return undefined
    this.#digesting = undefined
    return { applied, digest: hash.digest('hex') }
  }

  /**
   * Puts the thread to sleep until a turn may find something, at most so many microseconds; see {@link NativeNode.wait}.
   * Returns at once when something that was proposed waits for a turn.
   */
  wait(micros: number): void {
    const due = 1000 * (this.nextDue - performance.now())
    this.replica.native.wait(Math.max(0, Math.min(micros, Math.ceil(due))))
  }

  /** Milliseconds on the clock of `now` until which no turn is due. */
  get nextDue(): number {
    return Math.min(this.replica.nextDue, this.sessions.nextDue)
  }

  /** The node that is taken for the leader; -1: none. */
  get leader(): NodeId {
    return this.#leader
  }

  propose(operation: Uint8Array, length: number, ended: Ended): void {
    this.sessions.propose(operation, length, ended)
  }

  /** As `propose`; resolves to a copy of the reply. Somebody must go on calling `turn`. */
  async ask(operation: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.propose(operation, operation.length, (outcome, reply, length) => {
        if (outcome === Outcome.done) resolve(reply.slice(0, length))
        else if (outcome === Outcome.refused)
          reject(new RunError('the operation was refused and has not been applied', 'propose it again.'))
        else
          reject(
            new RunError(
              'the outcome of the operation is unknown: it may have been applied, or may yet be',
              'read what it should have changed before it is proposed again.',
            ),
          )
      })
    })
  }

  /** Ends everything at once; peers find nobody there. */
  close(): void {
    this.sessions.close()
    this.replica.close()
  }
}
