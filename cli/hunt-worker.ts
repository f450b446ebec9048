/** A worker thread of a hunt: explores every `stride`-th seed, and reports totals and findings. See hunt.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { type World, buildModel, buildWorld, exploreSeed } from '../sim/index.js'
import { addBatch, kindKeys, noTotals } from './coverage.js'
import { messageOf, placeOf } from './error-place.js'
import { type HuntOrder, type HuntReport, control } from './hunt-order.js'
import { possibleFaults } from './options.js'
import { openSystem } from './system-source.js'

const reportMillis = 150
/** Findings of one property that a worker sends: a few, then those that are shorter than all before. */
const mostExamples = 12
const fewExamples = 3
/** Seeds in which a violation of safety is still looked for after a run that only stalled: it says more. */
const seedsAfterStall = 64

async function hunt(
  order: HuntOrder,
  send: (report: HuntReport) => void,
  begin: (seed: number) => void,
): Promise<void> {
  process.setSourceMapsEnabled(true)
  const definition = await openSystem(order.source)
  const { swarm, firstSeed, seeds, keepGoing } = order
  const endMillis = performance.now() + order.seconds * 1000
  send({ kind: 'ready' })
  const shared = new Int32Array(order.control)
  const totals = noTotals()
  const examples = new Map<string, { sent: number; shortest: number }>()
  let reported = performance.now()
  let offset = order.worker
  // Seeds beyond one that has a finding need no look, those before it do: so a hunt ends with the first finding,
  // however many workers there are.
  const isOver = (): boolean =>
    Atomics.load(shared, control.stop) === 1 ||
    offset > Atomics.load(shared, control.limit) ||
    performance.now() >= endMillis
  for (; offset < seeds && !isOver(); offset += order.stride) {
    const seed = firstSeed + offset
    begin(seed)
    const batch = exploreSeed(definition, seed, swarm, isOver, { keepGoing })
    if (batch.runs === 0) break
    const { plan } = batch
    const model = buildModel(definition, plan.setup)
    const faults = possibleFaults(model, swarm.faults ?? 'promised')
    const worldOf = (): World => buildWorld(definition, plan.setup)
    addBatch(totals, batch, model, kindKeys(model), faults, worldOf)
    for (const { run, violation, actions } of batch.findings) {
      const name = `${violation.kind} ${violation.name}`
      const known = examples.get(name)
      const sent = known?.sent ?? 0
      const shortest = known?.shortest ?? Infinity
      if (sent >= fewExamples && (sent >= mostExamples || actions.length >= shortest)) continue
      examples.set(name, { sent: sent + 1, shortest: Math.min(shortest, actions.length) })
      const length = actions.length
      send({
        kind: 'finding',
        finding: {
          seed,
          run,
          violation,
          sites: Uint16Array.from({ length }, (_, i) => actions.site(i)),
          subjects: Float64Array.from({ length }, (_, i) => actions.subject(i)),
        },
      })
    }
    if (batch.findings.length > 0 && !keepGoing) {
      const isSafety = batch.findings.some(({ violation }) => violation.kind !== 'liveness')
      lower(shared, isSafety ? offset : offset + seedsAfterStall)
    }
    if (performance.now() - reported < reportMillis) continue
    reported = performance.now()
    send({ kind: 'totals', totals })
  }
  send({ kind: 'totals', totals })
}

/** Nobody needs to look at seeds after this one. */
function lower(shared: Int32Array, offset: number): void {
  let limit = Atomics.load(shared, control.limit)
  while (offset < limit) {
    const before = Atomics.compareExchange(shared, control.limit, limit, offset)
    if (before === limit) return
    limit = before
  }
}

const port = parentPort
if (port === null) throw new Error('hunt-worker.js is started as a worker thread')
const order = workerData as HuntOrder
let seed = order.firstSeed
const send = (report: HuntReport): void => {
  port.postMessage(report)
}
try {
  await hunt(order, send, (next) => {
    seed = next
  })
} catch (error) {
  send({ kind: 'failure', seed, message: messageOf(error), place: placeOf(error) })
}
