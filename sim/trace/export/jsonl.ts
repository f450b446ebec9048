/**
 * Traces as JSON lines, for scripts: one object an action, one line an object.
 *
 * Contract. Every line has `index`, `site`, `kind`, `node` and `from` (absent where there is none), `subject` and `words`
 * (absent when empty); `nanos` when the caller knows the times. With `changes: 'parts'` also the names of the parts
 * whose bytes changed, with `'fields'` each of their fields with its value before and after. The line of the action
 * after which a violation was first seen has it as `violation`.
 */
import { type Difference, type SystemDefinition, diff } from '../../../protocol/index.js'
import type { Run } from '../../run/run.js'
import type { Trace } from '../trace.js'
import { walk } from '../walk.js'

export interface JsonLinesOptions {
  readonly changes?: 'none' | 'parts' | 'fields' | undefined
  /** Virtual time of an action in nanoseconds, or undefined. */
  readonly nanosOf?: ((index: number) => number | undefined) | undefined
}

/** Lines, each with its newline. */
export function* jsonLines(
  definition: SystemDefinition,
  trace: Trace,
  options: JsonLinesOptions = {},
): Generator<string, void> {
  const { changes = 'none', nanosOf } = options
  let before = new Uint8Array(0)
  let violated = false
  const steps = walk(definition, trace, {
    begin: (run) => {
      violated = run.violation !== undefined
      if (changes !== 'none') before = run.world.memory.bytes.slice()
    },
  })
  for (const { index, site, subject, words, run } of steps) {
    const line = {
      index,
      site: site.name,
      kind: site.kind,
      node: site.node < 0 ? undefined : site.node,
      from: site.from < 0 ? undefined : site.from,
      subject,
      words: words === '' ? undefined : words,
      nanos: nanosOf?.(index),
      changed: changes === 'none' ? undefined : changesOf(run, before, changes === 'fields'),
      violation: violated ? undefined : run.violation,
    }
    violated ||= run.violation !== undefined
    yield `${JSON.stringify(line)}\n`
  }
}

type Change = string | { readonly part: string; readonly fields: readonly Difference[] }

/** What the last step changed; brings `before` up to date. */
function changesOf({ world }: Run, before: Uint8Array, withFields: boolean): Change[] {
  const { bytes, view, parts } = world.memory
  const old = new DataView(before.buffer)
  const found: Change[] = []
  const touched = Array.from({ length: world.touchedCount }, (_, i) => world.touchedPart(i)).sort(
    (a, b) => a - b,
  )
  for (const index of world.failure === undefined ? touched : parts.keys()) {
    const { name, offset, sizeBytes, layout } = parts[index]!
    let changed = false
    for (let at = offset; at < offset + sizeBytes && !changed; at++) changed = bytes[at] !== before[at]
    if (!changed) continue
    found.push(withFields ? { part: name, fields: diff(layout, old, offset, view, offset) } : name)
    before.set(bytes.subarray(offset, offset + sizeBytes), offset)
  }
  return found
}
