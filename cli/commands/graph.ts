/** `aviary graph`: the state graph of a small system, for pictures and programs. */
import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { graphDot, graphJson, plainGraph } from '../../model-check/index.js'
import { type SetupFlags, addSetupOptions, setupOf } from '../check-options.js'
import { UsageError, fileError } from '../errors.js'
import { loadSystem } from '../load-system.js'
import { integer } from '../options.js'
import { grouped, makeTerminal, plural } from '../terminal.js'

interface GraphFlags extends SetupFlags {
  readonly states: number
  readonly format: 'dot' | 'json'
  readonly out: string
}

const usualStates = 1_000
const mostStates = 1_000_000
/** States between two lines of progress. */
const statesBetweenLines = 64

export function addGraph(program: Command): void {
  const command = program
    .command('graph')
    .description('write the state graph of a small system')
    .argument('<system>', 'a name (see `aviary list`), or the path of a module (./my-protocol.ts)')
  addSetupOptions(command)
    .option('--states <n>', 'most states: a larger graph is an error', integer(1, mostStates), usualStates)
    .option('--depth <n>', 'states so many steps from the initial one are not expanded', integer(0, 1e9))
    .addOption(
      new Option('--format <format>', 'dot for Graphviz, json for programs')
        .choices(['dot', 'json'])
        .default('dot'),
    )
    .option('--out <file>', 'where to write, - for standard output', '-')
    .addHelpText('after', help)
    .action(async (system: string, flags: GraphFlags) => {
      await graph(system, flags)
    })
}

const help = `
A state says what it differs in from the initial one, an edge which action it is (and, in the JSON and in tooltips, what
it changed). In DOT the initial state has a bold border, states that have reached the goal a double one, violating
states are red, and states that --depth left unexpanded are dashed. Violations end a branch, not the graph.

Examples:
  aviary graph 2pc --nodes 2 | dot -Tsvg > 2pc.svg
  aviary graph 2pc --nodes 2 --bug commit-on-silence --out 2pc.dot
  aviary graph paxos --set clients=1 --set rounds=1 --ops 1 --depth 3 --format json`

async function graph(argument: string, flags: GraphFlags): Promise<void> {
  // Standard output is for the graph.
  const terminal = makeTerminal({ json: true })
  const { definition } = await loadSystem(argument)
  const setup = setupOf(definition, flags)
  const found = plainGraph(definition, setup, {
    states: flags.states,
    depth: flags.depth,
    visit: (_, state) => {
      if (state % statesBetweenLines === 0) terminal.progress.update(`${grouped(state)} states`)
    },
  })
  terminal.progress.end()
  if (found.states.length > flags.states)
    throw new UsageError(
      `--states ${String(flags.states)}: the graph of ${argument} has more states`,
      'give a larger --states, or make it smaller: --nodes, --set, --ops, --depth.',
    )
  const lines = flags.format === 'dot' ? graphDot(found, argument) : graphJson(found, definition, setup)
  const text = [...lines, ''].join('\n')
  if (flags.out === '-') process.stdout.write(text)
  else
    try {
      writeFileSync(flags.out, text)
    } catch (error) {
      throw fileError('cannot write', flags.out, error)
    }
  const violating = found.states.filter(({ violation }) => violation !== undefined).length
  const unexpanded = found.states.filter(
    ({ violation, isExpanded }) => violation === undefined && !isExpanded,
  ).length
  terminal.say(
    [
      `${plural(found.states.length, 'state')}, ${plural(found.edges.length, 'edge')}`,
      ...(violating === 0 ? [] : [`${plural(violating, 'state')} violating`]),
      ...(unexpanded === 0 ? [] : [`${plural(unexpanded, 'state')} not expanded (--depth)`]),
      ...(flags.out === '-' ? [] : [`written to ${flags.out}`]),
    ].join(', '),
  )
}
