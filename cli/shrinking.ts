/**
 * Shrinks a trace on a thread of its own, so that the command can be interrupted and show that it works. The result is
 * always a trace of the same violation: the smaller one, or the one that was given and the reason why.
 */
import { Worker } from 'node:worker_threads'
import type { Sizes } from '../sim/shrink/index.js'
import { type Trace, decodeTrace, encodeTrace } from '../sim/trace/index.js'
import { oneLine } from './errors.js'
import type { Interrupt } from './interrupt.js'
import type { LoadedSystem } from './load-system.js'
import type { ShrinkOrder, ShrinkReport } from './shrink-order.js'
import { type Terminal, table } from './terminal.js'

export type Shrinking =
  | {
      readonly outcome: 'shrunk'
      readonly trace: Trace
      readonly before: Sizes
      readonly after: Sizes
      readonly seconds: number
      readonly finished: boolean
    }
  | { readonly outcome: 'kept'; readonly trace: Trace; readonly why: string }

/** How much longer than it may a thread is waited for. */
const graceMillis = 10_000

export async function shrinkTrace(
  system: LoadedSystem,
  trace: Trace,
  seconds: number,
  interrupt: Interrupt,
  onProgress: (line: string) => void,
): Promise<Shrinking> {
  const kind = trace.violation?.kind
  if (kind === undefined) return { outcome: 'kept', trace, why: 'it violates nothing' }
  if (kind === 'hidden-state')
    return { outcome: 'kept', trace, why: 'hidden state shows only when each handler runs twice' }
  const begin = performance.now()
  const stop = new SharedArrayBuffer(4)
  const workerData: ShrinkOrder = {
    source: system.source,
    trace: encodeTrace(trace),
    endMillis: Date.now() + seconds * 1000,
    stop,
  }
  const worker = new Worker(new URL('./shrink-worker.js', import.meta.url), { workerData })
  const release = interrupt.onStop(() => {
    Atomics.store(new Int32Array(stop), 0, 1)
  })
  const overdue = setTimeout(() => void worker.terminate(), seconds * 1000 + graceMillis)
  const ticker = setInterval(() => {
    const elapsed = (performance.now() - begin) / 1000
    onProgress(
      `shrinking ${String(trace.actions.length)} actions: ${elapsed.toFixed(1)} s of at most ${String(seconds)} s`,
    )
  }, 100)
  try {
    return await new Promise<Shrinking>((resolve) => {
      let answer: Shrinking = { outcome: 'kept', trace, why: 'the shrinker did not come to an end in time' }
      worker.on('message', (report: ShrinkReport) => {
        if (report.kind === 'kept') answer = { outcome: 'kept', trace, why: report.why }
        if (report.kind === 'shrunk')
          answer = {
            outcome: 'shrunk',
            trace: decodeTrace(report.trace),
            before: report.before,
            after: report.after,
            seconds: (performance.now() - begin) / 1000,
            finished: report.finished,
          }
      })
      worker.on('error', (error) => {
        answer = { outcome: 'kept', trace, why: oneLine(error.message) }
      })
      worker.on('exit', () => {
        resolve(answer)
      })
    })
  } finally {
    clearInterval(ticker)
    clearTimeout(overdue)
    release()
  }
}

/** Sizes before and after, side by side. */
export function sayShrinking({ say, colours }: Terminal, shrinking: Shrinking, nodes: string): void {
  if (shrinking.outcome === 'kept') {
    say(colours.dim(`  Not shrunk: ${shrinking.why}.`))
    return
  }
  const { before, after, seconds, finished, trace } = shrinking
  const row = (name: string, of: (sizes: Sizes) => number): string[] => [
    name,
    String(of(before)),
    '→',
    colours.bold(String(of(after))),
  ]
  const part = trace.violation?.kind === 'liveness' ? ' (what comes before the faults end)' : ''
  const cut = finished ? '' : ', cut off by the limit of time'
  say(`  Shrunk in ${seconds.toFixed(1)} s${cut}${part}:`)
  say(
    table(
      [
        row('actions', ({ actions }) => actions),
        row('faults', ({ faults }) => faults),
        row('context switches', ({ contextSwitches }) => contextSwitches),
        row(nodes, (sizes) => sizes.nodes),
        row('values above least', ({ values }) => values),
      ],
      { align: ['left', 'right', 'left', 'right'], indent: 4 },
    ),
  )
}
