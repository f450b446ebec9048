/** The inputs of a core by number: what hosts keep, count, compare and write down instead of calls. */
import type { Core, Status } from './contract.js'

export const Handler = {
  start: 0,
  poll: 1,
  observed: 2,
  timer: 3,
  message: 4,
  completion: 5,
  request: 6,
  stored: 7,
  input: 8,
  notified: 9,
} as const
export const handlerNames: readonly string[] = Object.keys(Handler)

/** Gives a core an input, with arguments in the order of its handler's; a flag is 0 or 1. */
export function callHandler(core: Core, handler: number, a: number, b: number, c: number): void {
  switch (handler) {
    case Handler.start:
      core.start(a !== 0, b)
      return
    case Handler.poll:
      core.poll?.()
      return
    case Handler.observed:
      core.observed?.(a, b)
      return
    case Handler.timer:
      core.timer?.(a)
      return
    case Handler.message:
      core.message?.(a, b)
      return
    case Handler.completion:
      core.completion?.(a, b, c as Status)
      return
    case Handler.request:
      core.request?.(a, b, c)
      return
    case Handler.stored:
      core.stored?.(a, b as Status)
      return
    case Handler.input:
      core.input?.(a)
      return
    case Handler.notified:
      core.notified?.(a, b)
      return
  }
}
