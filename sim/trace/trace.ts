/**
 * A trace is a schedule: the system, its setup and the list of actions, with a fingerprint of the state every so often.
 * Everything else is recomputed by running it.
 *
 * Contract. Sites are stored by name, subjects by their stable numbers, so a trace outlives a change of code (see
 * replay.ts and guided.ts). Idle steps are not in it. A trace without fingerprints is a trace too: one that was cut or
 * written by hand; its replay checks that each action is possible and that the verdict is the same.
 */
import { type SystemDefinition, fingerprintOf } from '../../protocol/index.js'
import type { ActionLog } from '../run/action-log.js'
import type { Violation } from '../run/judge.js'
import { Run } from '../run/run.js'
import type { Setup } from '../run/setup.js'
import { Outcome, type Site } from '../world/site.js'
import type { World } from '../world/world.js'
import { TraceError } from './errors.js'
import { type FingerprintPoints, defaultFingerprintEvery, noPoints } from './fingerprints.js'
import { RunRecorder } from './recorder.js'

export const traceFormatVersion = 2
/** What Aviary is called in the traces that it writes, when the caller says nothing else. */
const traceWriter = 'aviary'

export interface TracedPart {
  readonly name: string
  /** `fingerprintOf` its layout. */
  readonly layout: number
  readonly sizeBytes: number
}

export interface TraceHeader {
  readonly formatVersion: number
  readonly createdBy: string
  /** Name of the system. */
  readonly system: string
  /** Where the user said that the system is, if it is not one of Aviary's. Never opened by whoever reads a trace. */
  readonly modulePath?: string | undefined
  readonly setup: Setup
  /** Where the schedule comes from: seed, scheduler, its settings. Free form, for people and for running it again. */
  readonly provenance: Readonly<Record<string, string | number>>
  /** The caller's fingerprint of the code, or ''. */
  readonly codeFingerprint: string
  readonly fingerprintEvery: number
  /** Names of all sites; an action's site is an index into them. */
  readonly sites: readonly string[]
  readonly parts: readonly TracedPart[]
}

export interface TracedViolation extends Violation {
  /** How many actions had been taken when it was found: 0 before the first, n after action n - 1. */
  readonly at: number
}

export interface Trace extends FingerprintPoints {
  readonly header: TraceHeader
  readonly actions: ActionLog
  readonly violation?: TracedViolation | undefined
  /** All bytes of the last state, which let a replay that ends otherwise name the fields. */
  readonly image?: Uint8Array | undefined
}

/** What a caller says about a trace. */
export interface About {
  readonly provenance: Readonly<Record<string, string | number>>
  readonly codeFingerprint?: string | undefined
  readonly modulePath?: string | undefined
  readonly createdBy?: string | undefined
  /** See {@link defaultFingerprintEvery}; with 1 a replay names the very step that diverges, at some 10 bytes an action. */
  readonly fingerprintEvery?: number | undefined
  /** Whether the last state is stored in full; true unless said otherwise. */
  readonly image?: boolean | undefined
}

/**
 * The trace of a run. With the recorder that was attached to it nothing is executed again; without one the run's actions are
 * executed once more. Finishes the run: the history of its clients is judged.
 */
export function recordTrace(run: Run, about: About, log?: RunRecorder): Trace {
  run.finish()
  const { world } = run
  const every = log?.every ?? about.fingerprintEvery ?? defaultFingerprintEvery(world)
  const header = headerOf(run, about, every)
  const measured =
    log === undefined ? measure(run, header.fingerprintEvery) : { points: log.finish(), at: log.violationAt }
  return {
    header,
    actions: run.log.slice(),
    ...measured.points,
    ...(run.violation === undefined
      ? {}
      : { violation: { ...run.violation, at: measured.at < 0 ? run.log.length : measured.at } }),
    ...(about.image === false ? {} : { image: world.memory.bytes.slice() }),
  }
}

/** The same story with its fingerprints and its verdict computed anew, as after a cut. Throws when it cannot be followed. */
export function retrace(
  definition: SystemDefinition,
  trace: Trace,
  actions: ActionLog = trace.actions,
): Trace {
  const { header } = trace
  const run = new Run(definition, header.setup)
  const log = new RunRecorder(run, header.fingerprintEvery)
  const sites = sitesByName(run.world, header.sites)
  for (let i = 0; i < actions.length; i++) {
    const site = actions.site(i)
    follow(run, sites[site] ?? -1, header.sites[site] ?? '?', actions.subject(i), i)
  }
  return recordTrace(run, { ...header, image: trace.image !== undefined }, log)
}

function headerOf(run: Run, about: About, fingerprintEvery: number): TraceHeader {
  const sites = run.world.sites.map((site) => site.name)
  const seen = new Set<string>()
  const twice = sites.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined)
    throw new TraceError(
      'invalid',
      'header.sites',
      `two sites are called "${twice}"`,
      'Give the timers and inputs of a core different names.',
    )
  return {
    formatVersion: traceFormatVersion,
    createdBy: about.createdBy ?? traceWriter,
    system: run.definition.name,
    ...(about.modulePath === undefined ? {} : { modulePath: about.modulePath }),
    setup: run.setup,
    provenance: about.provenance,
    codeFingerprint: about.codeFingerprint ?? '',
    fingerprintEvery,
    sites,
    parts: partsOf(run.world),
  }
}

export function partsOf(world: World): readonly TracedPart[] {
  const known = new Map<unknown, number>()
  return world.memory.parts.map(({ name, layout, sizeBytes }) => {
    const fingerprint = known.get(layout) ?? fingerprintOf(layout)
    known.set(layout, fingerprint)
    return { name, layout: fingerprint, sizeBytes }
  })
}

function measure(run: Run, every: number): { points: FingerprintPoints; at: number } {
  const again = new Run(run.definition, run.setup)
  const log = new RunRecorder(again, every)
  for (let i = 0; i < run.log.length; i++) {
    const site = run.log.site(i)
    follow(again, site, run.world.sites[site]!.name, run.log.subject(i), i)
  }
  return { points: log.finish(), at: log.violationAt }
}

/** Takes an action that must be possible. */
function follow(run: Run, site: number, name: string, subject: number, index: number): void {
  const choice = site < 0 ? -1 : armedChoice(run.world.sites[site]!, subject)
  const outcome = choice < 0 ? undefined : run.take(site, choice)
  if (outcome === Outcome.moved) return
  const what = outcome === undefined ? 'is not possible' : 'changes nothing'
  throw new TraceError(
    'unplayable',
    `action ${String(index)}`,
    `${name} ${String(subject)} ${what} when the actions before it are executed again`,
    'Either the actions were cut or changed, or the system is not deterministic: run the determinism detective on it.',
  )
}

/** Where each named site is in a world, -1 where it has none of that name. */
export function sitesByName(world: World, names: readonly string[]): Int32Array {
  const known = new Map(world.sites.map((site) => [site.name, site.index]))
  return Int32Array.from(names, (name) => known.get(name) ?? -1)
}

/** The choice with this subject when it is possible now, or -1. `calm` is always possible for whoever names it. */
export function armedChoice(site: Site, subject: number): number {
  const choice = site.find(subject)
  if (site.kind === 'calm') return choice
  return choice >= 0 && choice < site.armed() ? choice : -1
}

/** A trace of actions that nobody has run yet. */
export function bareTrace(header: TraceHeader, actions: ActionLog): Trace {
  return { header, actions, ...noPoints }
}
