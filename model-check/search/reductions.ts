/** Reductions that a search may use, and where they are refused. All are off unless they are asked for. */
import type { CheckOptions } from './check.js'

/** `takings`: steps that only take something away are left out (see `takings.ts`). */
export const reductionNames = ['takings'] as const
export type Reduction = (typeof reductionNames)[number]

/** A reduction is not known to be harmless where it was asked for. */
export class ReductionRefused extends Error {
  constructor(
    reason: string,
    readonly asked: 'reduce' | 'por' = 'reduce',
  ) {
    super(reason)
  }
}

/** What cannot be asked for within a scenario that leaves steps out. */
export class ScenarioRefused extends Error {
  constructor(
    readonly asked: 'deadlock' | 'liveness' | 'order',
    reason: string,
  ) {
    super(reason)
  }
}

/** Throws ReductionRefused or ScenarioRefused where options do not go together. */
export function checkOptions(options: CheckOptions): void {
  const { reduce = [], deadlock, liveness, order, timers, prompt = [], limits, ceilings } = options
  const bounded = [...Object.keys(limits ?? {}), ...Object.keys(ceilings ?? {})]
  if (bounded.length > 0 && (deadlock === true || liveness !== undefined))
    throw new ScenarioRefused(
      deadlock === true ? 'deadlock' : 'liveness',
      `it cannot be judged where ${bounded.join(', ')} is bounded: what the bound leaves out may be what goes on`,
    )
  const isRestricted = prompt.length > 0 || (timers !== undefined && timers !== 'eager')
  if (isRestricted && liveness !== undefined)
    throw new ScenarioRefused(
      'liveness',
      'it cannot be judged with prompt steps or patient timers: the schedules that they leave out may be what goes on',
    )
  if (isRestricted && order === 'random')
    throw new ScenarioRefused(
      'order',
      'random walks take any step at any time, and know neither prompt steps nor patient timers',
    )
  if (options.por === true) checkPartialOrder(options, isRestricted)
  if (!reduce.includes('takings')) return
  if (liveness !== undefined)
    throw new ReductionRefused(
      'takings cannot be left out where liveness is judged: the goal may wait for just these steps',
    )
  if (deadlock === true)
    throw new ReductionRefused(
      'takings cannot be left out where deadlock is judged: what could still be taken away would count as something that can happen',
    )
  if (timers === 'quiescent')
    throw new ReductionRefused(
      'takings cannot be left out where timers wait for all else: a message that stays in flight would hold them back',
    )
}

function checkPartialOrder({ liveness, symmetry, order }: CheckOptions, isRestricted: boolean): void {
  const refuse = (reason: string): never => {
    throw new ReductionRefused(reason, 'por')
  }
  if (liveness !== undefined)
    refuse('it keeps what can be reached, not every way there, so liveness cannot be judged with it')
  if (symmetry === true) refuse('together with symmetry it is not proven to be harmless')
  if (order === 'random') refuse('random walks leave nothing out; they take one step at a time')
  if (isRestricted)
    refuse('with prompt steps or patient timers what may happen depends on everything else that can happen')
}

/** For a search during which a wire was full. */
export const wireWasFull = new ReductionRefused(
  'takings cannot be left out here: a wire was full and lost something, which it would not have with less in flight',
)
