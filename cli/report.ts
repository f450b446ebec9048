/** Hunts and their results in words and tables. */
import type { Trace } from '../sim/trace/index.js'
import type { ViolationKind } from '../sim/index.js'
import { type CoverageReport, type Totals, coverageReport, idleOf } from './coverage.js'
import { Exit } from './errors.js'
import type { HuntState } from './hunt.js'
import { type Terminal, compact, digits, grouped, plural, table, wrap } from './terminal.js'

export function exitOf(kind: ViolationKind): Exit {
  switch (kind) {
    case 'crash':
      return Exit.crash
    case 'liveness':
      return Exit.liveness
    case 'hidden-state':
      return Exit.diverged
    case 'invariant':
    case 'step':
    case 'role':
    case 'history':
    case 'assertion':
      return Exit.violation
  }
}

/** The exit code for several findings: a violation of safety says more than a crash, a crash more than the rest. */
export function exitOfAll(kinds: readonly ViolationKind[]): Exit {
  const exits = kinds.map(exitOf)
  const order = [Exit.violation, Exit.crash, Exit.diverged, Exit.liveness]
  return order.find((exit) => exits.includes(exit)) ?? Exit.nothingFound
}

/** What a kind of violation is called. */
export const kindWords: Readonly<Record<ViolationKind, string>> = {
  invariant: 'state invariant',
  step: 'step invariant',
  role: 'illegal role change',
  history: 'history',
  assertion: 'assertion',
  crash: 'crash of a core',
  'hidden-state': 'hidden state',
  liveness: 'liveness',
}

const rate = ({ totals, seconds }: HuntState): string =>
  `${compact(totals.moved / Math.max(seconds, 0.001))}/s`

/** One line while a hunt goes on. */
export function progressLine(state: HuntState): string {
  const { totals, seconds, findings } = state
  const { handlers, notes, faults } = coverageReport(totals)
  const fraction = (name: string, { seen, of }: { seen: number; of: number }): string[] =>
    of === 0 ? [] : [`${name} ${String(seen)}/${String(of)}`]
  return [
    `${seconds.toFixed(1)} s`,
    `${compact(totals.moved)} actions (${rate(state)})`,
    `${compact(totals.seeds)} seeds`,
    `${compact(totals.runs)} runs`,
    ...fraction('handlers', handlers),
    ...fraction('notes', notes),
    ...fraction('faults', faults),
    `findings ${String(findings.length)}`,
  ].join('  ')
}

const duration = (seconds: number): string =>
  seconds === 0 ? '0 s' : seconds < 1 ? `${digits(seconds * 1000)} ms` : `${compact(seconds)} s`

/** Everything that a hunt did, and everything that it did not do. */
export function sayHunt(terminal: Terminal, state: HuntState, details: { readonly tables: boolean }): void {
  const { colours } = terminal
  const { totals, seconds } = state
  const report = coverageReport(totals)
  const rows: string[][] = [
    ['actions', grouped(totals.moved), `that changed something, ${rate(state)}`],
    ['idle', grouped(totals.idle), `changed nothing; ${grouped(idleOf(totals, 'poll'))} of them polls`],
    ['refused', grouped(totals.refused), 'the guard of the input was false'],
    [
      'runs',
      grouped(totals.runs),
      `of ${plural(totals.seeds, 'seed')} in ${seconds.toFixed(1)} s; ${grouped(totals.converged)} healed and reached their goal`,
    ],
    ['virtual time', duration(totals.virtualNanos / 1e9), 'in runs whose scheduler keeps time'],
  ]
  if (totals.unjudgedHistories > 0)
    rows.push([
      'unjudged',
      grouped(totals.unjudgedHistories),
      'histories whose check was cut off: neither passed nor failed',
    ])
  if (totals.lostToFullChannels > 0)
    rows.push(['lost', grouped(totals.lostToFullChannels), 'messages that found their channel full'])
  terminal.say(table(rows, { align: ['left', 'right'], indent: 2 }))
  if (details.tables) sayCoverage(terminal, report, totals)
  else terminal.say(coverageLine(report))
  const bounds = Object.entries(totals.bounds).map(
    ([name, [least, most]]) =>
      `${name} ${least === most ? String(least) : `${String(least)}–${String(most)}`}`,
  )
  if (bounds.length > 0)
    terminal.say(colours.dim(wrap(`Bounds of what was explored: ${bounds.join(', ')}.`, terminal.width, 2)))
}

const coverageLine = ({ handlers, notes, faults }: CoverageReport): string =>
  `  coverage      handlers ${of(handlers)}, notes ${of(notes)}, kinds of faults ${of(faults)}`

const of = ({ seen, of: all }: { readonly seen: number; readonly of: number }): string =>
  `${String(seen)}/${String(all)}`

function sayCoverage(terminal: Terminal, report: CoverageReport, totals: Totals): void {
  const { colours, width } = terminal
  const heading = (text: string): void => {
    terminal.say(`\n  ${colours.bold(text)}`)
  }
  const counts = (all: Readonly<Record<string, number>>): string => columns(all, width, colours)
  for (const node of report.nodes) {
    heading(`${node.nodes}: handlers`)
    terminal.say(counts(node.handlers))
    if (Object.keys(node.notes).length === 0) continue
    heading(`${node.nodes}: notes`)
    terminal.say(counts(node.notes))
  }
  heading(`faults: ${of(report.faults)} kinds that may strike`)
  terminal.say(report.faults.of === 0 ? '    none' : counts(report.faults.counts))
  heading('actions')
  terminal.say(counts(report.actions))
  const never = [
    ...report.handlers.missing.map((name) => `handler ${name}`),
    ...report.notes.missing.map((name) => `note ${name}`),
    ...report.neverSeen.map((name) => `action ${name}`),
  ]
  terminal.say()
  terminal.say(
    never.length === 0
      ? colours.dim('  Everything that could be seen was seen.')
      : colours.yellow(wrap(`Never seen: ${never.join(', ')}.`, width, 2, 4)),
  )
  if (totals.seeds > 0) {
    const drawn = Object.entries(totals.schedulers).map(([name, seeds]) => `${name} ${grouped(seeds)}`)
    terminal.say(colours.dim(wrap(`Seeds by scheduler: ${drawn.join(', ')}.`, width, 2)))
  }
}

/** Counts by name in as many columns as there is room for. */
function columns(
  counts: Readonly<Record<string, number>>,
  width: number,
  colours: Terminal['colours'],
): string {
  const cells = Object.entries(counts)
  const nameWidth = Math.max(0, ...cells.map(([name]) => name.length))
  const countWidth = Math.max(0, ...cells.map(([, count]) => grouped(count).length))
  const across = Math.max(1, Math.floor((width - 4) / (nameWidth + countWidth + 5)))
  const rows: string[][] = []
  cells.forEach(([name, count], i) => {
    if (i % across === 0) rows.push([])
    const shown = grouped(count).padStart(countWidth)
    const cell = `${name.padEnd(nameWidth)} ${shown}`
    rows.at(-1)!.push(count === 0 ? colours.yellow(cell) : cell)
  })
  return rows.map((row) => `    ${row.join('    ')}`).join('\n')
}

/** The configuration that a seed drew, in a few lines. */
export function saySetup(terminal: Terminal, trace: Trace): void {
  const { setup, provenance } = trace.header
  const list = (entries: Readonly<Record<string, unknown>>): string =>
    Object.entries(entries)
      // A trace of a litmus program carries its text.
      .filter(([, value]) => !String(value).includes('\n'))
      .map(([name, value]) => `${name}=${value === Infinity ? 'unlimited' : String(value)}`)
      .join(' ')
  const rows = [
    ['drawn by', list(provenance)],
    ['cluster', `${String(setup.nodes)} ${list(setup.parameters)}`.trim()],
    ['knobs', list({ ...setup.knobs })],
    ['faults', Object.keys(setup.budget).length === 0 ? 'none' : list(setup.budget)],
  ]
  if (setup.without.length > 0) rows.push(['not judged', setup.without.join(', ')])
  terminal.say(
    table(
      rows.map(([name, value]) => [terminal.colours.dim(name), value!]),
      { indent: 2 },
    ),
  )
}

/** Quoted for a shell when it must be. */
export const shellWord = (text: string): string =>
  /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
