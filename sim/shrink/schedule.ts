/** Schedules as the minimiser handles them: actions by name, with the words that describe them, and how big they are. */
import type { SystemDefinition } from '../../protocol/index.js'
import type { ActionLog, NamedAction } from '../run/action-log.js'
import type { Setup } from '../run/setup.js'
import { isFaultKind } from '../world/site.js'
import type { World } from '../world/world.js'

/** An action that can be found again in another run, where ordinals have shifted: by what it says before its subject. */
export interface WordedAction extends NamedAction {
  readonly words: string
}

export type Schedule = readonly WordedAction[]

export interface Sizes {
  readonly actions: number
  readonly faults: number
  /** How often the next action happens elsewhere than the one before. */
  readonly contextSwitches: number
  readonly nodes: number
  /** How far all parameters together are from their minimum. */
  readonly values: number
}

/** The actions of a log by the names of the world that it was made in. */
export function namesOf(world: World, log: ActionLog): NamedAction[] {
  return Array.from({ length: log.length }, (_, i) => ({
    site: world.sites[log.site(i)]!.name,
    subject: log.subject(i),
  }))
}

const firstWord = (site: string): string => site.slice(0, (site + ' ').indexOf(' '))

/** The kind of action that a site's name begins with. */
export const isFault = (action: NamedAction): boolean => isFaultKind(firstWord(action.site))
export const kindOf = (action: NamedAction): string => firstWord(action.site)

/** Where an action happens: the node or client that its site's name ends with. */
export function placeOf(action: NamedAction): string {
  const place = / (?:[nc]\d+→)?([nc]\d+)(?:#\d+)?(?: |$)/.exec(action.site)
  return place?.[1] ?? 'world'
}

function contextSwitches(actions: readonly NamedAction[]): number {
  let count = 0
  for (let i = 1; i < actions.length; i++) if (placeOf(actions[i]!) !== placeOf(actions[i - 1]!)) count++
  return count
}

export function sizesOf(definition: SystemDefinition, setup: Setup, actions: readonly NamedAction[]): Sizes {
  let values = 0
  for (const [name, parameter] of Object.entries(definition.parameters))
    values += (setup.parameters[name] ?? parameter.default) - parameter.minimum
  return {
    actions: actions.length,
    faults: actions.filter(isFault).length,
    contextSwitches: contextSwitches(actions),
    nodes: setup.nodes,
    values,
  }
}

/** Costs of faults that can stand for each other, for telling the simpler one; others cost nothing. */
const severity: Readonly<Partial<Record<string, number>>> = {
  pause: 1,
  resume: 1,
  crash: 2,
  restart: 2,
  wipe: 3,
}
const severityOf = (actions: Schedule): number =>
  actions.reduce((sum, action) => sum + (severity[kindOf(action)] ?? 0), 0)

/** Whether a schedule is simpler than another one: fewer actions, then fewer and milder faults, then fewer switches. */
export function isSimpler(a: Schedule, b: Schedule): boolean {
  if (a.length !== b.length) return a.length < b.length
  const faults = a.filter(isFault).length - b.filter(isFault).length
  if (faults !== 0) return faults < 0
  const harm = severityOf(a) - severityOf(b)
  if (harm !== 0) return harm < 0
  return contextSwitches(a) < contextSwitches(b)
}
