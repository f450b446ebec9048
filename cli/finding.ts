/** From a raw finding to what a person is shown: recorded, shrunk, written, grouped and explained. */
import { join } from 'node:path'
import type { SwarmOptions, Violation } from '../sim/index.js'
import type { Sizes } from '../sim/shrink/index.js'
import type { Trace } from '../sim/trace/index.js'
import { Exit, UsageError } from './errors.js'
import type { RawFinding } from './hunt-order.js'
import type { Interrupt } from './interrupt.js'
import type { LoadedSystem } from './load-system.js'
import { kindWords, saySetup, shellWord } from './report.js'
import { type Shrinking, sayShrinking, shrinkTrace } from './shrinking.js'
import { causeOfTrace, sayStory } from './story.js'
import { type Progress, type Terminal, plural, wrap } from './terminal.js'
import { traceFileName, traceOf, writeTrace } from './trace-file.js'

export interface Finding {
  readonly system: LoadedSystem
  readonly violation: Violation
  readonly seed: number
  readonly run: number
  /** Equal for findings of one cause. */
  readonly cause: string
  /** Runs that ended in a violation of this property. */
  readonly count: number
  /** Actions before shrinking. */
  readonly found: number
  readonly shrinking: Shrinking | undefined
  /** Undefined when the run could not be repeated; `why` says so. */
  readonly trace: Trace | undefined
  readonly path: string | undefined
  readonly why: string | undefined
}

export interface WorkUp {
  readonly system: LoadedSystem
  readonly swarm: SwarmOptions
  /** Seconds for shrinking each; undefined: not at all. */
  readonly shrinkSeconds: number | undefined
  /** Folder for traces. */
  readonly out: string
  /**
   * Violations by kind and name, for a hunt that kept going. Undefined: only the findings count that are worked up, for
   * how many more a hunt meets before it ends is a matter of how fast its threads are.
   */
  readonly counts: Readonly<Record<string, number>> | undefined
  readonly interrupt: Interrupt
  readonly progress: Progress
}

/** Findings of one property that are shrunk to see whether they have one cause. */
const examplesOfOne = 3

/**
 * Works up the shortest findings of each property, and shows of each cause one. What remains is ordered by how many runs
 * it was in.
 */
export async function workUp(raw: readonly RawFinding[], options: WorkUp): Promise<Finding[]> {
  const byProperty = new Map<string, RawFinding[]>()
  for (const finding of raw) {
    const key = propertyKey(finding.violation)
    byProperty.set(key, [...(byProperty.get(key) ?? []), finding])
  }
  const findings: Finding[] = []
  for (const [key, all] of byProperty) {
    all.sort((a, b) => a.sites.length - b.sites.length)
    const bySeed = all.filter(({ seed }, i) => all.findIndex((other) => other.seed === seed) === i)
    const causes = new Set<string>()
    for (const finding of bySeed.slice(0, examplesOfOne)) {
      if (causes.size > 0 && options.interrupt.stopped) break
      const worked = await workUpOne(finding, options.counts?.[key] ?? all.length, options)
      if (causes.has(worked.cause)) continue
      causes.add(worked.cause)
      if (worked.trace !== undefined && worked.path !== undefined) writeTrace(worked.path, worked.trace)
      findings.push(worked)
    }
  }
  options.progress.end()
  return findings.sort((a, b) => b.count - a.count)
}

const propertyKey = ({ kind, name }: Violation): string => `${kind} ${name}`

async function workUpOne(raw: RawFinding, count: number, options: WorkUp): Promise<Finding> {
  const { system, swarm, shrinkSeconds, interrupt, progress } = options
  const { seed, run, violation } = raw
  const common = { system, seed, run, count: Math.max(1, count), found: raw.sites.length }
  let trace: Trace
  try {
    trace = traceOf(system, swarm, raw)
  } catch (error) {
    if (!(error instanceof UsageError) || error.exit !== Exit.diverged) throw error
    // What cannot be repeated is a finding of another kind.
    const hidden: Violation = { kind: 'hidden-state', name: 'hidden-state', reason: error.message }
    return {
      ...common,
      violation: hidden,
      cause: 'not repeatable',
      shrinking: undefined,
      trace: undefined,
      path: undefined,
      why: error.mend,
    }
  }
  const shrinking =
    shrinkSeconds === undefined || interrupt.stopped
      ? undefined
      : await shrinkTrace(system, trace, shrinkSeconds, interrupt, (line) => {
          progress.update(line)
        })
  const kept = shrinking?.trace ?? trace
  const path = join(options.out, traceFileName(kept))
  return {
    ...common,
    violation: kept.violation ?? violation,
    shrinking,
    trace: kept,
    path,
    cause: causeOfTrace(system, kept),
    why: undefined,
  }
}

/** How often a table shows the last steps of a finding. */
export const usualLast = 24

export function sayFinding(terminal: Terminal, finding: Finding, last = usualLast): void {
  const { say, colours, width } = terminal
  const { system, violation, trace, shrinking, path, seed, run, count } = finding
  const times = count > 1 ? `, in ${plural(count, 'run')}` : ''
  say()
  say(
    `${colours.red('✗')} ${colours.bold(colours.red(violation.name))}  ${colours.dim(`(${kindWords[violation.kind]}, seed ${String(seed)}, run ${String(run)}${times})`)}`,
  )
  if (trace === undefined || path === undefined) {
    say(wrap(violation.reason, width, 2))
    say(wrap(`Mend: ${finding.why ?? ''}`, width, 2))
    return
  }
  if (count > 1) say(colours.dim(wrap(`Cause: ${finding.cause}`, width, 2, 4)))
  if (shrinking !== undefined) sayShrinking(terminal, shrinking, system.definition.nodes.noun)
  say()
  saySetup(terminal, trace)
  say()
  sayStory(terminal, system, trace, last)
  say()
  say(`  Trace:  ${path}`)
  say(`  Replay: ${colours.cyan(replayCommand(path))}`)
  say(`  View:   ${colours.cyan(viewCommand(path))}`)
}

export const replayCommand = (path: string): string => `npx aviary replay ${shellWord(path)}`
/** Opens a trace in the browser, at the step that fails. */
export const viewCommand = (path: string): string => `npx aviary view ${shellWord(path)}`

export interface FindingJson {
  readonly name: string
  readonly kind: Violation['kind']
  readonly reason: string
  /** Actions of the trace. */
  readonly steps: number
  /** Path of the trace file. */
  readonly trace: string | null
  readonly replay: string | null
  readonly seed: number
  readonly run: number
  readonly count: number
  readonly cause: string
  /** Actions before shrinking. */
  readonly stepsFound: number
  readonly sizes: { readonly before: Sizes; readonly after: Sizes } | null
}

export function findingJson({
  violation,
  trace,
  path,
  seed,
  run,
  count,
  cause,
  found,
  shrinking,
}: Finding): FindingJson {
  return {
    name: violation.name,
    kind: violation.kind,
    reason: violation.reason,
    steps: trace?.actions.length ?? found,
    trace: path ?? null,
    replay: path === undefined ? null : replayCommand(path),
    seed,
    run,
    count,
    cause,
    stepsFound: found,
    sizes: shrinking?.outcome === 'shrunk' ? { before: shrinking.before, after: shrinking.after } : null,
  }
}
