/** The rules of the fabric as booleans, looked up once: true where the world follows the rule book. */
import { type Knobs, type Rule, ruleNames } from '../../../protocol/index.js'

export type Rules = Readonly<Record<Rule, boolean>>

export function rulesOf(knobs: Knobs): Rules {
  const rules = Object.fromEntries(ruleNames.map((rule) => [rule, !knobs.broken.includes(rule)])) as Record<
    Rule,
    boolean
  >
  if (knobs.visibility === 'before-acknowledgement') rules['lagging-visibility'] = false
  return rules
}
