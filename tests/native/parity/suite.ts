/** Which litmus programs run on which fabric, and what is seen when they do. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { outcomeKey, parseLitmus } from '../../../model-check/litmus/index.js'
import type { LitmusProgram } from '../../../model-check/litmus/program.js'
import { matches } from '../../../model-check/litmus/values.js'
import { type Absent, absent } from './deviations.js'
import { ParityRun, grounds } from './run.js'

export type FabricName = keyof typeof grounds

/** The programs of a folder. */
export function readPrograms(folder: string): LitmusProgram[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.litmus'))
    .map((name) => parseLitmus(name, readFileSync(join(folder, name), 'utf8')))
}

/** What keeps a program from running on a fabric. */
export function missingFor(program: LitmusProgram, fabric: FabricName): Absent | undefined {
  const actions = program.nodes.flatMap(({ threads }) =>
    threads.flatMap(({ operations }) => operations.map(({ action }) => action)),
  )
  const kinds = new Set<string>(actions.map(({ kind }) => kind))
  const faults = new Set<string>([
    ...program.faults.map(({ target }) => target.kind),
    ...actions.flatMap((action) => (action.kind === 'fault' ? [action.fault.kind] : [])),
  ])
  const has = (set: ReadonlySet<string>, ...names: readonly string[]): boolean =>
    names.some((name) => set.has(name))
  const found: Absent | undefined =
    has(kinds, 'append', 'flush', 'truncate', 'recovered') || has(faults, 'wipe')
      ? 'disk'
      : has(kinds, 'clock', 'awaitClock')
        ? 'clock'
        : faults.has('retransmit')
          ? 'retransmission'
          : faults.has('corrupt')
            ? 'corruption'
            : kinds.has('bind')
              ? 'memory windows'
              : program.fabric.completionQueueDepth !== undefined
                ? 'completion overrun'
                : has(faults, 'cut', 'heal', 'sever', 'mend')
                  ? 'link cuts'
                  : undefined
  return found !== undefined && (absent[found].on as readonly FabricName[]).includes(fabric)
    ? found
    : undefined
}

/** Outcomes of so many seeds, each with whether the program allows it; ends early when one is enough. */
export function outcomesOf(
  program: LitmusProgram,
  fabric: FabricName,
  count: number,
  isEnough: (key: string) => boolean = () => false,
): string[] {
  const seen = new Set<string>()
  for (let seed = 0; seed < count; seed++) {
    const outcome = new ParityRun(program, seed, grounds[fabric]).run()
    const isAllowed = program.allowed.some((row) => matches(row, outcome))
    const key = `${isAllowed ? 'allowed' : 'not allowed'}: ${outcomeKey(outcome)}`
    seen.add(key)
    if (isEnough(key)) break
  }
  return [...seen]
}
