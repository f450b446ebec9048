/** The page's end: calls as promises, over a worker. Imports nothing of the session, which the worker alone carries. */
import {
  type CallOptions,
  type Method,
  type Methods,
  SessionError,
  type SessionClient,
  type SessionEvent,
  type SessionReply,
  protocolVersion,
} from './protocol.js'

/** The part of a Worker that a client needs. */
export interface SessionWorker {
  postMessage(message: unknown): void
  addEventListener(type: 'message' | 'error' | 'messageerror', listener: (event: object) => void): void
  terminate(): void
}

/** A client of a session that runs in a worker. */
export function connect(worker: SessionWorker): SessionClient {
  const { client, receive, abort } = clientOver(
    (message) => {
      worker.postMessage(message)
    },
    () => {
      worker.terminate()
    },
  )
  worker.addEventListener('message', (event) => {
    if ('data' in event) receive(event.data as SessionReply)
  })
  const broken = (event: object): void => {
    const what = 'message' in event && typeof event.message === 'string' ? `: ${event.message}` : ''
    abort(`the session stopped${what}`)
  }
  worker.addEventListener('error', broken)
  worker.addEventListener('messageerror', broken)
  return client
}

interface Pending {
  readonly resolve: (result: never) => void
  readonly reject: (error: SessionError) => void
  readonly onProgress: ((progress: never) => void) | undefined
  readonly forget: () => void
}

/** A client over any way for messages: what it says goes to `post`, what comes is given to `receive`. */
export function clientOver(post: (message: unknown) => void, end: () => void) {
  const pending = new Map<number, Pending>()
  const listeners = new Set<(event: SessionEvent) => void>()
  let last = 0
  let closed: string | undefined

  const settle = (id: number): Pending | undefined => {
    const call = pending.get(id)
    pending.delete(id)
    call?.forget()
    return call
  }
  const abort = (why: string): void => {
    closed = why
    for (const id of [...pending.keys()])
      settle(id)?.reject(new SessionError({ code: 'cancelled', field: '', message: why, mend: '' }))
  }
  const receive = (reply: SessionReply): void => {
    if ('event' in reply) {
      for (const listener of listeners) listener(reply.event)
    } else if ('progress' in reply) pending.get(reply.id)?.onProgress?.(reply.progress as never)
    else if ('error' in reply) settle(reply.id)?.reject(new SessionError(reply.error))
    else settle(reply.id)?.resolve(reply.result as never)
  }
  const client: SessionClient = {
    call<M extends Method>(
      method: M,
      params: Methods[M]['params'],
      { signal, onProgress }: CallOptions<M> = {},
    ) {
      return new Promise<Methods[M]['result']>((resolve, reject) => {
        const id = ++last
        const why = closed ?? (signal?.aborted === true ? 'the call was cancelled' : undefined)
        if (why !== undefined) {
          reject(new SessionError({ code: 'cancelled', field: '', message: why, mend: '' }))
          return
        }
        const cancel = (): void => {
          post({ version: protocolVersion, cancel: id })
          settle(id)?.reject(
            new SessionError({ code: 'cancelled', field: '', message: 'the call was cancelled', mend: '' }),
          )
        }
        signal?.addEventListener('abort', cancel)
        pending.set(id, {
          resolve,
          reject,
          onProgress,
          forget: () => signal?.removeEventListener('abort', cancel),
        })
        post({ version: protocolVersion, id, method, params })
      })
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    close() {
      abort('the session was closed')
      end()
    },
  }
  return { client, receive, abort }
}
