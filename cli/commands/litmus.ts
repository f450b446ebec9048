/** `aviary litmus`: small programs, all their outcomes, and those that are expected. */
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { type Rule, ruleNames } from '../../protocol/index.js'
import { Exit, UsageError, unknownName } from '../errors.js'
import { type ProgramFile, packaged, packagedNames, programsOf } from '../litmus-file.js'
import type { LitmusReport, LitmusTask, OutcomeReport } from '../litmus-order.js'
import { runTasks } from '../litmus-pool.js'
import {
  type Examined,
  noticedBy,
  programLine,
  sayMutations,
  sayProgram,
  writeTraces,
} from '../litmus-report.js'
import { integer } from '../options.js'
import { type Terminal, digits, makeTerminal, plural, table } from '../terminal.js'

interface LitmusFlags {
  readonly json?: boolean
  readonly out?: string
  readonly broken?: readonly string[]
  readonly mutations?: boolean
  readonly workers?: number
  readonly states?: number
  readonly list?: boolean
  readonly print?: boolean
}

const mostWorkers = 256

export function addLitmus(program: Command): void {
  program
    .command('litmus')
    .description('run litmus programs: every outcome of a few operations, against those expected')
    .argument('[files...]', 'litmus files, folders of them, or names; all that come with Aviary unless given')
    .option(
      '--broken <rule>',
      'switches a rule of the rule book off (repeatable)',
      (rule, before: string[] = []) => [...before, rule],
    )
    .option('--mutations', 'runs each program once for each rule it lists, with that rule switched off')
    .option('--out <dir>', 'writes a trace for each outcome')
    .option('--workers <n>', 'worker threads (default: one a processor)', integer(1, mostWorkers))
    .option('--states <n>', 'most states of one program (default: 2000000)', integer(1, 1e8))
    .option('--list', 'lists the programs, runs nothing')
    .option('--print', 'prints the text of the programs, runs nothing')
    .option('--json', 'one JSON object as the last line on standard output; words go to standard error')
    .addHelpText('after', help)
    .action(async (files: string[], flags: LitmusFlags) => {
      process.exitCode = await litmus(files, flags)
    })
}

const help = `
A litmus program has a few operations on two to four nodes, and the complete list of outcomes that they may have. The
command runs it over every choice that the world offers (when each word of a WRITE lands, when a completion is polled,
where a fault strikes), collects all outcomes, and compares: every allowed outcome must be seen, and no other. So a
result is no sample but a proof for this program.

  name: message-passing
  title: A flag that is written after the data is never seen before it
  n1: x = 0, y = 0

    n0              | n1
    write n1.x = 1  | r0 = y
    write n1.y = 1  | r1 = x

  observe: n1:r0 n1:r1
  allowed: 0 0, 0 1, 1 1

docs/litmus.md teaches the notation. A litmus file is a system too: aviary explore ./mine.litmus

Examples:
  aviary litmus                                          all programs that come with Aviary
  aviary litmus message-passing                          one of them, with its outcomes
  aviary litmus ./mine.litmus --out traces               your own, with a trace for each outcome
  aviary litmus message-passing --broken in-order-requests
                                                         what the program would do without that rule
  aviary litmus message-passing --print > mine.litmus    a beginning for your own
  aviary litmus --mutations                              which programs notice which rule

Exit codes: 0 all as expected, 1 some differ (or a rule goes unnoticed), 2 usage or input error.`

async function litmus(names: readonly string[], flags: LitmusFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const broken = (flags.broken ?? []).map(ruleNamed)
  if (flags.mutations === true && broken.length > 0)
    throw new UsageError('--mutations and --broken: say different things', 'give one of them.')
  const files = names.length === 0 ? packagedNames().map(packaged) : names.flatMap(programsOf)
  if (flags.list === true) return list(terminal, files)
  if (flags.print === true) {
    for (const { text } of files) process.stdout.write(text)
    return Exit.nothingFound
  }
  const runs = flags.mutations === true ? mutationsOf(files) : files.map((file) => ({ file, broken }))
  const tasks = runs.map((run, index): LitmusTask => ({
    index,
    file: run.file.path,
    text: run.file.text,
    broken: run.broken,
    states: flags.states,
  }))
  const workers = flags.workers ?? Math.min(availableParallelism(), mostWorkers)
  const begin = performance.now()
  const nameWidth = Math.max(0, ...files.map(({ program }) => program.name.length))
  const isAlone = runs.length === 1
  const printer = inOrder((index, report) => {
    if (!isAlone && flags.mutations !== true)
      terminal.say(programLine(terminal, { ...runs[index]!, report }, nameWidth))
  })
  const reports = await runTasks(tasks, workers, (task, report, done) => {
    printer(task.index, report)
    terminal.progress.update(`${String(done)} of ${plural(tasks.length, 'run')}`)
  })
  terminal.progress.end()
  const examined = runs.map((run, i): Examined => ({ ...run, report: reports[i]! }))
  const seconds = (performance.now() - begin) / 1000
  if (flags.mutations === true) return endMutations(terminal, examined, names.length === 0, seconds)
  return end(terminal, examined, flags, seconds)
}

const ruleNamed = (name: string): Rule => {
  const rule = ruleNames.find((each) => each === name)
  if (rule === undefined) throw unknownName('--broken: the rule book has no rule', name, ruleNames)
  return rule
}

const mutationsOf = (files: readonly ProgramFile[]): { file: ProgramFile; broken: readonly Rule[] }[] =>
  files.flatMap((file) => file.program.rules.map((rule) => ({ file, broken: [rule] })))

/** Calls `print` in the order of indices, whatever the order of reports. */
function inOrder(
  print: (index: number, report: LitmusReport) => void,
): (index: number, report: LitmusReport) => void {
  const waiting = new Map<number, LitmusReport>()
  let next = 0
  return (index, report) => {
    waiting.set(index, report)
    for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) print(next++, ready)
  }
}

function list(terminal: Terminal, files: readonly ProgramFile[]): Exit {
  terminal.say(table(files.map(({ program }) => [terminal.colours.bold(program.name), program.title])))
  terminal.json({
    programs: files.map(({ path, program: { name, title, sources, rules } }) => ({
      name,
      file: path,
      title,
      sources,
      rules,
    })),
  })
  return Exit.nothingFound
}

function end(terminal: Terminal, examined: readonly Examined[], flags: LitmusFlags, seconds: number): Exit {
  const { say, colours } = terminal
  const { out } = flags
  const traces = new Map<OutcomeReport, string>()
  if (out !== undefined)
    for (const each of examined)
      for (const [outcome, path] of writeTraces(each, out)) traces.set(outcome, path)
  const failed = examined.filter(({ report }) => !report.isAsExpected)
  for (const each of examined.length === 1 ? examined : failed) sayProgram(terminal, each, traces)
  if (out !== undefined) say(`Wrote ${plural(traces.size, 'trace')} to ${out}.`)
  const all = plural(examined.length, 'program')
  say(
    failed.length === 0
      ? colours.green(`${all} in ${digits(seconds)} s: every outcome is as expected.`)
      : colours.red(
          `${plural(failed.length, 'program')} of ${String(examined.length)} not as expected (${digits(seconds)} s).`,
        ),
  )
  const [first] = failed
  if (first !== undefined && out === undefined)
    say(`A trace for each outcome: aviary litmus ${first.file.path} --out aviary-out`)
  terminal.json({
    programs: examined.map(({ file, report, broken }) => ({
      name: file.program.name,
      file: file.path,
      broken,
      states: report.states,
      steps: report.steps,
      seconds: Math.round(report.seconds * 1000) / 1000,
      verdict: report.isAsExpected ? 'ok' : 'failed',
      complete: report.isComplete,
      ...(report.failure === undefined ? {} : { failure: report.failure.message }),
      restless: report.restless !== undefined,
      outcomes: report.outcomes.map((outcome) => ({
        values: Object.fromEntries(report.observables.map((name, i) => [name, outcome.values[i]])),
        endings: outcome.endings,
        expected: outcome.expected,
        observed: outcome.schedule !== undefined,
        ...(outcome.schedule === undefined ? {} : { steps: outcome.schedule.length }),
        ...(traces.has(outcome) ? { trace: traces.get(outcome) } : {}),
      })),
    })),
  })
  return failed.length === 0 ? Exit.nothingFound : Exit.violation
}

function endMutations(
  terminal: Terminal,
  examined: readonly Examined[],
  isComplete: boolean,
  seconds: number,
): Exit {
  const { say, colours } = terminal
  const listed = new Set(examined.flatMap(({ broken }) => broken))
  const rules = isComplete ? ruleNames : ruleNames.filter((rule) => listed.has(rule))
  const unnoticed = sayMutations(terminal, examined, rules)
  say()
  say(
    unnoticed.length === 0
      ? colours.green(
          `Each of ${plural(rules.length, 'rule')} is noticed when it is switched off (${digits(seconds)} s).`,
        )
      : colours.red(
          `${plural(unnoticed.length, 'rule')} of ${String(rules.length)} unnoticed (${digits(seconds)} s).`,
        ),
  )
  const noticed = noticedBy(examined)
  terminal.json({
    rules: rules.map((rule) => ({ rule, noticedBy: noticed.get(rule) ?? [] })),
    unnoticed,
  })
  return unnoticed.length === 0 ? Exit.nothingFound : Exit.violation
}
