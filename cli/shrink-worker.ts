/** The thread that shrinks one trace. See shrinking.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Outcome, Run, type Violation } from '../sim/index.js'
import { type EndJudge, type Shrunk, namesOf, shrink } from '../sim/shrink/index.js'
import { RunRecorder, decodeTrace, encodeTrace, recordTrace } from '../sim/trace/index.js'
import { armedChoice } from '../sim/trace/trace.js'
import { messageOf } from './error-place.js'
import { type Stepper, endFaults, mustServe, runToGoal } from './healing.js'
import type { ShrinkOrder, ShrinkReport } from './shrink-order.js'
import { openSystem } from './system-source.js'
import { fingerprintEvery } from './trace-file.js'

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
  const recorded = new Run(definition, header.setup)
  const names = namesOf(recorded.world, trace.actions)
  // Of a liveness violation the part before the faults end is shrunk; what comes after follows from it.
  const isLiveness = violation.kind === 'liveness'
  const calm = names.findIndex(({ site }) => site === 'calm')
  const story = isLiveness && calm >= 0 ? names.slice(0, calm) : names
  let shrunk: Shrunk | undefined
  let stayDown = false
  for (stayDown of isLiveness ? [false, true] : [false]) {
    const judgeEnd = isLiveness ? endJudge(violation, stayDown) : undefined
    shrunk = shrink(definition, header.setup, story, violation, { shouldStop, judgeEnd })
    if (shrunk.reproduced) break
  }
  if (shrunk?.reproduced !== true) return { kind: 'kept', why: 'the shrinker could not reproduce it' }
  const run = new Run(definition, shrunk.setup)
  const log = new RunRecorder(run, fingerprintEvery(shrunk.actions.length))
  for (const { site: name, subject } of shrunk.actions) {
    const site = run.world.siteNamed(name)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0)
      return { kind: 'kept', why: `${name} is not possible in the shrunk run` }
    run.take(site.index, choice)
  }
  if (isLiveness) {
    const { world, judge } = run
    const take = (site: number, choice: number): Outcome => run.take(site, choice)
    const stepper: Stepper = { world, judge, take, mustStop: () => run.violation !== undefined }
    endFaults(stepper, stayDown)
    if (!runToGoal(stepper, livenessActions)) run.violation ??= violation
  }
  const provenance = { ...header.provenance, shrunkFrom: trace.actions.length }
  const smaller = recordTrace(run, { ...header, provenance }, log)
  if (smaller.violation?.kind !== violation.kind || smaller.violation.name !== violation.name)
    return { kind: 'kept', why: `the shrunk run ends in ${smaller.violation?.name ?? 'no violation'}` }
  return {
    kind: 'shrunk',
    trace: encodeTrace(smaller),
    before: shrunk.sizesBefore,
    after: shrunk.sizesAfter,
    plays: shrunk.plays,
    finished: !shouldStop(),
  }
}

/** Whether the system, once the faults have ended, still does not reach its goal. */
function endJudge(violation: Violation, stayDown: boolean): EndJudge {
  return (world, judge) => {
    const take = (site: number, choice: number): Outcome => world.step(site, choice)
    const stepper: Stepper = { world, judge, take, mustStop: () => world.failure !== undefined }
    endFaults(stepper, stayDown)
    if (!mustServe(world) || runToGoal(stepper, rehearsalActions)) return undefined
    return world.failure === undefined ? violation : undefined
  }
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
