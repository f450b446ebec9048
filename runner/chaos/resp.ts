/** A client's side of the Redis protocol (RESP2), as far as a load needs it: requests out, replies in, in order. */
import { type Socket, connect } from 'node:net'
import type { Address } from '../cluster.js'

/** A reply: text of a status or bulk string, a number, nil, an array, or an error by its text. */
export type Reply = string | number | null | RespError | readonly Reply[]

export class RespError {
  constructor(readonly text: string) {}
}

/** Takes bytes, and hands out whole replies. Text is taken as one character a byte. */
class ReplyParser {
  #text = ''
  #at = 0

  push(piece: string): void {
    this.#text = this.#text.slice(this.#at) + piece
    this.#at = 0
  }

  /** The next reply, or undefined when it is not whole yet. Throws for what is no reply. */
  next(): Reply | undefined {
    const before = this.#at
    const reply = this.#read()
    if (reply === undefined) this.#at = before
    return reply
  }

  #read(): Reply | undefined {
    const end = this.#text.indexOf('\r\n', this.#at)
    if (end < 0) return undefined
    const kind = this.#text[this.#at]
    const line = this.#text.slice(this.#at + 1, end)
    this.#at = end + 2
    switch (kind) {
      case '+':
        return line
      case '-':
        return new RespError(line)
      case ':':
        return Number(line)
      case '$':
        return this.#bulk(Number(line))
      case '*':
        return this.#array(Number(line))
      case undefined:
      default:
        throw new Error(`a reply begins with ${JSON.stringify(kind)}`)
    }
  }

  #bulk(length: number): string | null | undefined {
    if (length < 0) return null
    const end = this.#at + length
    if (this.#text.length < end + 2) return undefined
    const text = this.#text.slice(this.#at, end)
    this.#at = end + 2
    return text
  }

  #array(length: number): readonly Reply[] | null | undefined {
    if (length < 0) return null
    const list: Reply[] = []
    for (let k = 0; k < length; k++) {
      const each = this.#read()
      if (each === undefined) return undefined
      list.push(each)
    }
    return list
  }
}

/** One connection. What waits for replies when it ends hears nothing but the end. */
export class RespConnection {
  readonly #socket: Socket
  readonly #parser = new ReplyParser()
  readonly #waiting: {
    readonly count: number
    readonly resolve: (replies: readonly Reply[] | undefined) => void
  }[] = []
  #replies: Reply[] = []
  #isClosed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (piece: Buffer | string) => {
      this.#received(String(piece))
    })
    socket.on('close', () => {
      this.#closed()
    })
  }

  /** Undefined when nobody listens there, or does not accept within so many milliseconds. */
  static async open({ host, port }: Address, millis: number): Promise<RespConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect(port, host)
      const timer = setTimeout(() => {
        socket.destroy()
        resolve(undefined)
      }, millis)
      socket.on('error', () => {
        clearTimeout(timer)
        resolve(undefined)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        resolve(new RespConnection(socket))
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends requests together. Resolves to their replies, or to undefined when the connection ended before the last. */
  async ask(...requests: readonly (readonly string[])[]): Promise<readonly Reply[] | undefined> {
    if (this.#isClosed) return undefined
    this.#socket.write(requests.map(encode).join(''), 'latin1')
    return new Promise((resolve) => {
      this.#waiting.push({ count: requests.length, resolve })
    })
  }

  close(): void {
    this.#socket.destroy()
    this.#closed()
  }

  #received(piece: string): void {
    this.#parser.push(piece)
    try {
      for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
        this.#replies.push(reply)
        const first = this.#waiting[0]
        if (first === undefined || this.#replies.length < first.count) continue
        this.#waiting.shift()
        first.resolve(this.#replies)
        this.#replies = []
      }
    } catch {
      this.close()
    }
  }

  #closed(): void {
    this.#isClosed = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
  }
}

const encode = (words: readonly string[]): string =>
  `*${String(words.length)}\r\n${words.map((word) => `$${String(word.length)}\r\n${word}\r\n`).join('')}`
