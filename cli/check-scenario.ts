/** The scenario of `aviary check` (see `model-check/scenario.ts`): its flags, its names in a file of bounds, its refusals. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { type Reduction, type Scenario, promptKinds, reductionNames } from '../model-check/index.js'
import { UsageError } from './errors.js'
import { collect } from './options.js'

export interface ScenarioFlags {
  readonly limit?: readonly string[]
  readonly most?: readonly string[]
  readonly prompt?: string
  readonly timers?: 'eager' | 'at-rest' | 'quiescent'
  readonly reduce?: string
  readonly por?: boolean
}

const patience = ['eager', 'at-rest', 'quiescent'] as const

export function addScenarioOptions(command: Command): Command {
  return command
    .option(
      '--limit <name=n>',
      'how often timers fire, inputs come, clients ask again (retry), give up (abandon): timer.NAME[@NODE]=n (repeatable)',
      collect,
    )
    .option(
      '--most <field=n>',
      'leaves out steps after which a field of private memory is greater (repeatable)',
      collect,
    )
    .option('--prompt <kinds>', `steps that happen as soon as they can: ${promptKinds.join(',')}`)
    .addOption(
      new Option(
        '--timers <when>',
        'when timers fire: at any time, while NICs, memory and disks are at rest, or when nothing else can happen',
      ).choices(patience),
    )
    .option('--reduce <names>', `leaves out what is known to make no difference: ${reductionNames.join(',')}`)
    .option('--por', 'partial-order reduction: of steps that commute only some orders are looked at')
}

const count = z.int().min(0)
/** What a file of bounds may say of the scenario, under the names of the flags. */
export const scenarioBounds = {
  limit: z.record(z.string(), count).optional(),
  most: z.record(z.string(), count).optional(),
  prompt: z.array(z.enum(promptKinds)).optional(),
  timers: z.enum(patience).optional(),
  reduce: z.array(z.enum(reductionNames)).optional(),
  por: z.boolean().optional(),
}
type ScenarioBounds = z.output<z.ZodObject<typeof scenarioBounds>>

export interface ScenarioOrder extends Scenario {
  readonly reduce: readonly Reduction[]
  readonly por: boolean
}

export function scenarioOf(flags: ScenarioFlags, bounds: ScenarioBounds): ScenarioOrder {
  return {
    limits: { ...bounds.limit, ...numbers('--limit', flags.limit, 'timer.suspect=2') },
    ceilings: { ...bounds.most, ...numbers('--most', flags.most, 'view=1') },
    prompt: flags.prompt === undefined ? bounds.prompt : names('--prompt', flags.prompt, promptKinds),
    timers: flags.timers ?? bounds.timers,
    reduce:
      flags.reduce === undefined ? (bounds.reduce ?? []) : names('--reduce', flags.reduce, reductionNames),
    por: flags.por ?? bounds.por ?? false,
  }
}

function numbers(
  flag: string,
  texts: readonly string[] | undefined,
  example: string,
): Readonly<Record<string, number>> {
  const entries = (texts ?? []).map((text): [string, number] => {
    const [, name, value] = /^([^=]+)=(\d{1,9})$/.exec(text) ?? []
    if (name === undefined)
      throw new UsageError(
        `${flag} ${text}: wants a name and a whole number`,
        `for instance ${flag} ${example}`,
      )
    return [name, Number(value)]
  })
  return Object.fromEntries(entries)
}

function names<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((name) => {
    const found = known.find((each) => each === name)
    if (found === undefined)
      throw new UsageError(`${flag}: there is no ${name}`, `there is ${known.join(', ')}.`)
    return found
  })
}
