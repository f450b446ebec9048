import { readFileSync } from 'node:fs'
import { systems } from '../../protocol/index.js'
import { type NamedAction, Run } from '../../sim/index.js'
import { type Trace, decodeTrace } from '../../sim/trace/index.js'
import { armedChoice } from '../../sim/trace/trace.js'
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

export const tracedAs = (variant: string): Trace => decodeTrace(traceBytes(variant))

/** A run of thousands of actions with everything that may happen in it, as its trace. */
export async function longRun(session: SessionClient): Promise<Uint8Array<ArrayBuffer>> {
  const { branch } = await session.call('open', { fresh: { system: 'apus', seed: 11, actions: 2500 } })
  const { bytes } = await session.call('save', { branch: branch.branch })
  return new Uint8Array(bytes)
}

/** The states of a trace, position by position, from a run that the session has nothing to do with. */
export function statesOf(trace: Trace): {
  readonly run: Run
  readonly states: readonly Uint8Array[]
  readonly actions: NamedAction[]
} {
  const { setup, sites, system } = trace.header
  const run = new Run(
    systems.find(({ name }) => name === system)!,
    setup,
  )
  const states = [run.world.memory.bytes.slice()]
  const actions: NamedAction[] = []
  for (let i = 0; i < trace.actions.length; i++) {
    const action = { site: sites[trace.actions.site(i)]!, subject: trace.actions.subject(i) }
    const site = run.world.siteNamed(action.site)!
    run.take(site.index, armedChoice(site, action.subject))
    states.push(run.world.memory.bytes.slice())
    actions.push(action)
  }
  return { run, states, actions }
}
