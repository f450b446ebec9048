/**
 * A session behind messages: checks envelopes, runs calls that take long in turns with short ones and with indexing, tells
 * progress, and ends calls that are cancelled.
 */
import { badRequest, cancelled, errorInfo } from './errors.js'
import {
  type CancelRequest,
  type SessionReply,
  type SessionRequest,
  SessionError,
  protocolVersion,
} from './protocol.js'
import { Registry } from './registry.js'
import { type Handlers, handlersOf } from './session.js'
import type { RecordingReader } from './recordings.js'
import type { KnownSystem } from './stage.js'

/** Milliseconds of work between two looks at what has come in. */
const turnMillis = 12
/** Milliseconds between two tellings of progress. */
const tellMillis = 80

interface Call {
  readonly id: number
  readonly steps: Generator<unknown, unknown>
  told: number
}

export interface Server {
  receive(message: unknown): void
  close(): void
}

/** What a server needs of where it runs. */
export interface Surroundings {
  now(): number
  /** Calls back soon, after messages that have come in. */
  soon(work: () => void): void
  /** `transfer`: buffers that may be handed over instead of copied. */
  send(reply: SessionReply, transfer: ArrayBuffer[]): void
}

export function serve(
  systems: readonly KnownSystem[],
  recordings: RecordingReader,
  { now, soon, send }: Surroundings,
): Server {
  const registry = new Registry(systems, recordings, now, (event) => {
    send({ event }, [])
  })
  const handlers = handlersOf(registry)
  const calls: Call[] = []
  /** Calls of which no more is known than that they are under way. */
  const promised = new Set<number>()
  let isScheduled = false
  let isClosed = false

  const answer = (id: number, result: unknown): void => {
    send({ id, result }, buffersOf(result))
  }
  const fail = (id: number, error: unknown): void => {
    send({ id, error: errorInfo(error) }, [])
  }
  const schedule = (): void => {
    if (isScheduled || isClosed) return
    isScheduled = true
    soon(turn)
  }
  const turn = (): void => {
    isScheduled = false
    if (isClosed) return
    const call = calls.shift()
    if (call !== undefined) work(call)
    // People look at what is indexed while they wait for a search; so both go on.
    if (registry.isIndexing) registry.tick(turnMillis)
    if (calls.length > 0 || registry.isIndexing) schedule()
  }
  const work = (call: Call): void => {
    const end = now() + turnMillis
    let progress: unknown
    try {
      do {
        const { done, value } = call.steps.next()
        if (done === true) {
          answer(call.id, value)
          return
        }
        progress = value
      } while (now() < end)
    } catch (error) {
      fail(call.id, error)
      return
    }
    if (progress !== undefined && now() - call.told >= tellMillis) {
      call.told = now()
      send({ id: call.id, progress }, [])
    }
    calls.push(call)
  }

  const goOn = (id: number, given: unknown): void => {
    if (isGenerator(given)) calls.push({ id, steps: given, told: now() })
    else answer(id, given)
  }
  const handle = ({ id, method, params }: SessionRequest): void => {
    const handler = handlers[method] as (given: unknown) => unknown
    const given = handler(params)
    if (given instanceof Promise) {
      promised.add(id)
      given.then(
        (result: unknown) => {
          // Else it was cancelled meanwhile.
          if (promised.delete(id)) goOn(id, result)
          schedule()
        },
        (error: unknown) => {
          if (promised.delete(id)) fail(id, error)
        },
      )
    } else goOn(id, given)
  }

  return {
    receive(message) {
      const request = message as Partial<SessionRequest & CancelRequest>
      if (request.cancel !== undefined) {
        const at = calls.findIndex(({ id }) => id === request.cancel)
        if (at >= 0) calls.splice(at, 1)
        if (at >= 0 || promised.delete(request.cancel)) fail(request.cancel, cancelled())
        return
      }
      const id = request.id ?? -1
      try {
        handle(checked(request, handlers))
      } catch (error) {
        fail(id, error)
      }
      schedule()
    },
    close() {
      isClosed = true
      for (const { id } of calls.splice(0)) fail(id, cancelled())
    },
  }
}

function checked(request: Partial<SessionRequest>, handlers: Handlers): SessionRequest {
  if (request.version !== protocolVersion)
    throw new SessionError({
      code: 'version',
      field: 'version',
      message: `this session speaks version ${String(protocolVersion)}, not ${String(request.version)}`,
      mend: 'Load the page anew.',
    })
  if (typeof request.method !== 'string' || !Object.hasOwn(handlers, request.method))
    throw badRequest('method', `there is no method ${JSON.stringify(request.method)}`)
  if (typeof request.params !== 'object') throw badRequest('params', 'must be an object')
  return request as SessionRequest
}

const isGenerator = (given: unknown): given is Generator<unknown, unknown> =>
  typeof given === 'object' && given !== null && 'next' in given && Symbol.iterator in given

/** Buffers of the typed arrays that a result has at its first level: they are its own, and large. */
function buffersOf(result: unknown): ArrayBuffer[] {
  if (typeof result !== 'object' || result === null) return []
  const buffers = new Set<ArrayBuffer>()
  for (const value of Object.values(result))
    if (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer) buffers.add(value.buffer)
  return [...buffers]
}
