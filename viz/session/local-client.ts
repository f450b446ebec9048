/** A session without a worker: for Node, where nobody waits for a picture meanwhile. */
import { clientOver } from './client.js'
import type { SessionClient } from './protocol.js'
import { type RecordingReader, noRecordings } from './recordings.js'
import { serve } from './serve.js'
import type { KnownSystem } from './stage.js'

/** A session in this thread, behind the same messages; each is copied as it would be on its way to a worker. */
export function localClient(
  systems: readonly KnownSystem[],
  recordings: RecordingReader = noRecordings,
): SessionClient {
  const server = serve(systems, recordings, {
    now: () => performance.now(),
    soon: (work) => {
      setTimeout(work, 0)
    },
    send: (reply, transfer) => {
      const copy = structuredClone(reply, { transfer })
      queueMicrotask(() => {
        end.receive(copy)
      })
    },
  })
  const end = clientOver(
    (message) => {
      const copy: unknown = structuredClone(message)
      setTimeout(() => {
        server.receive(copy)
      }, 0)
    },
    () => {
      server.close()
    },
  )
  return end.client
}
