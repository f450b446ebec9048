/**
 * A run: a world, its judge, and the log of what was done. Every tool that steps a world goes through `take`, so the
 * log is complete and each step is judged.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import { ActionLog } from './action-log.js'
import { Judge, type Violation } from './judge.js'
import { type Setup, buildWorld } from './setup.js'

export class Run {
  readonly definition: SystemDefinition
  readonly setup: Setup
  readonly world: World
  readonly judge: Judge
  readonly log = new ActionLog()
  violation: Violation | undefined
  /** Called after each recorded action; for drawing and exporting. */
  onAction: ((index: number, site: number, subject: number) => void) | undefined

  constructor(definition: SystemDefinition, setup: Setup, selfTest = false) {
    this.definition = definition
    this.setup = setup
    this.world = buildWorld(definition, setup, selfTest)
    this.judge = new Judge(this.world, setup.without)
    this.violation = this.judge.atStart()
  }

  /** Takes a step, records it if it moved something, and judges it. */
  take(site: number, choice: number): Outcome {
    const subject = this.world.sites[site]!.subject(choice)
    const outcome = this.world.step(site, choice)
    if (outcome !== Outcome.moved) return outcome
    this.log.add(site, subject)
    this.violation ??= this.judge.afterStep(true)
    this.onAction?.(this.log.length - 1, site, subject)
    return outcome
  }

  /** Judges the history at the end. */
  finish(): Violation | undefined {
    this.violation ??= this.judge.finish()
    return this.violation
  }
}
