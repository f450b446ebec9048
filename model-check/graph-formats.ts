/** State graphs for other tools: DOT for Graphviz, JSON for programs. */
import type { SystemDefinition } from '../protocol/index.js'
import type { Setup } from '../sim/run/setup.js'
import type { PlainGraph } from './plain-graph.js'

/** Lines of a label in DOT; all are in the JSON. */
const mostLines = 8

/**
 * Lines of DOT. Initial: bold border. Goal: double border. Violating: red, with the name of what is broken. Not expanded:
 * dashed. A state says what it differs in from the initial one; an edge is an action, and what it changed is its tooltip.
 */
export function* graphDot(graph: PlainGraph, title: string): Generator<string, void> {
  yield `digraph ${quoted(title)} {`
  yield '  rankdir=TB; node [shape=box, fontname="monospace", fontsize=10]; edge [fontname="monospace", fontsize=9];'
  for (const [state, { changes, isGoal, violation, isExpanded }] of graph.states.entries()) {
    const lines = [
      state === 0 ? `${String(state)}: initial` : String(state),
      ...(violation === undefined ? [] : [violation.name]),
      ...shortened(changes),
    ]
    const styles = [
      ...(state === 0 ? ['bold'] : []),
      ...(violation === undefined ? [] : ['filled']),
      ...(isExpanded || violation !== undefined ? [] : ['dashed']),
    ]
    const attributes = [
      `label=${quoted(...lines)}`,
      ...(styles.length === 0 ? [] : [`style="${styles.join(',')}"`]),
      ...(isGoal ? ['peripheries=2'] : []),
      ...(violation === undefined
        ? []
        : ['color=red, fillcolor=mistyrose', `tooltip=${quoted(violation.reason)}`]),
    ]
    yield `  s${String(state)} [${attributes.join(', ')}];`
  }
  for (const { from, to, action, changes } of graph.edges)
    yield `  s${String(from)} -> s${String(to)} [label=${quoted(action)}, tooltip=${quoted(...changes)}];`
  yield '}'
}

/** Lines of one JSON object; a state or an edge a line. */
export function* graphJson(
  graph: PlainGraph,
  definition: SystemDefinition,
  { bug, nodes, parameters, budget }: Setup,
): Generator<string, void> {
  const about = {
    system: definition.name,
    bug: bug ?? null,
    nodes,
    parameters,
    faults: budget,
    isComplete: graph.isComplete,
    initial: 0,
    goal: graph.world.model.spec.goal.name,
  }
  yield `${JSON.stringify(about).slice(0, -1)},`
  yield '"states":['
  yield* listed(graph.states, ({ depth, changes, isGoal, violation, isExpanded }, index) => ({
    index,
    depth,
    isGoal,
    isExpanded,
    violation: violation ?? null,
    changes,
  }))
  yield '],'
  yield '"edges":['
  yield* listed(graph.edges, ({ from, to, site, action, changes }) => {
    const { name, kind } = graph.world.sites[site]!
    return { from, to, site: name, kind, action, changes }
  })
  yield ']}'
}

function* listed<T>(
  items: readonly T[],
  object: (item: T, index: number) => unknown,
): Generator<string, void> {
  for (const [i, item] of items.entries())
    yield `${JSON.stringify(object(item, i))}${i + 1 < items.length ? ',' : ''}`
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= mostLines) return lines
  return [...lines.slice(0, mostLines - 1), `… and ${String(lines.length - mostLines + 1)} more`]
}

/** A string of DOT with these lines. */
const quoted = (...lines: readonly string[]): string =>
  `"${lines.map((line) => line.replace(/[\\"]/g, '\\$&').replaceAll('\n', ' ')).join('\\n')}"`
