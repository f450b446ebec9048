/**
 * The determinism detective: two worlds, built independently, take the same steps side by side, and all their bytes are
 * compared after each.
 *
 * Contract. Names the first step after which they differ, the part and the field with both values; or says that there
 * is none. The second world runs every handler twice (`selfTest`). Before each step the scratch memories of both are
 * filled with different patterns, so that a core that reads what it was not given is told, too. With `other`, the second
 * world runs another version of the system: then it names where a change of code first shows.
 *
 * What it can see: state outside the bytes that differs between two instances or two executions (module variables,
 * clocks, randomness, caches), hidden state of one core (by `selfTest`), reads of stale scratch, and, where a schedule
 * is made by a run of its own, idle steps of that run that were not without effect. What it cannot see: a choice that
 * every execution in this process makes alike but another machine does not.
 */
import type { Decoded, Difference, SystemDefinition } from '../../protocol/index.js'
import { diff } from '../../protocol/index.js'
import type { ActionLog } from '../run/action-log.js'
import { Run } from '../run/run.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import { armedChoice, sitesByName } from './trace.js'

export interface Investigation {
  readonly definition: SystemDefinition
  readonly setup: Setup
  /** The actions, by site and subject, or what makes them: a scheduler that drives a run. */
  readonly schedule: ActionLog | ((run: Run) => void)
  /** Another version of the system for the second world. */
  readonly other?: SystemDefinition | undefined
  /** Runs each handler of the second world twice; true unless said otherwise. */
  readonly selfTest?: boolean | undefined
}

export type DetectiveFinding =
  | { readonly verdict: 'deterministic'; readonly steps: number; readonly message: string }
  | {
      readonly verdict: 'different'
      /** The step after which they differ: -1 before the first. */
      readonly step: number
      readonly action: string
      readonly what:
        | {
            readonly kind: 'field'
            readonly part: string
            readonly field: string
            readonly first: Decoded
            readonly second: Decoded
          }
        /** Bytes that no field names (padding). */
        | {
            readonly kind: 'byte'
            readonly part: string
            readonly offset: number
            readonly first: number
            readonly second: number
          }
        /**
         * One can take the step and the other cannot, or only one of them moved or failed. When neither can take it, the
         * run that made the schedule got there by more than its bytes and recorded actions: by an idle step with an effect.
         */
        | { readonly kind: 'outcome'; readonly first: string; readonly second: string }
        | { readonly kind: 'layout'; readonly part: string }
      /** All fields that differ, at most twenty. */
      readonly differences: readonly (Difference & { readonly part: string })[]
      readonly message: string
    }

type Different = Extract<DetectiveFinding, { verdict: 'different' }>

export function investigate(investigation: Investigation): DetectiveFinding {
  const { definition, setup, schedule } = investigation
  const driven = typeof schedule === 'function' ? new Run(definition, setup) : undefined
  if (driven !== undefined && typeof schedule === 'function') schedule(driven)
  const log = driven?.log ?? (schedule as ActionLog)
  const first = buildWorld(definition, setup)
  const second = buildWorld(investigation.other ?? definition, setup, investigation.selfTest ?? true)
  const stranger = layoutDifference(first, second)
  if (stranger !== undefined) return different(-1, 'the first step', { kind: 'layout', part: stranger }, [])
  const atStart = compare(first, second, -1, 'the start of the cores')
  if (atStart !== undefined) return atStart
  const sites = sitesByName(
    second,
    first.sites.map((site) => site.name),
  )
  for (let step = 0; step < log.length; step++) {
    const site = first.sites[log.site(step)]!
    const subject = log.subject(step)
    const twin = second.sites[sites[site.index]!]
    const a = armedChoice(site, subject)
    const b = twin === undefined ? -1 : armedChoice(twin, subject)
    const action = `${site.name} ${String(subject)}`
    if (a < 0 || b < 0 || twin === undefined) {
      const words = (choice: number): string => (choice < 0 ? notPossible : 'possible')
      return different(step, action, { kind: 'outcome', first: words(a), second: words(b) }, [])
    }
    poison(first, 0x11)
    poison(second, 0xee)
    const firstOutcome = first.step(site.index, a)
    const secondOutcome = second.step(twin.index, b)
    const found = compare(first, second, step, action)
    if (found !== undefined) return found
    const firstEnd = ending(first, firstOutcome)
    const secondEnd = ending(second, secondOutcome)
    if (firstEnd !== secondEnd)
      return different(step, action, { kind: 'outcome', first: firstEnd, second: secondEnd }, [])
  }
  if (driven !== undefined) {
    const found = compare(
      driven.world,
      first,
      log.length - 1,
      'the whole run (first: as it was made, second: executed again)',
    )
    if (found !== undefined) return found
  }
  return {
    verdict: 'deterministic',
    steps: log.length,
    message: `Deterministic in ${String(log.length)} steps.`,
  }
}

const notPossible = 'not possible'
const outcomeNames = Object.keys(Outcome)
const ending = (world: World, outcome: Outcome): string =>
  world.failure === undefined ? outcomeNames[outcome]! : `${world.failure.kind}: ${world.failure.message}`

/** Fills what a handler must not rely on. */
function poison(world: World, pattern: number): void {
  for (const node of world.nodes) {
    node.inputBytes.fill(pattern)
    node.outputBytes.fill(pattern)
  }
}

function layoutDifference(first: World, second: World): string | undefined {
  const a = first.memory.parts
  const b = second.memory.parts
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i]?.name !== b[i]?.name || a[i]?.sizeBytes !== b[i]?.sizeBytes) return (a[i] ?? b[i])!.name
  return undefined
}

const mostDifferences = 20

function compare(first: World, second: World, step: number, action: string): Different | undefined {
  const a = first.memory.words
  const b = second.memory.words
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  if (at === a.length) return undefined
  const differences: (Difference & { part: string })[] = []
  for (const part of first.memory.parts) {
    if (differences.length >= mostDifferences) break
    for (const field of diff(part.layout, first.memory.view, part.offset, second.memory.view, part.offset))
      differences.push({ part: part.name, ...field })
  }
  const [field] = differences
  if (field !== undefined)
    return different(
      step,
      action,
      { kind: 'field', part: field.part, field: field.path, first: field.before, second: field.after },
      differences.slice(0, mostDifferences),
    )
  let byte = at * 4
  while (first.memory.bytes[byte] === second.memory.bytes[byte]) byte++
  const part = first.memory.parts.findLast(({ offset }) => offset <= byte)!
  const what = {
    kind: 'byte',
    part: part.name,
    offset: byte - part.offset,
    first: first.memory.bytes[byte]!,
    second: second.memory.bytes[byte]!,
  } as const
  return different(step, action, what, [])
}

function different(
  step: number,
  action: string,
  what: Different['what'],
  differences: Different['differences'],
): Different {
  return {
    verdict: 'different',
    step,
    action,
    what,
    differences,
    message: `Step ${String(step)} (${action}): ${words(what)}`,
  }
}

function words(what: Different['what']): string {
  switch (what.kind) {
    case 'field':
      return `${what.part} differs in ${what.field}: ${JSON.stringify(what.first)} in the first execution, ${JSON.stringify(what.second)} in the second.`
    case 'byte':
      return `${what.part} differs in byte ${String(what.offset)}, which no field names: ${String(what.first)} in the first execution, ${String(what.second)} in the second.`
    case 'outcome':
      if (what.first === notPossible && what.second === notPossible)
        return 'not possible, though the run that made the schedule took it: one of its idle steps had an effect, or the schedule was changed.'
      return `${what.first} in the first execution, ${what.second} in the second.`
    case 'layout':
      return `${what.part} is not laid out alike in both.`
  }
}
