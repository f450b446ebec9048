/** `aviary list`: the systems that can be explored, and what there is to find in them. */
import type { Command } from 'commander'
import { type FaultBudget, type SystemDefinition, systems } from '../../protocol/index.js'
import { buildModel, defaultSetup } from '../../sim/index.js'
import { loadSystem } from '../load-system.js'
import { type Terminal, makeTerminal, table, wrap } from '../terminal.js'

interface ListFlags {
  readonly json?: boolean
}

export function addList(program: Command): void {
  program
    .command('list')
    .description('show systems: nodes, parameters, planted bugs, properties, faults')
    .argument('[system]', 'only this one: a name, or the path of a module')
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      `
Examples:
  aviary list                   all that come with Aviary
  aviary list paxos             one of them
  aviary list ./my-protocol.ts  your own: the quickest check that Aviary understands it
  aviary list --json            { systems: [{ name, bugs: [{ name, story }], invariants, faults, … }] }`,
    )
    .action(async (system: string | undefined, flags: ListFlags) => {
      const shown = system === undefined ? systems : [(await loadSystem(system)).definition]
      list(shown, flags)
    })
}

function list(shown: readonly SystemDefinition[], flags: ListFlags): void {
  if (flags.json === true) {
    makeTerminal({ json: true }).json({ systems: shown.map(describe) })
    return
  }
  const terminal = makeTerminal()
  const isAlone = shown.length === 1
  for (const definition of shown) {
    sayWorld(terminal, definition)
    saySpec(terminal, definition, isAlone)
    sayBugs(terminal, definition, isAlone)
    terminal.say()
  }
  const [first] = shown
  if (first === undefined) return
  const [bug] = Object.keys(first.bugs)
  if (!isAlone)
    terminal.say(`Try: npx aviary explore ${first.name}${bug === undefined ? '' : ` --bug ${bug}`}`)
}

function sayWorld({ say, colours }: Terminal, definition: SystemDefinition): void {
  const { name, summary, nodes, parameters } = definition
  say(`${colours.bold(colours.cyan(name))}  ${summary}`)
  const range = ({ minimum, maximum }: { minimum: number; maximum: number }): string =>
    `${String(minimum)}–${String(maximum)}`
  const rows = [
    [colours.dim('--nodes'), String(nodes.default), range(nodes), nodes.noun],
    ...Object.entries(parameters).map(([parameter, of]) => [
      colours.dim('--set'),
      `${parameter}=${String(of.default)}`,
      range(of),
      of.meaning,
    ]),
  ]
  say(table(rows, { indent: 2 }))
}

function saySpec({ say, colours, width }: Terminal, definition: SystemDefinition, isAlone: boolean): void {
  const { properties, goal, faults } = describe(definition)
  const judged = [...properties, goal]
  say(colours.dim('  judged'))
  if (isAlone)
    for (const { name, kind, meaning } of judged) say(wrap(`${name} (${kind}): ${meaning}`, width, 4, 6))
  else say(wrap(judged.map(({ name }) => name).join(', '), width, 4))
  say(colours.dim('  faults it promises to survive'))
  say(wrap(budgetWords(faults.promised), width, 4))
  for (const { name, story } of faults.beyond) {
    say(colours.dim(`  one step beyond: --faults beyond:${name}`))
    say(wrap(story, width, 4))
  }
}

function sayBugs({ say, colours, width }: Terminal, { bugs }: SystemDefinition, isAlone: boolean): void {
  say(colours.dim('  planted bugs'))
  if (Object.keys(bugs).length === 0) say('    none')
  for (const [name, { story, fix, caughtBy }] of Object.entries(bugs)) {
    say(`    ${colours.yellow(name)}`)
    say(wrap(story, width, 6))
    if (!isAlone) continue
    say(colours.dim(wrap(`Mend: ${fix}`, width, 6)))
    say(colours.dim(wrap(`Caught by: ${caughtBy.join(', ')}`, width, 6)))
  }
}

const budgetWords = (budget: Readonly<Record<string, number | 'unlimited'>>): string => {
  const entries = Object.entries(budget)
  const unlimited = entries.filter(([, most]) => most === 'unlimited').map(([kind]) => kind)
  const limited = entries
    .filter(([, most]) => most !== 'unlimited')
    .map(([kind, most]) => `${String(most)} ${kind}`)
  const any = unlimited.length === 0 ? [] : [`any number of ${unlimited.join(', ')}`]
  return entries.length === 0 ? 'none' : [...limited, ...any].join('; ')
}

const plainBudget = (budget: FaultBudget): Record<string, number | 'unlimited'> =>
  Object.fromEntries(
    Object.entries(budget).map(([kind, most]) => [kind, most === Infinity ? 'unlimited' : most]),
  )

/** All that can be said of a system without running it, as plain data. */
function describe(definition: SystemDefinition) {
  const { spec, atlas, cores, bounds } = buildModel(definition, defaultSetup(definition))
  const properties = [
    ...spec.invariants.map(({ name, meaning }) => ({ kind: 'state', name, meaning })),
    ...spec.stepInvariants.map(({ name, meaning }) => ({ kind: 'step', name, meaning })),
    ...(spec.history === undefined
      ? []
      : [{ kind: 'history', name: spec.history.name, meaning: spec.history.meaning }]),
  ]
  return {
    name: definition.name,
    summary: definition.summary,
    nodes: definition.nodes,
    parameters: Object.entries(definition.parameters).map(([name, parameter]) => ({ name, ...parameter })),
    bugs: Object.entries(definition.bugs).map(([name, { story, fix, caughtBy }]) => ({
      name,
      story,
      fix,
      caughtBy,
    })),
    invariants: properties.map(({ name }) => name),
    properties,
    goal: { kind: 'liveness', name: spec.goal.name, meaning: spec.goal.meaning },
    faults: {
      promised: plainBudget(atlas.safety),
      unavailable: atlas.unavailable,
      beyond: atlas.beyond.map(({ name, story, faults, caughtBy }) => ({
        name,
        story,
        faults: plainBudget(faults),
        caughtBy,
      })),
    },
    defaults: { cores: cores.length, bounds },
  }
}
