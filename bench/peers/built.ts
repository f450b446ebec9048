/** What `bench/peers/build.mjs` has built, and why not the rest. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const builtPeer = z.union([
  z.object({ version: z.string(), program: z.string() }),
  z.object({ reason: z.string() }),
])
const builtFile = z.record(z.string(), builtPeer)

/** The program of a peer, or the reason why there is none. `cache` is where the script puts what it builds. */
export function findPeer(cache: string, name: string): z.infer<typeof builtPeer> {
  const file = join(cache, 'built.json')
  const built = existsSync(file) ? builtFile.parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
  const peer = built[name] ?? { reason: `it has not been built: node bench/peers/build.mjs ${name}` }
  if ('reason' in peer || !peer.program.includes('/') || existsSync(peer.program)) return peer
  return { reason: `${peer.program} is gone: build again` }
}
