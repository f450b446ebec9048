/**
 * Which findings are one. Minimised schedules of the same mistake differ in node numbers, values and lengths; what stays
 * is the property that broke, the faults that it took, and what kinds of things happened.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import type { Violation } from '../run/judge.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { isFaultKind } from '../world/site.js'

/** A key that is equal for findings of one cause. It can be read: it names what it was made of. */
export function causeOf(
  definition: SystemDefinition,
  setup: Setup,
  minimised: readonly NamedAction[],
  violation: Violation,
): string {
  const world = buildWorld(definition, setup)
  const faults = new Map<string, number>()
  const steps = new Set<string>()
  let lastStep = 'nothing'
  for (const action of minimised) {
    const site = world.siteNamed(action.site)
    const choice = site?.find(action.subject) ?? -1
    if (site === undefined || choice < 0) continue
    lastStep = `${site.kind} ${firstWord(site.describe(choice))}`.trimEnd()
    if (isFaultKind(site.kind)) faults.set(site.kind, (faults.get(site.kind) ?? 0) + 1)
    else steps.add(site.kind)
    world.step(site.index, choice)
  }
  const counted = [...faults].sort().map(([kind, count]) => `${String(count)} ${kind}`)
  return [
    `${violation.kind} ${violation.name}`,
    counted.length === 0 ? 'no faults' : counted.join(', '),
    [...steps].sort().join(', '),
    `at last ${lastStep}`,
  ].join('; ')
}

const firstWord = (words: string): string => /^[a-zA-Z]+/.exec(words)?.[0] ?? ''
