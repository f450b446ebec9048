/** A command's connection to the keeper: requests, programs in machines, and connections to what listens there. */
import { EventEmitter } from 'node:events'
import { type Socket, connect } from 'node:net'
import { Duplex, PassThrough, type Readable, Writable } from 'node:stream'
import { deserialize, serialize } from 'node:v8'
import { RunError } from '../errors.js'
import { CHUNK_BYTES, type ProgramEnd, Kind, type SpawnOrder, frame, frameReader, jsonOf } from './frames.js'
import type { KeeperRequest, Routed, TestbedStatus } from './keeper-protocol.js'

type Tell = (kind: Kind, payload: Buffer) => void

/** What a refusal looks like when the keeper itself has gone. */
const GONE = { message: 'the testbed has gone down', mend: '`aviary testbed up` boots one.' }

export class Connection {
  readonly #socket: Socket
  readonly #streams = new Map<number, Tell>()
  #next = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    const read = frameReader((stream, kind, payload) => this.#streams.get(stream)?.(kind, payload))
    socket.on('data', read)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      const told = [...this.#streams.values()]
      this.#streams.clear()
      for (const tell of told) tell(Kind.refusal, Buffer.from(JSON.stringify(GONE)))
    })
  }

  /** Rejects with the system's error when nobody listens there. */
  static open(path: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Throws {@link RunError} with the keeper's reason when it refuses. */
  ask(request: KeeperRequest): Promise<TestbedStatus> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(Kind.request, request, (kind, payload) => {
        this.#streams.delete(stream)
        if (kind === Kind.reply) resolve(jsonOf(payload) as TestbedStatus)
        else reject(refusalOf(payload))
      })
    })
  }

  spawn(order: Routed<SpawnOrder>): MachineProcess {
    return new MachineProcess((tell) => {
      const stream = this.#open(Kind.spawn, order, tell)
      return this.#sender(stream)
    })
  }

  /** Connects to an address inside of a machine. The stream fails when nobody listens there. */
  dial(machine: number, host: string, port: number): Duplex {
    let send: Send = () => undefined
    const duplex = new Duplex({
      allowHalfOpen: true,
      read: () => undefined,
      write(bytes: Buffer, _, done) {
        sendBytes(send, bytes)
        done()
      },
      final(done) {
        send(Kind.inputEnd, '')
        done()
      },
      destroy(error, done) {
        send(Kind.signal, 'SIGKILL')
        done(error)
      },
    })
    const stream = this.#open(Kind.dial, { machine, host, port }, (kind, payload) => {
      if (kind === Kind.output) duplex.push(Buffer.from(payload))
      else if (kind === Kind.refusal) duplex.destroy(refusalOf(payload))
      else if (kind === Kind.exit) {
        const { error } = jsonOf(payload) as ProgramEnd
        if (error === undefined) duplex.push(null)
        else duplex.destroy(new Error(error))
      }
    })
    send = this.#sender(stream)
    return duplex
  }

  #open(kind: Kind, order: unknown, tell: Tell): number {
    const stream = this.#next++
    this.#streams.set(stream, (kind, payload) => {
      if (kind === Kind.exit || kind === Kind.refusal) this.#streams.delete(stream)
      tell(kind, payload)
    })
    if (this.#socket.destroyed) queueMicrotask(() => tell(Kind.refusal, Buffer.from(JSON.stringify(GONE))))
    else this.#socket.write(frame(stream, kind, JSON.stringify(order)))
    return stream
  }

  #sender(stream: number): Send {
    return (kind, payload) => {
      if (!this.#socket.destroyed && this.#streams.has(stream))
        this.#socket.write(frame(stream, kind, payload))
    }
  }
}

type Send = (kind: Kind, payload: Uint8Array | string) => void

function sendBytes(send: Send, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    send(Kind.input, bytes.subarray(at, at + CHUNK_BYTES))
}

function refusalOf(payload: Buffer): RunError {
  const { message, mend } = jsonOf(payload) as { message: string; mend: string }
  return new RunError(message, mend)
}

interface ProcessEvents {
  /** On its IPC channel. */
  message: [message: unknown]
  /** It has ended, could not begin, or the machine went away under it. */
  ended: [ended: ProgramEnd]
}

/** A program in a machine, as far as a program of one's own would be. */
export class MachineProcess extends EventEmitter<ProcessEvents> {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Undefined while it runs. */
  ended: ProgramEnd | undefined
  readonly #send: Send

  constructor(open: (tell: Tell) => Send) {
    super()
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    this.stdout = stdout
    this.stderr = stderr
    const end = (ended: ProgramEnd): void => {
      this.ended = ended
      stdout.end()
      stderr.end()
      this.emit('ended', ended)
    }
    const send = open((kind, payload) => {
      if (kind === Kind.output) stdout.write(Buffer.from(payload))
      else if (kind === Kind.error) stderr.write(Buffer.from(payload))
      else if (kind === Kind.message) this.emit('message', deserialize(payload))
      else if (kind === Kind.exit) end(jsonOf(payload) as ProgramEnd)
      else if (kind === Kind.refusal) end({ code: null, signal: null, error: refusalOf(payload).message })
    })
    this.#send = send
    this.stdin = new Writable({
      write(bytes: Buffer, _, done) {
        sendBytes(send, bytes)
        done()
      },
      final(done) {
        send(Kind.inputEnd, '')
        done()
      },
    })
  }

  /** Sends a signal to it and to what it has started. */
  kill(signal: NodeJS.Signals): void {
    this.#send(Kind.signal, signal)
  }

  /** On its IPC channel. */
  send(message: unknown): void {
    this.#send(Kind.message, serialize(message))
  }

  /** Resolves when it has ended. */
  async end(): Promise<ProgramEnd> {
    return this.ended ?? new Promise((resolve) => this.once('ended', resolve))
  }
}
