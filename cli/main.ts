/** The `aviary` command: its subcommands, and how every one of them ends. */
import { setFlagsFromString } from 'node:v8'
import { Command, CommanderError } from 'commander'
import { addBench } from './commands/bench.js'
import { addChaos } from './commands/chaos.js'
import { addCheck } from './commands/check.js'
import { addDoctor } from './commands/doctor.js'
import { addExplain } from './commands/explain.js'
import { addExplore } from './commands/explore.js'
import { addExport } from './commands/export.js'
import { addList } from './commands/list.js'
import { addGraph } from './commands/graph.js'
import { addLitmus } from './commands/litmus.js'
import { addReplay } from './commands/replay.js'
import { addRun } from './commands/run.js'
import { addShrink } from './commands/shrink.js'
import { addStatus } from './commands/status.js'
import { addTestbed } from './commands/testbed.js'
import { addTour } from './commands/tour.js'
import { Exit, UsageError, describeError, oneLine } from './errors.js'
import { readPackage } from './load-system.js'

// Handlers make many small accessor calls, more than V8 inlines into one function by default: some 10 % of speed.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=10000')
setFlagsFromString('--max-inlined-bytecode-size=2000')

const help = `
Where to begin:
  aviary tour                                          a guided tour of the main job, under a minute
  aviary list                                          what there is to explore
  aviary explore rdma-register --bug missing-checksum  find a planted bug, shrink and explain it
  aviary explore ./my-protocol.ts                      your own protocol
  aviary run apus --local 3                            a replicated store as real processes; speaks to redis-cli

Exit codes:
  0  nothing found           3  a replay diverged, or the system is not deterministic
  1  a violation             4  a liveness violation
  2  usage or input error    5  a core crashed

AVIARY_DEBUG=1 shows stacks of errors. NO_COLOR=1 switches colours off.`

function program(): Command {
  const command = new Command('aviary')
    .description(
      'A workbench for fault-tolerant protocols: hunts them under faults, shrinks and explains what it finds.',
    )
    .version(readPackage().version, '-V, --version', 'prints the version')
    .helpOption('-h, --help', 'shows this help')
    .helpCommand('help [command]', 'shows the help of a command')
    .configureHelp({ showGlobalOptions: false })
    // Errors are shown in one place, below.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText('after', help)
  addTour(command)
  addList(command)
  addExplore(command)
  addCheck(command)
  addGraph(command)
  addReplay(command)
  addShrink(command)
  addExplain(command)
  addExport(command)
  addLitmus(command)
  addRun(command)
  addStatus(command)
  addDoctor(command)
  addChaos(command)
  addTestbed(command)
  addBench(command)
  return command
}

/** An error of commander's in our words. */
function usageError(error: CommanderError, command: string | undefined): UsageError {
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const meant = /Did you mean (?:one of )?(.*?)\?\)?$/.exec(hint ?? '')?.[1]
  const value = /^option '(--[\w-]+)[^']*' argument '(.*)' is invalid\. (.*)$/s.exec(
    error.message.replace(/^error: /, ''),
  )
  if (value !== null) return new UsageError(`${value[1]!} ${value[2]!}: is not possible`, oneLine(value[3]!))
  const about = `\`aviary ${command === undefined ? '' : `${command} `}--help\` shows what there is.`
  return new UsageError(oneLine(what), meant === undefined ? about : `did you mean ${meant}? ${about}`)
}

async function main(): Promise<void> {
  process.setSourceMapsEnabled(true)
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read has gone (`aviary list | head`): nothing is left to say, and that is no error.
      if (error.code === 'EPIPE') process.exit(process.exitCode)
      throw error
    })
  const command = program()
  if (process.argv.length <= 2) {
    process.exitCode = Exit.usage
    command.outputHelp({ error: true })
    return
  }
  try {
    await command.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return
    const name = command.commands.find((each) => each.name() === process.argv[2])?.name()
    const known = error instanceof CommanderError ? usageError(error, name) : error
    const { text, exit } = describeError(known)
    process.stderr.write(`${text}\n`)
    if (process.env['AVIARY_DEBUG'] === '1') console.error(error)
    process.exitCode = exit
  }
}

await main()
