/** A session as the whole of a web worker. */
import type { RecordingReader } from './recordings.js'
import type { KnownSystem } from './stage.js'
import { serve } from './serve.js'

/** To be called once, by the entry of a worker. */
export function startWorker(systems: readonly KnownSystem[], recordings: RecordingReader): void {
  const scope = self as unknown as DedicatedWorkerGlobalScope
  const channel = new MessageChannel()
  const waiting: (() => void)[] = []
  channel.port1.onmessage = () => waiting.shift()?.()
  const server = serve(systems, recordings, {
    now: () => performance.now(),
    // Timers of a worker wait 4 ms; a message to oneself comes at once, behind those that are there already.
    soon: (work) => {
      waiting.push(work)
      channel.port2.postMessage(undefined)
    },
    send: (reply, transfer) => {
      scope.postMessage(reply, transfer)
    },
  })
  scope.onmessage = ({ data }: MessageEvent<unknown>) => {
    server.receive(data)
  }
}
