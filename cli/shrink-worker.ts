/** The thread that shrinks one trace. See shrinking.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import type { SystemDefinition } from '../protocol/index.js'
import { type NamedAction, type Outcome, Run, type Violation } from '../sim/index.js'
import { type EndJudge, type Shrunk, namesOf, shrink } from '../sim/shrink/index.js'
import { RunRecorder, decodeTrace, encodeTrace, fingerprintEvery, recordTrace } from '../sim/trace/index.js'
import { armedChoice } from '../sim/trace/trace.js'
import { messageOf } from './error-place.js'
import { type Stepper, endFaults, mustServe, runToGoal } from './healing.js'
import type { ShrinkOrder, ShrinkReport } from './shrink-order.js'
import { openSystem } from './system-source.js'

const progressMillis = 200
/** Actions that a healed system gets to reach its goal: in the trace, and in the many trials before. */
const livenessActions = 200_000
const rehearsalActions = 10_000

async function work(order: ShrinkOrder, send: (report: ShrinkReport) => void): Promise<ShrinkReport> {
  const definition = await openSystem(order.source)
  const trace = decodeTrace(order.trace)
  const { header, violation } = trace
  if (violation === undefined) return { kind: 'kept', why: 'it violates nothing' }
  const stop = new Int32Array(order.stop)
  let looks = 0
  let told = performance.now()
  const shouldStop = (): boolean => {
    looks++
    const now = performance.now()
    if (now - told > progressMillis) {
      told = now
      send({ kind: 'progress', looks })
    }
    return Atomics.load(stop, 0) === 1 || Date.now() >= order.endMillis
  }
  const { world } = new Run(definition, header.setup)
  const names = namesOf(world, trace.actions)
  const attempts = violation.kind === 'liveness' ? livenessAttempts(names) : [{ names, end: undefined }]
  let why = 'the shrinker could not reproduce it'
  for (const { names: story, end } of attempts) {
    const judgeEnd = end === undefined ? undefined : endJudge(violation, end)
    const shrunk = shrink(definition, header.setup, story, violation, { shouldStop, judgeEnd })
    if (!shrunk.reproduced) continue
    const { run, recorder } = playAgain(definition, shrunk)
    if (run === undefined) continue
    if (end !== undefined && !reachesGoal(run, end, livenessActions)) run.violation ??= violation
    const provenance = { ...header.provenance, shrunkFrom: trace.actions.length }
    const smaller = recordTrace(run, { ...header, provenance }, recorder)
    if (smaller.violation?.kind === violation.kind && smaller.violation.name === violation.name)
      return {
        kind: 'shrunk',
        trace: encodeTrace(smaller),
        before: shrunk.sizesBefore,
        after: shrunk.sizesAfter,
        finished: !shouldStop(),
      }
    why = `the shrunk run ends in ${smaller.violation?.name ?? 'no violation'}`
  }
  return { kind: 'kept', why }
}

/** The shrunk schedule as a run of its own; undefined when an action is not possible. */
function playAgain(
  definition: SystemDefinition,
  { setup, actions }: Shrunk,
): { readonly run: Run | undefined; readonly recorder: RunRecorder } {
  const run = new Run(definition, setup)
  const recorder = new RunRecorder(run, fingerprintEvery(actions.length))
  for (const { site: name, subject } of actions) {
    const site = run.world.siteNamed(name)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0) return { run: undefined, recorder }
    run.take(site.index, choice)
  }
  return { run, recorder }
}

// ---- liveness

/** What follows a schedule: whether nodes that are down stay down, and how many actions the goal may take. */
interface End {
  readonly stayDown: boolean
  readonly actions: number
}

/**
 * Of a liveness violation the part before the faults end is shrunk; what comes after follows from it. A short wait in
 * the many trials is tried first; a protocol that is only slow passes it and is found out by the whole one.
 */
function livenessAttempts(names: readonly NamedAction[]): { names: readonly NamedAction[]; end: End }[] {
  const calm = names.findIndex(({ site }) => site === 'calm')
  const story = calm < 0 ? names : names.slice(0, calm)
  return [rehearsalActions, livenessActions].flatMap((actions) =>
    [false, true].map((stayDown) => ({ names: story, end: { stayDown, actions } })),
  )
}

const endJudge =
  (violation: Violation, end: End): EndJudge =>
  (world, judge) => {
    const take = (site: number, choice: number): Outcome => world.step(site, choice)
    const isReached = healAndWait({ world, judge, take, mustStop: () => world.failure !== undefined }, end)
    return isReached || !mustServe(world) || world.failure !== undefined ? undefined : violation
  }

function reachesGoal(run: Run, end: End, actions: number): boolean {
  const { world, judge } = run
  const take = (site: number, choice: number): Outcome => run.take(site, choice)
  return healAndWait({ world, judge, take, mustStop: () => run.violation !== undefined }, { ...end, actions })
}

function healAndWait(stepper: Stepper, { stayDown, actions }: End): boolean {
  endFaults(stepper, stayDown)
  return runToGoal(stepper, actions)
}

const port = parentPort
if (port === null) throw new Error('shrink-worker.js is started as a worker thread')
const send = (report: ShrinkReport): void => {
  port.postMessage(report)
}
try {
  send(await work(workerData as ShrinkOrder, send))
} catch (error) {
  send({ kind: 'kept', why: messageOf(error) })
}
