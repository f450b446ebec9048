import { readFileSync } from 'node:fs'
import { systems } from '../../protocol/index.js'
import { localClient } from '../../viz/session/local-client.js'
import type { BranchId, Opened, SessionClient } from '../../viz/session/protocol.js'

/** A session in this thread that knows the systems of Aviary. */
export const sessionOf = (): SessionClient =>
  localClient(systems.map((definition) => ({ definition, origin: 'built-in' })))

export const traceBytes = (variant: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../apus/traces/${variant}.aviary`, import.meta.url)))

export const openTraced = (session: SessionClient, variant: string): Promise<Opened> =>
  session.call('open', { bytes: traceBytes(variant), name: variant })

/** Resolves when all of a branch is indexed. */
export async function indexed(session: SessionClient, branch: BranchId): Promise<void> {
  const isKnown = async (): Promise<boolean> => {
    const info = (await session.call('branches', {})).find((each) => each.branch === branch)!
    return info.known === info.length
  }
  while (!(await isKnown())) await new Promise((resolve) => setTimeout(resolve, 5))
}
