/**
 * Who goes first: declared restrictions of the schedules that a search looks at. They are bounds, not reductions: what
 * only happens when a completion waits while something else goes on is not looked at when completions are prompt.
 *
 * `prompt`: as soon as one of these can change something, nothing else happens; of several the first in the list of
 * sites. `patient`: timers, and clients that ask again or give up, wait until nothing else but faults can change
 * anything.
 */
import { type ActionKind, type Site, isFaultKind } from '../sim/world/site.js'

export type Patience = 'eager' | 'at-rest' | 'quiescent'

/** In the order in which the step tables look at sites. */
export const Urgency = { prompt: 0, ordinary: 1, free: 2, patient: 3 } as const
export type Urgency = (typeof Urgency)[keyof typeof Urgency]

const patientKinds: readonly ActionKind[] = ['timer', 'tick', 'retry', 'abandon']
/** Messages, requests and replies take their time. */
const wireKinds: readonly ActionKind[] = ['deliver', 'invoke', 'request', 'reply']
/** Kinds that may be declared prompt: whether they can act does not depend on messages, timers or limits. */
export const promptKinds = ['complete', 'control', 'arrive', 'answer', 'observe', 'invoke'] as const
export type PromptKind = (typeof promptKinds)[number]

export function urgencyOf(site: Site, prompt: readonly PromptKind[], timers: Patience): Urgency {
  if ((prompt as readonly ActionKind[]).includes(site.kind)) return Urgency.prompt
  if (timers === 'eager') return Urgency.ordinary
  if (patientKinds.includes(site.kind)) return Urgency.patient
  const isFree = isFaultKind(site.kind) || (timers === 'at-rest' && wireKinds.includes(site.kind))
  return isFree ? Urgency.free : Urgency.ordinary
}
