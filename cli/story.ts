/** What happened in a trace and why it is wrong, for people: the explanation of sim/explain, coloured. */
import type { NamedAction } from '../sim/index.js'
import { type Line, causeOf, explain, spaceTimeTable } from '../sim/explain/index.js'
import { type Trace, walk } from '../sim/trace/index.js'
import { placeOf } from './error-place.js'
import type { LoadedSystem } from './load-system.js'
import type { Terminal } from './terminal.js'

const indent = 2

/** The last steps of a trace as a space-time table; around it, if it violates something, what and why. */
export function sayStory(terminal: Terminal, { definition }: LoadedSystem, trace: Trace, last: number): void {
  const { setup } = trace.header
  const options = { last, width: terminal.width - indent }
  const { violation } = trace
  // What cannot be followed is told as an error, not as a story.
  const steps = walk(definition, trace)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  const thrownAt = violation?.kind === 'crash' ? placeOf(step.value.world.failure?.error) : ''
  const lines =
    violation === undefined
      ? spaceTimeTable(definition, setup, namedActions(trace), options)
      : explain(definition, setup, namedActions(trace), violation, options)
  for (const line of lines) terminal.say(`${' '.repeat(indent)}${coloured(terminal, line)}`.trimEnd())
  if (thrownAt !== '') terminal.say(`\n${' '.repeat(indent)}Thrown at${thrownAt}`)
}

/** Equal for findings of one cause. */
export function causeOfTrace({ definition }: LoadedSystem, trace: Trace): string {
  const { violation } = trace
  return violation === undefined
    ? ''
    : causeOf(definition, trace.header.setup, namedActions(trace), violation)
}

const namedActions = ({ actions, header }: Trace): NamedAction[] =>
  Array.from({ length: actions.length }, (_, i) => ({
    site: header.sites[actions.site(i)] ?? '?',
    subject: actions.subject(i),
  }))

function coloured({ colours }: Terminal, { text, emphasis }: Line): string {
  switch (emphasis) {
    case 'title':
      return colours.bold(text)
    case 'violation':
      return colours.red(text)
    case 'fault':
      return colours.yellow(text)
    case 'quiet':
      return colours.dim(text)
    case undefined:
      return text
  }
}
