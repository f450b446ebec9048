/**
 * The clients of the register models, and what is recorded of them.
 *
 * Semantics: the register client and the linearizability tester of Stateright 0.31. A client puts its own value at start,
 * gets once the put is answered, and is then done; it ignores whatever it does not wait for. Clients are numbered from 0
 * after the servers: client c puts at server (servers + c) mod servers, and gets from the next one.
 *
 * All clients are one node, the last. What a client has seen of the others when it calls is part of the state there, and
 * is taken down in the step in which the call is sent: no node could do so that has one of the clients only. The numbers
 * below are the content of the tester: operations that have returned in their order, those in flight, and for each how
 * many operations of every other client had returned when it was called. Its puts are called before anything has
 * returned, so only gets need that.
 */
import {
  type CoreDefinition,
  type Host,
  type StateInvariant,
  array,
  clear,
  defineCore,
  enumeration,
  struct,
  u32,
  u8,
} from '../../protocol/index.js'

/** The kinds that clients and servers exchange, and those of the protocols behind them. */
export const messageKind = enumeration([
  'put',
  'get',
  'put-ok',
  'get-ok',
  'prepare',
  'prepared',
  'accept',
  'accepted',
  'decided',
  'query',
  'ack-query',
  'record',
  'ack-record',
])

/**
 * A message. What a kind has no use for is 0. `stamp` is a ballot or the sequencer of a value; `lastStamp` and `value`
 * are a proposal that was accepted, or `value` alone is what is written, read or proposed.
 */
export const message = struct({ kind: messageKind, request: u8, value: u8, stamp: u32, lastStamp: u32 })

/** A pair of a number and a server, in the order of Stateright's tuples; (0, server 0) is 0. */
export const stampOf = (count: number, server: number): number => count * 32 + server
export const countOf = (stamp: number): number => Math.floor(stamp / 32)

/** Requests are numbered from 1, so that 0 is none: client c has 1 + 2c for its put and 2 + 2c for its get. */
export const putOf = (client: number): number => 1 + 2 * client
const getOf = (client: number): number => 2 + 2 * client
export const isGet = (request: number): boolean => request % 2 === 0
const clientOf = (request: number): number => (request - 1) >> 1
/** What a client puts; 0 is what a register holds in the beginning. */
export const valueOf = (client: number): number => 1 + client

/** Sends messages of the one layout. */
export function openPost(host: Host, output: DataView) {
  const letter = message.view(output)
  return (to: number, kind: number, request: number, value = 0, stamp = 0, lastStamp = 0): void => {
    clear(message, letter)
    letter.kind = kind
    letter.request = request
    letter.value = value
    letter.stamp = stamp
    letter.lastStamp = lastStamp
    host.send(to, 0, message.sizeBytes)
  }
}
export type Post = ReturnType<typeof openPost>

/** To each server but one. */
export function broadcast(post: Post, servers: number, but: number, ...letter: Tail<Parameters<Post>>): void {
  for (let server = 0; server < servers; server++) if (server !== but) post(server, ...letter)
}
type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

export function majorityOf(servers: number): number {
  return (servers >> 1) + 1
}

export function clientsState(clients: number) {
  const client = struct({
    /** The request whose answer it waits for: the operation in flight; 0 when done. */
    awaited: u8,
    /** Operations that have returned: 0, the put, or the get too. */
    returned: u8,
    /** Of each client, how many operations had returned when the get was called; 0 for itself. */
    seen: array(u8, clients),
    /** What the get returned. */
    read: u8,
  })
  return struct({ clients: array(client, clients) })
}

export function clientsCore(servers: number, clients: number): CoreDefinition {
  return defineCore({
    state: clientsState(clients),
    scratchBytes: 64,
    create({ host, state, input, output }) {
      const { code } = messageKind
      const received = message.view(input)
      const post = openPost(host, output)

      /** Takes down what has returned to the others, and asks for the value. */
      function callGet(client: number): void {
        for (let other = 0; other < clients; other++) {
          if (other === client) continue
          const { returned } = state.clients.at(other)
          state.clients.at(client).seen.set(other, returned)
        }
        const asking = state.clients.at(client)
        asking.returned = 1
        asking.awaited = getOf(client)
        post((servers + client + 1) % servers, code.get, getOf(client))
      }

      return {
        start() {
          for (let client = 0; client < clients; client++) {
            state.clients.at(client).awaited = putOf(client)
            post((servers + client) % servers, code.put, putOf(client), valueOf(client))
          }
        },
        message() {
          const { kind, request, value } = received
          const client = clientOf(request)
          const waiting = state.clients.at(client)
          if (waiting.awaited !== request) return host.refuse()
          if (kind === code['put-ok']) return callGet(client)
          if (kind !== code['get-ok']) return host.refuse()
          waiting.awaited = 0
          waiting.returned = 2
          waiting.read = value
        },
      }
    },
  })
}

/**
 * Whether some order of the operations explains what the clients saw: each after those that it has seen to be over, and
 * each get with the value put last. A get that has not returned changes nothing, so it is left out; a put that has not
 * returned may have taken effect. (Wing and Gong 1993; the orders are few enough to be tried.)
 */
export function linearizable(servers: number, clients: number): StateInvariant {
  const layout = clientsState(clients)
  const placed = new Uint8Array(clients)
  const returned = new Uint8Array(clients)
  const read = new Uint8Array(clients)
  const seen = Array.from({ length: clients }, () => new Uint8Array(clients))

  /** Whether the next operation of a client may come now: all that it has seen to be over has its place. */
  function isDue(client: number): boolean {
    if (placed[client]! === 0) return true
    for (let other = 0; other < clients; other++) if (seen[client]![other]! > placed[other]!) return false
    return true
  }

  function canBePlaced(held: number): boolean {
    let isDone = true
    for (let client = 0; client < clients; client++) isDone &&= placed[client]! >= returned[client]!
    if (isDone) return true
    for (let client = 0; client < clients; client++) {
      const isPut = placed[client]! === 0
      if (!isPut && placed[client]! >= returned[client]!) continue
      if (!isDue(client) || (!isPut && read[client]! !== held)) continue
      placed[client]!++
      const found = canBePlaced(isPut ? valueOf(client) : held)
      placed[client]!--
      if (found) return true
    }
    return false
  }

  return {
    name: 'linearizable',
    meaning: 'What the clients were told is explained by one register.',
    check(observer) {
      const state = observer.state(servers, layout)
      for (let client = 0; client < clients; client++) {
        const record = state.clients.at(client)
        returned[client] = record.returned
        read[client] = record.read
        for (let other = 0; other < clients; other++) seen[client]![other] = record.seen.get(other)
      }
      if (canBePlaced(0)) return undefined
      const reads = Array.from(read, (value, client) =>
        returned[client] === 2 ? `client ${client} read ${value}` : `client ${client} has read nothing`,
      )
      return `no order of the operations explains what was read: ${reads.join(', ')}`
    },
  }
}
