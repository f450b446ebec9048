/** A gateway over a store in this process, and sockets that speak to it. */
import { connect, type Socket } from 'node:net'
import { startGateway, type Gateway, type GatewayOptions } from '../../../runner/gateway/gateway.js'
import { Outcome, type Ended, type Proposer } from '../../../runner/proposer.js'
import { store, type StoreCapacity } from '../../../protocol/store/index.js'

const smallStore: StoreCapacity = {
  slots: 1_024,
  arenaBytes: 1_048_576,
  operationBytes: 16_384,
  replyBytes: 16_384,
}

/**
 * A proposer that applies to a store of its own, at once, or when `release` is called where `isHeld`. `fate` may give a
 * proposal another outcome.
 */
export function storeProposer(capacity: StoreCapacity = smallStore) {
  const application = store(capacity)
  const state = application.layout.view(new DataView(new ArrayBuffer(application.layout.sizeBytes)))
  const reply = new Uint8Array(application.replyBytes)
  const replyView = new DataView(reply.buffer)
  let held: (() => void)[] = []
  const proposer = {
    operationBytes: application.operationBytes,
    replyBytes: application.replyBytes,
    proposals: 0,
    mostAtOnce: 0,
    isHeld: false,
    fate: undefined as ((operation: DataView) => Outcome) | undefined,
    /** Whether an operation of unknown outcome is applied all the same. */
    isAppliedUnknown: true,
    get waiting(): number {
      return held.length
    },
    release(): void {
      const now = held
      held = []
      for (const each of now) each()
    },
    check: (): string | undefined => application.check(state),
    propose(bytes: Uint8Array, length: number, ended: Ended): void {
      if (length > application.operationBytes) throw new RangeError('the operation is too long')
      proposer.proposals++
      const operation = bytes.slice(0, length)
      const view = new DataView(operation.buffer)
      const finish = (): void => {
        const outcome = proposer.fate?.(view) ?? Outcome.done
        const isApplied =
          outcome === Outcome.done || (outcome === Outcome.unknown && proposer.isAppliedUnknown)
        const replied = isApplied ? application.apply(state, view, 0, length, replyView, 0) : 0
        // What was lent may be overwritten, so that a gateway which keeps it is found out.
        ended(outcome, reply, outcome === Outcome.done ? replied : 0)
        reply.fill(0xee)
      }
      if (!proposer.isHeld) finish()
      else held.push(finish)
      proposer.mostAtOnce = Math.max(proposer.mostAtOnce, held.length)
    },
  } satisfies Proposer & Record<string, unknown>
  return proposer
}

const opened: { close(): Promise<void> | void }[] = []

/** Closes what was opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each.close()
}

export async function openGateway(
  options: Partial<GatewayOptions> & Pick<GatewayOptions, 'proposer'>,
): Promise<Gateway> {
  const gateway = await startGateway({ port: 0, drainMillis: 500, ...options })
  opened.push(gateway)
  return gateway
}

/** A socket with what came over it, as text of one character a byte. */
export async function openSocket(port: number) {
  const socket: Socket = connect(port, '127.0.0.1')
  let received = ''
  let isClosed = false
  let wake = (): void => undefined
  socket.on('data', (piece) => {
    received += piece.toString('latin1')
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  opened.push({
    close: () => {
      socket.destroy()
    },
  })
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds() && !isClosed)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  return {
    socket,
    send(text: string): void {
      socket.write(text, 'latin1')
    },
    /** Takes so many bytes, or what came before the end. */
    async take(bytes: number): Promise<string> {
      await until(() => received.length >= bytes)
      const taken = received.slice(0, bytes)
      received = received.slice(bytes)
      return taken
    },
    /** Everything that comes until the other side closes. */
    async rest(): Promise<string> {
      await until(() => false)
      return received
    },
    /** Sends a request and expects a reply of as many bytes as the one given. */
    async ask(words: readonly string[], expected: string): Promise<string> {
      socket.write(request(...words), 'latin1')
      return this.take(expected.length)
    },
  }
}

/** A request as an array of bulk strings. */
export const request = (...words: readonly string[]): string =>
  `*${String(words.length)}\r\n${words.map((word) => `$${String(word.length)}\r\n${word}\r\n`).join('')}`
