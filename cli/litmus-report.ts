/** Litmus results in words and tables, and the traces of their outcomes. */
import { join } from 'node:path'
import { type Rule, ruleNames } from '../protocol/index.js'
import { fingerprintEvery, recordTrace } from '../sim/trace/index.js'
import { runSchedule } from '../model-check/litmus/index.js'
import type { ProgramFile } from './litmus-file.js'
import type { LitmusReport, OutcomeReport } from './litmus-order.js'
import { litmusFrom, readPackage } from './load-system.js'
import { shellWord } from './report.js'
import { type Terminal, compact, digits, grouped, plural, table, wrap } from './terminal.js'
import { writeTrace } from './trace-file.js'

/** A program and what came of it. */
export interface Examined {
  readonly file: ProgramFile
  readonly report: LitmusReport
  readonly broken: readonly Rule[]
}

const seconds = (value: number): string =>
  value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${digits(value)} s`

export function programLine(terminal: Terminal, { file, report }: Examined, nameWidth: number): string {
  const { colours } = terminal
  const seen = report.outcomes.filter(({ schedule }) => schedule !== undefined).length
  return [
    report.isAsExpected ? colours.green('ok    ') : colours.red('FAILED'),
    file.program.name.padEnd(nameWidth),
    `${compact(report.states)} states`.padStart(14),
    plural(seen, 'outcome').padStart(12),
    seconds(report.seconds).padStart(8),
  ].join('  ')
}

/** Everything about one program: its columns, and the outcomes side by side with what is expected. */
export function sayProgram(
  terminal: Terminal,
  examined: Examined,
  traces: ReadonlyMap<OutcomeReport, string>,
): void {
  const { say, colours, width } = terminal
  const { file, report, broken } = examined
  const { program } = file
  say()
  say(`${colours.bold(program.name)}  ${program.title}`)
  for (const source of program.sources) say(colours.dim(wrap(`source: ${source}`, width, 2, 4)))
  for (const rule of broken) say(colours.yellow(`  rule ${rule} is switched off`))
  say()
  for (const line of columnsOf(program.text)) say(`  ${line}`)
  say()
  const rows = report.outcomes.map((outcome) => [
    wordFor(terminal, outcome),
    ...outcome.values,
    outcome.endings,
    outcome.schedule === undefined ? '' : plural(outcome.schedule.length, 'step'),
  ])
  say(table([['', ...report.observables.map((name) => colours.bold(name)), '', ''], ...rows], { indent: 2 }))
  say()
  const shown = report.outcomes.flatMap((outcome) => {
    const path = traces.get(outcome)
    return path === undefined ? [] : [[outcome.values.join(' '), `aviary explain ${shellWord(path)}`]]
  })
  if (shown.length > 0) say(`${table(shown, { indent: 2 })}\n`)
  sayCut(terminal, examined)
}

function wordFor({ colours }: Terminal, { expected, schedule }: OutcomeReport): string {
  if (schedule === undefined) return colours.red('allowed, but never observed')
  switch (expected) {
    case 'allowed':
      return colours.green('allowed, observed')
    case 'forbidden':
      return colours.red('forbidden, but observed')
    case 'unexpected':
      return colours.red('not listed, but observed')
  }
}

function sayCut({ say, colours, width }: Terminal, { report }: Examined): void {
  if (report.failure !== undefined)
    say(
      colours.red(
        wrap(
          `A step failed after ${plural(report.failure.schedule.length, 'step')}: ${report.failure.message}`,
          width,
          2,
        ),
      ),
    )
  else if (!report.isComplete)
    say(
      colours.yellow(
        wrap(
          `Cut off after ${grouped(report.states)} states: there may be more outcomes. --states N looks at more.`,
          width,
          2,
        ),
      ),
    )
  if (report.restless !== undefined)
    say(
      colours.red(
        wrap(
          `It never comes to rest after a schedule of ${plural(report.restless.length, 'step')}.`,
          width,
          2,
        ),
      ),
    )
}

/** The columns of a program as they stand in its file. */
function columnsOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/)
  const begin = lines.findIndex((line) => line.split('|').every((cell) => /^\s*n\d\s*$/.test(cell)))
  const end = lines.findIndex((line, i) => i > begin && /^\s*(observe|allowed|forbidden)\s*:/.test(line))
  const shown = lines.slice(begin, end).filter((line) => line.trim() !== '')
  const indent = Math.min(...shown.map((line) => line.length - line.trimStart().length))
  return shown.map((line) => line.slice(indent).trimEnd())
}

/** Writes one trace for each outcome that was seen; returns their paths. */
export function writeTraces({ file, report, broken }: Examined, folder: string): Map<OutcomeReport, string> {
  const { program, path, text } = file
  const paths = new Map<OutcomeReport, string>()
  const carried = path.endsWith('.litmus') ? path : `${path}.litmus`
  for (const outcome of report.outcomes) {
    if (outcome.schedule === undefined) continue
    const run = runSchedule(program, outcome.schedule, broken)
    const told = report.observables.map((name, i) => `${name}=${outcome.values[i] ?? ''}`)
    const trace = recordTrace(run, {
      provenance: { outcome: told.join(' '), expected: outcome.expected, program: text },
      codeFingerprint: litmusFrom(carried, text).codeFingerprint,
      createdBy: `aviary ${readPackage().version}`,
      modulePath: carried,
      fingerprintEvery: fingerprintEvery(outcome.schedule.length),
    })
    const endings = outcome.endings.split(', ').map((each) => each.split(' ').slice(0, 2).join('-'))
    const name = [program.name, ...broken.map((rule) => `without-${rule}`), ...outcome.values, ...endings]
      .filter((part) => part !== '')
      .map((part) => (part === '-' ? 'none' : part.replace(/[^\w.-]+/g, '_')))
      .join('-')
    const out = join(folder, `${name}.aviary`)
    writeTrace(out, trace)
    paths.set(outcome, out)
  }
  return paths
}

/** Which programs notice when a rule is switched off. Returns the rules that none notices. */
export function sayMutations(
  terminal: Terminal,
  examined: readonly Examined[],
  rules: readonly Rule[],
): readonly Rule[] {
  const { say, colours } = terminal
  const noticed = noticedBy(examined)
  const few = (names: readonly string[]): string =>
    names.length > 4
      ? `${names.slice(0, 4).join(', ')} and ${String(names.length - 4)} more`
      : names.join(', ')
  const rows = rules.map((rule) => {
    const names = noticed.get(rule) ?? []
    const blind = examined
      .filter(({ report, broken }) => broken.includes(rule) && report.isAsExpected)
      .map(({ file }) => file.program.name)
    return [
      names.length === 0 ? colours.red('unnoticed') : colours.green('noticed'),
      rule,
      [few(names), blind.length === 0 ? '' : colours.yellow(`listed, but not noticed, by ${few(blind)}`)]
        .filter((words) => words !== '')
        .join('; '),
    ]
  })
  say(table(rows, { indent: 2 }))
  return rules.filter((rule) => (noticed.get(rule) ?? []).length === 0)
}

export function noticedBy(examined: readonly Examined[]): Map<Rule, string[]> {
  const noticed = new Map<Rule, string[]>(ruleNames.map((rule) => [rule, []]))
  for (const { file, report, broken } of examined)
    for (const rule of broken) if (!report.isAsExpected) noticed.get(rule)?.push(file.program.name)
  return noticed
}
