/**
 * A scenario: bounds on what the environment does and on which schedules are looked at, beyond the setup. They are part
 * of the model that a search is exhaustive for, as the budgets of faults are, and are printed with every result. A
 * schedule of a scenario is a schedule of the system, so what is found is real; what is not within the scenario is not
 * looked at.
 */
import { type Limits, isOfSite } from '../sim/world/limits.js'
import type { Ceilings } from './ceilings.js'
import type { Patience, PromptKind } from './urgency.js'

export interface Scenario {
  /** How often timers fire and clients ask again, at most (see `limits.ts`). */
  readonly limits?: Limits | undefined
  /** Greatest values of fields; a step that would go beyond is not part of the model (see `ceilings.ts`). */
  readonly ceilings?: Ceilings | undefined
  /** Kinds of steps that happen as soon as they can (see `urgency.ts`). */
  readonly prompt?: readonly PromptKind[] | undefined
  /** When timers fire: at any time, when NICs, memory and disks are at rest, or when nothing else can happen. */
  readonly timers?: Patience | undefined
}

/** Sites that are named in a sentence, at most. */
const mostNamed = 4

/** What a scenario leaves out, in sentences. */
export function sentencesOf({ limits, ceilings, prompt, timers }: Scenario): string[] {
  const sentences: string[] = []
  const limited = Object.entries(limits ?? {})
  const absent = limited.flatMap(([name, count]) => (count === 0 && isOfSite(name) ? [name] : []))
  const counted = limited.filter(([name]) => !absent.includes(name))
  if (absent.length > 0)
    sentences.push(
      `${String(absent.length)} sites never act, ${absent.slice(0, mostNamed).join(', ')}${absent.length > mostNamed ? ' and others' : ''}.`,
    )
  if (counted.length > 0)
    sentences.push(
      `These happen at most so often, in all nodes together or at the node named: ${counted.map(([name, count]) => `${name} ${String(count)}`).join(', ')}.`,
    )
  const capped = Object.entries(ceilings ?? {})
  if (capped.length > 0)
    sentences.push(
      `Steps after which a node has more than this are left out: ${capped.map(([name, most]) => `${name} ${String(most)}`).join(', ')}.`,
    )
  if (prompt !== undefined && prompt.length > 0)
    sentences.push(`As soon as it can happen, and before anything else, happens: ${prompt.join(', ')}.`)
  if (timers === 'at-rest')
    sentences.push('Timers fire, and clients ask again, only while NICs, memory and disks are at rest.')
  if (timers === 'quiescent')
    sentences.push('Timers fire, and clients ask again, only when nothing else but faults can happen.')
  return sentences
}
