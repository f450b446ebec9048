/**
 * One connection: requests in, replies out, in order.
 *
 * A connection has one proposal in flight, because proposals may be applied in any order until the earlier has ended.
 * What has arrived meanwhile goes out together as the next: reads and writes in one batch, as many as fit. To a client
 * this is as if each had been alone: it sees replies only, they are in order, and a batch is executed in order at one
 * place of the log. Where the replies of a batch have no room, the store executes the first of it and the rest follows.
 */
import type { Socket } from 'node:net'
import { Outcome, type Proposer } from '../proposer.js'
import { Code, REPLY_HEADER_BYTES, Result, SURE_BYTES } from '../../protocol/store/index.js'
import {
  addConditions,
  answerAll,
  answerBatch,
  answerTransaction,
  writeInfo,
  type ReplyBytes,
} from './answers.js'
import { newBatch, newTransaction, type Batch } from './batch.js'
import { commandOf, unknownCommand, type Command, type Control } from './command-table.js'
import { hasArity } from './own-commands.js'
import type { ReplyWriter } from './reply-writer.js'
import { Parsed, RequestParser } from './request-parser.js'
import type { Session, Shared } from './session.js'
import { newPlan } from './store-commands.js'

/** What all connections of a gateway use, one at a time. */
export interface Hub extends Shared {
  readonly proposer: Proposer
  readonly requestBytes: number
  readonly clock: () => number
  /** Empty whenever something is proposed, because what was proposed by others may end meanwhile. */
  readonly writer: ReplyWriter
  /** Milliseconds, looked at every so often. */
  now: number
  closed(connection: Connection): void
}

/** Most entries of a batch. */
const MOST_BATCHED = 1_024
/** Bytes of replies after which a connection lets others have their turn. */
const ENOUGH_BYTES = 65_536
/** Bytes of requests that wait for an answer to earlier ones, and of replies that wait for the client: then it waits. */
const MOST_WAITING_BYTES = 65_536
const MOST_UNSENT_BYTES = 1_048_576

const refusedText = 'TRYAGAIN nothing was applied: the cluster could not take it now; it may be sent again'
const unknownWriteText =
  'UNKNOWN outcome: it may have been applied, or may yet be; this connection is closed so that nothing overtakes it'
const unknownReadText = 'UNKNOWN outcome: the read got no answer'
const malformedText = 'ERR the store did not take the operation'

const plan = newPlan()
type Flight = 'none' | 'batch' | 'exec' | 'watch' | 'info'

export class Connection {
  readonly #hub: Hub
  readonly #socket: Socket
  readonly #session: Session
  readonly #parser: RequestParser
  readonly #batch: Batch
  /** Conditions of WATCH and commands since MULTI. */
  #transaction: Batch | undefined
  #inMulti = false
  /** Whether a command since MULTI was refused. */
  #isSpoilt = false
  #flight: Flight = 'none'
  #isPumping = false
  #isLeftOver = false
  #inputEnded = false
  #isEnding = false
  #isEnded = false
  #isGone = false
  /** Since when a request is in part here, or replies are not read, without any progress. */
  #stuckSince: number
  #progress = 0
  /** Requests taken. */
  #taken = 0
  #activeAt: number
  /** What the store replied last; the bytes are lent until the proposal has ended. */
  readonly #reply: ReplyBytes = { octets: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) }

  constructor(hub: Hub, socket: Socket, session: Session) {
    this.#hub = hub
    this.#socket = socket
    this.#session = session
    this.#parser = new RequestParser(hub.requestBytes)
    this.#batch = newBatch(hub.proposer.operationBytes)
    this.#activeAt = this.#stuckSince = hub.now
    socket.setNoDelay(true)
    socket.on('data', (piece) => {
      this.#activeAt = hub.now
      if (this.#isEnding) return
      this.#parser.push(piece)
      this.#pump()
    })
    socket.on('drain', () => {
      this.#pump()
    })
    socket.on('end', () => {
      this.#inputEnded = true
      this.#pump()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isGone = true
      hub.closed(this)
    })
  }

  /** Takes no more requests; ends when those proposed have been answered. */
  finish(): void {
    this.#isEnding = true
    this.#pump()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Closes a connection that is stuck or idle for too long. */
  sweep(stuckMillis: number, idleMillis: number): void {
    const { now } = this.#hub
    // What has gone out and what has been taken in.
    const progress = this.#socket.bytesWritten - this.#socket.writableLength + this.#taken
    const isStuck = this.#isUnfinished() && progress === this.#progress
    this.#progress = progress
    if (!isStuck) this.#stuckSince = now
    const isIdle = idleMillis > 0 && this.#flight === 'none' && now - this.#activeAt > idleMillis
    if (isIdle || (isStuck && now - this.#stuckSince > stuckMillis)) this.destroy()
  }

  /** Whether something is under way that the client has to bring on. */
  #isUnfinished(): boolean {
    if (this.#isEnded) return true
    return this.#socket.writableLength > 0 || (this.#flight === 'none' && this.#parser.waitingBytes > 0)
  }

  // ---- from requests to proposals -----------------------------------------------------------------------------------

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#flight === 'none' && !this.#isGone && this.#socket.writableLength <= MOST_UNSENT_BYTES) {
      const more = this.#isLeftOver || (!this.#isEnding && this.#fill())
      if (this.#isInFlight()) break
      if (this.#batch.commands > 0) {
        this.#isLeftOver = false
        this.#propose(this.#batch, 'batch')
        continue
      }
      this.#flush()
      // A request that came in part may have been complete when another one ended.
      if (more) continue
      if (this.#inputEnded) this.#isEnding = true
      break
    }
    this.#flush()
    this.#isPumping = false
    const { writableLength } = this.#socket
    const isWaiting = this.#isInFlight() || writableLength > MOST_UNSENT_BYTES
    if (this.#isEnding && !this.#isInFlight() && this.#batch.commands === 0) this.#end()
    else if (isWaiting && this.#parser.waitingBytes > MOST_WAITING_BYTES) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** Says that no more will come. What the client still sends is read and dropped, so that it gets what was said. */
  #end(): void {
    if (this.#isGone || this.#isEnded) return
    this.#isEnded = true
    this.#socket.end()
    this.#socket.resume()
  }

  /** What is in flight changes within calls, which the compiler does not see. */
  #isInFlight(): boolean {
    return this.#flight !== 'none'
  }

  #flush(): void {
    if (!this.#isGone) this.#hub.writer.flush(this.#socket)
    else this.#hub.writer.length = 0
  }

  /** Takes requests until the batch must go, or no more have arrived: then false. */
  #fill(): boolean {
    const { writer, counters } = this.#hub
    const batch = this.#batch
    for (;;) {
      const isFull = batch.entries >= MOST_BATCHED || batch.ownBytes + writer.length > ENOUGH_BYTES
      if (isFull || this.#isInFlight() || this.#isEnding) return true
      const parsed = this.#parser.next()
      if (parsed === Parsed.more) return false
      if (parsed === Parsed.broken) {
        if (batch.entries > 0) return true
        writer.error(`ERR Protocol error: ${this.#parser.problem}`)
        this.#isEnding = true
        return true
      }
      if (parsed === Parsed.tooLarge) this.#refuse(this.#tooLarge('a request', this.#hub.requestBytes))
      else if (!this.#take()) return true
      counters.commands++
      this.#taken++
      this.#parser.accept()
    }
  }

  #tooLarge(what: string, most: number): string {
    return `ERR ${what} may have ${most} bytes at most; nothing was applied`
  }

  /** Takes a request. False when it has to wait until the batch is through. */
  #take(): boolean {
    const parser = this.#parser
    const command = commandOf(parser)
    if (command === undefined) return this.#refuse(unknownCommand(parser))
    if (!hasArity(parser.count, command.arity))
      return this.#refuse(`ERR wrong number of arguments for '${command.name}' command`)
    if (!this.#session.isAuthenticated && !('isOpen' in command && command.isOpen))
      return this.#refuse('NOAUTH Authentication required.')
    if (command.kind === 'control') return this.#control(command.name)
    if (this.#inMulti) return this.#queue(command)
    return command.kind === 'store' ? this.#add(command) : this.#run(command)
  }

  #add(command: Command & { kind: 'store' }): boolean {
    plan.first = 1
    plan.last = 0
    const problem = command.translate(this.#parser, plan)
    if (problem !== undefined) return this.#error(problem)
    if (this.#batch.addCommand(this.#parser, plan)) return true
    return (
      this.#batch.commands === 0 &&
      this.#error(this.#tooLarge('a command', this.#hub.proposer.operationBytes))
    )
  }

  #words(): string[] {
    return Array.from({ length: this.#parser.count }, (_, k) => this.#parser.text(k))
  }

  #run(command: Command & { kind: 'own' }): boolean {
    // It changes how replies are written.
    if (command.name === 'hello' && this.#batch.entries > 0) return false
    const { writer } = this.#hub
    const before = writer.length
    command.run(this.#words(), this.#session, this.#hub, writer)
    return this.#written(before)
  }

  /** Puts what was written behind `before` where the replies to earlier requests are still to come, in line. */
  #written(before: number): true {
    if (this.#batch.entries > 0) {
      const own = this.#hub.writer.cut(before)
      this.#batch.addOwn(own, own.length)
    }
    return true
  }

  #raw(text: string): true {
    const before = this.#hub.writer.length
    this.#hub.writer.raw(text)
    return this.#written(before)
  }

  #error(text: string): true {
    const before = this.#hub.writer.length
    this.#hub.writer.error(text)
    return this.#written(before)
  }

  /** Refuses a request for what it is, which spoils the transaction that it is part of. */
  #refuse(text: string): true {
    if (this.#inMulti) this.#isSpoilt = true
    return this.#error(text)
  }

  // ---- transactions -------------------------------------------------------------------------------------------------

  #queue(command: Command & { kind: 'store' | 'own' }): true {
    const { writer } = this.#hub
    if (command.kind === 'store') {
      plan.first = 1
      plan.last = 0
      const problem = command.translate(this.#parser, plan)
      if (problem !== undefined)
        return this.#queueOwn(() => {
          writer.error(problem)
        }, problem.length)
      return this.#queueCommand()
    }
    const words = this.#words()
    const bytes = words.reduce((sum, word) => sum + word.length, 64)
    return this.#queueOwn(() => {
      command.run(words, this.#session, this.#hub, writer)
    }, bytes)
  }

  /** Queues the command of the plan, if the reply is sure to have room for a result of it. */
  #queueCommand(sections?: readonly string[]): true {
    const transaction = this.#transactionAtHand()
    const sure = REPLY_HEADER_BYTES + SURE_BYTES * (transaction.commands + 1)
    if (sure > this.#hub.proposer.replyBytes || !transaction.addCommand(this.#parser, plan, sections))
      return this.#refuseQueued()
    return this.#raw('+QUEUED\r\n')
  }

  #queueOwn(own: () => void, bytes: number): true {
    const transaction = this.#transactionAtHand()
    if (transaction.ownBytes + bytes > this.#hub.requestBytes) return this.#refuseQueued()
    transaction.addOwn(own, bytes)
    return this.#raw('+QUEUED\r\n')
  }

  #refuseQueued(): true {
    return this.#refuse(
      this.#tooLarge('a transaction and its least reply', this.#hub.proposer.operationBytes),
    )
  }

  #transactionAtHand(): Batch {
    this.#transaction ??= newTransaction(this.#hub.proposer.operationBytes)
    return this.#transaction
  }

  #endTransaction(): void {
    this.#inMulti = false
    this.#isSpoilt = false
    this.#transaction = undefined
  }

  #control(name: Control): boolean {
    const mustWait = this.#batch.entries > 0
    switch (name) {
      case 'multi':
        if (this.#inMulti) return this.#error('ERR MULTI calls can not be nested')
        this.#inMulti = true
        return this.#raw('+OK\r\n')
      case 'discard':
        if (!this.#inMulti) return this.#error('ERR DISCARD without MULTI')
        this.#endTransaction()
        return this.#raw('+OK\r\n')
      case 'exec':
        if (!this.#inMulti) return this.#error('ERR EXEC without MULTI')
        return !mustWait && this.#exec()
      case 'watch':
        if (this.#inMulti) return this.#error('ERR WATCH inside MULTI is not allowed')
        return !mustWait && this.#watch()
      case 'unwatch':
        if (this.#inMulti)
          return this.#queueOwn(() => {
            this.#hub.writer.ok()
          }, 0)
        this.#transaction = undefined
        return this.#raw('+OK\r\n')
      case 'info':
        return this.#info(mustWait)
      case 'quit':
        if (mustWait) return false
        this.#isEnding = true
        return this.#raw('+OK\r\n')
      case 'reset':
        if (mustWait) return false
        this.#endTransaction()
        this.#session.name = ''
        this.#session.version = 2
        this.#session.isAuthenticated = this.#hub.password === undefined
        return this.#raw('+RESET\r\n')
    }
  }

  #exec(): true {
    const transaction = this.#transactionAtHand()
    if (this.#isSpoilt) {
      this.#endTransaction()
      return this.#error('EXECABORT Transaction discarded because of previous errors.')
    }
    if (transaction.commands > 0 || transaction.conditions > 0) this.#propose(transaction, 'exec')
    else {
      answerTransaction(this.#hub, this.#session, this.#reply, transaction)
      this.#endTransaction()
    }
    return true
  }

  #watch(): true {
    plan.code = Code.versions
    plan.flags = 0
    plan.first = 1
    plan.count = this.#parser.count - 1
    plan.last = 0
    if (!this.#batch.addCommand(this.#parser, plan))
      return this.#error(this.#tooLarge('a command', this.#hub.proposer.operationBytes))
    this.#propose(this.#batch, 'watch')
    return true
  }

  #info(mustWait: boolean): boolean {
    plan.code = Code.count
    plan.flags = 0
    plan.count = 0
    const sections = this.#words()
      .slice(1)
      .map((word) => word.toLowerCase())
    if (this.#inMulti) {
      return this.#queueCommand(sections)
    }
    if (mustWait) return false
    this.#batch.addCommand(this.#parser, plan, sections)
    this.#propose(this.#batch, 'info')
    return true
  }

  // ---- from outcomes to replies -------------------------------------------------------------------------------------

  #propose(operation: Batch, flight: Flight): void {
    this.#flush()
    this.#flight = flight
    this.#hub.counters.proposals++
    const length = operation.close(this.#hub.clock())
    try {
      this.#hub.proposer.propose(operation.bytes, length, this.#ended)
    } catch {
      // What was thrown does not say that nothing will be applied.
      if (this.#isInFlight()) this.#ended(Outcome.unknown, this.#reply.octets, 0)
    }
  }

  readonly #ended = (outcome: Outcome, reply: Uint8Array, _length: number): void => {
    const flight = this.#flight
    if (flight === 'none') return
    this.#flight = 'none'
    if (outcome !== Outcome.done) this.#failed(flight, outcome)
    else {
      if (reply !== this.#reply.octets) {
        this.#reply.octets = reply
        this.#reply.view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength)
      }
      this.#done(flight)
    }
    this.#pump()
  }

  #done(flight: Flight): void {
    const result = this.#reply.view.getUint8(0)
    if (flight === 'exec') {
      if (result === Result.conflict) this.#hub.writer.nilArray(this.#session.version)
      else if (result === Result.malformed) this.#hub.writer.error(malformedText)
      else answerTransaction(this.#hub, this.#session, this.#reply, this.#transactionAtHand())
      this.#endTransaction()
      return
    }
    if (result !== Result.done) {
      answerAll(this.#hub, this.#batch, malformedText)
      return
    }
    if (flight === 'watch') this.#watched()
    else this.#isLeftOver = !answerBatch(this.#hub, this.#session, this.#reply, this.#batch)
  }

  /** Remembers the versions of the keys that the batch asked for. */
  #watched(): void {
    const isKept = addConditions(this.#transactionAtHand(), this.#batch, this.#reply)
    this.#batch.clear()
    if (isKept) {
      this.#hub.writer.ok()
      return
    }
    // Some of the keys would not be watched, so a transaction must not go on as if they were.
    this.#transaction = undefined
    this.#hub.writer.error(this.#tooLarge('all keys watched', this.#hub.proposer.operationBytes))
  }

  #failed(flight: Flight, outcome: Outcome): void {
    const { writer, counters } = this.#hub
    const operation = flight === 'exec' ? this.#transactionAtHand() : this.#batch
    const isRefused = outcome === Outcome.refused
    if (isRefused) counters.refused++
    else counters.unknown++
    const text = isRefused ? refusedText : operation.writes ? unknownWriteText : unknownReadText
    if (!isRefused && operation.writes) this.#isEnding = true
    if (flight === 'exec') {
      writer.error(text)
      this.#endTransaction()
    } else if (flight === 'info') {
      writeInfo(this.#hub, this.#session, operation.own[0] as readonly string[], undefined)
      operation.clear()
    } else answerAll(this.#hub, this.#batch, text)
  }
}
