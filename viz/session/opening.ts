/** New roots: traces from outside, links, fresh runs. */
import {
  type FaultChoice,
  Random,
  Run,
  type SwarmOptions,
  derivedSeed,
  drawPlan,
  makeScheduler,
  playOn,
} from '../../sim/index.js'
import type { Trace, TraceHeader } from '../../sim/trace/index.js'
import { checkSystem } from '../../sim/trace/walk.js'
import { checkedBudget } from './bend.js'
import { badRequest } from './errors.js'
import { fromShared, logOf, readTraceBytes } from './files.js'
import type { FreshRun, Methods, NamedBytes, Opened, Source } from './protocol.js'
import type { Registry } from './registry.js'

const usualActions = 400

type Opening = Generator<Methods['open']['progress'], Opened>

export async function open(registry: Registry, source: Source): Promise<Opened | Opening> {
  if ('fresh' in source) return start(registry, source.fresh)
  if ('recordings' in source) return openRecordings(registry, source.name, source.recordings)
  const bytes = 'bytes' in source ? source.bytes : await fromShared(source.shared)
  const name = ('bytes' in source ? source.name : undefined) ?? 'shared schedule'
  if (registry.recordings.isRecording(bytes)) return openRecordings(registry, name, [{ name, bytes }])
  return openTrace(registry, readTraceBytes(bytes), name)
}

async function openRecordings(
  registry: Registry,
  name: string,
  files: readonly NamedBytes[],
): Promise<Opening> {
  const steps = await registry.recordings.schedule(name, files, registry.systems)
  return (function* () {
    return openTrace(registry, yield* steps, name)
  })()
}

function openTrace(registry: Registry, trace: Trace, title: string): Opened {
  const { header, violation, fingerprints, components, image } = trace
  const system = registry.system(header.system)
  checkSystem(system.definition, trace)
  const stage = registry.newStage(system, header.setup)
  const { log, missing } = logOf(stage, trace)
  const remarks = missing === '' ? [] : [missing]
  const branch = registry.add(stage, log, {
    title,
    origin: 'opened trace',
    remarks,
    claimed: violation,
    // A schedule alone, as a link or a person gives it, tells of no states.
    recorded:
      fingerprints.length === 0 || missing !== ''
        ? undefined
        : { header, fingerprints, components, image, actions: { length: log.length } },
    provenance: header.provenance,
  })
  return { world: stage.info, branch: branch.info(), provenance: header.provenance }
}

function start(registry: Registry, fresh: FreshRun): Opened {
  const system = registry.system(fresh.system)
  const { definition } = system
  const { seed = 1, actions = usualActions, variant, nodes, parameters, scheduler } = fresh
  if (variant !== undefined && !Object.hasOwn(definition.bugs, variant))
    throw badRequest('variant', `${definition.name} has no wrong variant ${JSON.stringify(variant)}`)
  for (const name of Object.keys(parameters ?? {}))
    if (!Object.hasOwn(definition.parameters, name))
      throw badRequest(`parameters.${name}`, `${definition.name} has no such parameter`)
  const { minimum, maximum } = definition.nodes
  if (nodes !== undefined && !(nodes >= minimum && nodes <= maximum))
    throw badRequest('nodes', `must be from ${String(minimum)} to ${String(maximum)}, not ${String(nodes)}`)
  const options: SwarmOptions = { bug: variant, nodes, parameters, faults: faultChoice(fresh), scheduler }
  const plan = drawPlan(definition, seed, options)
  const stage = registry.newStage(system, plan.setup)
  const run = new Run(definition, plan.setup)
  if (actions > 0) {
    const random = new Random(derivedSeed(seed, 3))
    playOn(run, makeScheduler(run.world, plan, random), actions)
  }
  const provenance: TraceHeader['provenance'] = {
    seed,
    scheduler: plan.scheduler,
    ...(system.program === undefined ? {} : { program: system.program }),
  }
  const branch = registry.add(stage, run.log.slice(), {
    title: `${definition.name}${variant === undefined ? '' : ` ${variant}`}, seed ${String(seed)}`,
    origin: `seed ${String(seed)}`,
    provenance,
  })
  return { world: stage.info, branch: branch.info(), provenance }
}

function faultChoice({ faults }: FreshRun): FaultChoice {
  if (typeof faults === 'object' && 'budget' in faults) return { budget: checkedBudget(faults.budget) }
  return faults ?? 'promised'
}
