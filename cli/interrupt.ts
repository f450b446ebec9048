/** Ctrl-C: the first asks everybody to end with the results so far, the second ends the process. */

export interface Interrupt {
  readonly stopped: boolean
  /** Calls `listener` when somebody wants to stop (at once if that has been). Returns what takes it back. */
  onStop(listener: () => void): () => void
}

export function watchInterrupts(tell: (line: string) => void): Interrupt {
  const listeners = new Set<() => void>()
  let stopped = false
  const onSignal = (): void => {
    if (stopped) process.exit(130)
    stopped = true
    tell('stopping with the results so far; once more to quit at once')
    for (const listener of listeners) listener()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    get stopped() {
      return stopped
    },
    onStop(listener) {
      listeners.add(listener)
      if (stopped) listener()
      return () => listeners.delete(listener)
    },
  }
}
