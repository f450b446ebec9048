/** `aviary list`: the systems that can be explored, and what there is to find in them. */
import type { Command } from 'commander'
import { type FaultBudget, type SystemDefinition, systems } from '../../protocol/index.js'
import { buildModel, defaultSetup } from '../../sim/index.js'
import { loadSystem } from '../load-system.js'
import { makeTerminal, table, wrap } from '../terminal.js'

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
  const { say, colours, width } = makeTerminal()
  const one = shown.length === 1
  for (const definition of shown) {
    const { name, summary, nodes, parameters, bugs, properties, goal, faults } = describe(definition)
    const rows: string[][] = [
      [
        'nodes',
        `${String(nodes.minimum)}–${String(nodes.maximum)} ${nodes.noun}, ${String(nodes.default)} unless said otherwise`,
      ],
    ]
    say(`${colours.bold(colours.cyan(name))}  ${summary}`)
    for (const { name: parameter, minimum, maximum, default: usual, meaning } of parameters)
      rows.push(['--set', `${parameter}=${String(usual)}`, `${String(minimum)}–${String(maximum)}`, meaning])
    say(table(rows.map(([label, ...rest]) => [colours.dim(label), ...rest]).slice(0, 1), { indent: 2 }))
    if (rows.length > 1)
      say(
        table(
          rows.slice(1).map(([label, ...rest]) => [colours.dim(label), ...rest]),
          { indent: 2 },
        ),
      )
    say(colours.dim('  judged'))
    say(
      table(
        [...properties, goal].map((each) => [each.name, `(${each.kind})`, one ? '' : each.meaning]),
        { indent: 4 },
      ),
    )
    if (one) for (const each of [...properties, goal]) say(wrap(`${each.name}: ${each.meaning}`, width, 4, 6))
    say(colours.dim('  faults it promises to survive'))
    say(wrap(budgetWords(faults.promised), width, 4))
    for (const beyond of faults.beyond) {
      say(colours.dim(`  one step beyond: --faults beyond:${beyond.name}`))
      say(wrap(beyond.story, width, 4))
    }
    say(colours.dim(`  planted bugs: ${bugs.length === 0 ? 'none' : ''}`))
    for (const bug of bugs) {
      say(`    ${colours.yellow(bug.name)}`)
      if (one) {
        say(wrap(bug.story, width, 6))
        say(colours.dim(wrap(`Mend: ${bug.fix}`, width, 6)))
        say(colours.dim(wrap(`Caught by: ${bug.caughtBy.join(', ')}`, width, 6)))
      } else say(colours.dim(wrap(bug.story, width, 6)))
    }
    say()
  }
  const example = shown[0]
  const bug = Object.keys(example?.bugs ?? {})[0]
  if (example !== undefined && !one)
    say(`Try: npx aviary explore ${example.name}${bug === undefined ? '' : ` --bug ${bug}`}`)
}

const budgetWords = (budget: Readonly<Record<string, number | 'unlimited'>>): string => {
  const entries = Object.entries(budget)
  if (entries.length === 0) return 'none'
  return entries
    .map(([kind, most]) => (most === 'unlimited' ? `any number of ${kind}` : `${kind} ${String(most)}`))
    .join(', ')
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
