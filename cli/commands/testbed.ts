/** `aviary testbed`: virtual machines with soft-RoCE on this computer. */
import { existsSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import {
  type KeeperRequest,
  type MachineProcess,
  RunError,
  type SpawnOrder,
  Testbed,
  type TestbedStatus,
  USUAL_MEMORY_MIB,
  USUAL_NAME,
  consoleLog,
  keeperLog,
  removeStale,
} from '../../runner/index.js'
import { Exit, UsageError } from '../errors.js'
import { integer } from '../options.js'
import { type Terminal, makeTerminal, plural, table } from '../terminal.js'

interface NameFlags {
  readonly name: string
  readonly json?: boolean
}
interface UpFlags extends NameFlags {
  readonly nodes: number
  readonly memory: number
  readonly processors: number
  readonly counted?: true
}
interface ExecFlags extends NameFlags {
  readonly fresh?: boolean
}

const MOST_MACHINES = 9
const machineNumber = integer(0, MOST_MACHINES - 1)

export function addTestbed(program: Command): void {
  const testbed = program
    .command('testbed')
    .description('virtual machines with soft-RoCE: boot, use, kill, pause, cut off and remove them')
    .addHelpText(
      'after',
      `
The machines run Debian's kernel under QEMU on one private network. Each sees this computer's files where they are; what
it writes stays in its memory, except in the folder that \`status\` names as shared. A second testbed needs a --name.

Examples:
  aviary testbed up --nodes 3
  aviary testbed exec 0 -- ibv_devinfo
  aviary testbed cut 0 1                     what machine 0 sends to machine 1 is lost
  aviary testbed down
  aviary testbed run --nodes 2 -- rdma link  boots, runs it in every machine, and removes them

Exit codes: 0 all well; 2 usage or input error; exec and run: that of the program, 255 when its machine went down.`,
    )
  const add = (usage: string, description: string): Command =>
    testbed.command(usage).description(description).option('--name <name>', 'which testbed', USUAL_NAME)
  const json = (command: Command): Command => command.option('--json', 'one JSON object on standard output')
  const size = (command: Command): Command =>
    command
      .option('--nodes <n>', 'how many machines', integer(1, MOST_MACHINES), 3)
      .option('--memory <mib>', 'of each machine, in MiB', integer(256, 65_536), USUAL_MEMORY_MIB)
      .option('--processors <n>', 'of each machine', integer(1, 16), 1)
      .option('--counted', 'clocks count instructions, 2 ns each, whatever else this computer does')

  json(size(add('up', 'boot machines, which stay until `down`'))).action(guarded(up))
  size(add('run', 'boot machines, run a program in each of them, and remove them'))
    .argument('<command...>', 'the program and its arguments, after --')
    .action(guarded(runEverywhere))
  add('exec', 'run a program in a machine')
    .argument('<machine>', 'which, from 0', machineNumber)
    .argument('<command...>', 'the program and its arguments, after --')
    .option('--fresh', 'sees files of this computer that were changed since the machine read them')
    .action(guarded(exec))
  for (const [op, description] of [
    ['kill', 'switch a machine off, at once: its memory is lost'],
    ['start', 'boot a machine again that is down'],
    ['pause', 'stop a machine’s processors, as if the world went on without it'],
    ['resume', 'let a paused machine go on'],
  ] as const)
    json(add(op, description).argument('<machine>', 'which, from 0', machineNumber)).action(
      guarded(async (machine: number, flags: NameFlags) => change(flags, { op, machine })),
    )
  json(
    add('cut', 'lose everything that one machine sends to another')
      .argument('<from>', 'the machine that sends', machineNumber)
      .argument('<to>', 'the machine that is to get nothing', machineNumber)
      .option('--both', 'in both directions'),
  ).action(
    guarded(async (from: number, to: number, flags: NameFlags & { readonly both?: boolean }) => {
      const directions =
        flags.both === true ? [[from, to] as const, [to, from] as const] : [[from, to] as const]
      return change(flags, ...directions.map(([from, to]) => ({ op: 'cut', from, to }) as const))
    }),
  )
  json(
    add('heal', 'carry everything again')
      .argument('[from]', 'the machine that sends; without it: all', machineNumber)
      .argument('[to]', 'the machine that is to get it', machineNumber),
  ).action(
    guarded(async (from: number | undefined, to: number | undefined, flags: NameFlags) => {
      if (from === undefined) return change(flags, { op: 'heal' })
      if (to === undefined)
        throw new UsageError('TO is missing', 'name both machines, or neither to heal all.')
      return change(flags, { op: 'heal', from, to })
    }),
  )
  json(add('status', 'show the machines')).action(
    guarded(async (flags: NameFlags) => {
      await withTestbed(flags.name, async (testbed) => {
        sayStatus(makeTerminal(flags), await testbed.status())
      })
      return Exit.nothingFound
    }),
  )
  add('logs', 'show what a machine’s console said, or without a number the keeper')
    .argument('[machine]', 'which, from 0', machineNumber)
    .action(guarded(logs))
  json(add('down', 'end the machines and remove all that was theirs')).action(guarded(down))
}

const guarded =
  <Given extends unknown[]>(action: (...given: Given) => Promise<number>) =>
  async (...given: Given): Promise<void> => {
    try {
      process.exitCode = await action(...given)
    } catch (error) {
      if (error instanceof RunError) throw new UsageError(error.message, error.mend)
      throw error
    }
  }

async function up(flags: UpFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const begun = performance.now()
  const testbed = await boot(flags, terminal)
  const status = await testbed.status()
  await testbed.stay()
  testbed.close()
  const seconds = (performance.now() - begun) / 1000
  terminal.say(`${plural(flags.nodes, 'machine is', 'machines are')} ready after ${seconds.toFixed(1)} s.\n`)
  sayStatus(terminal, status, { seconds })
  const name = flags.name === USUAL_NAME ? '' : ` --name ${flags.name}`
  terminal.say(`\nTry it:  aviary testbed exec${name} 0 -- ibv_devinfo\nEnd it:  aviary testbed down${name}`)
  return Exit.nothingFound
}

/** Boots machines that end with this process. */
function boot(
  { name, nodes, memory, processors, counted }: UpFlags,
  { progress }: Terminal,
): Promise<Testbed> {
  return Testbed.up({ name, nodes, memoryMiB: memory, processors, isCounted: counted }, (line) => {
    progress.update(line)
  }).finally(() => {
    progress.end()
  })
}

async function withTestbed<T>(name: string, work: (testbed: Testbed) => Promise<T>): Promise<T> {
  const testbed = await Testbed.attach(name)
  try {
    return await work(testbed)
  } finally {
    testbed.close()
  }
}

async function change(flags: NameFlags, ...requests: readonly KeeperRequest[]): Promise<Exit> {
  await withTestbed(flags.name, async (testbed) => {
    const terminal = makeTerminal(flags)
    for (const request of requests) await testbed.ask(request)
    const isBooting = requests.some(({ op }) => op === 'start')
    const status = isBooting
      ? await testbed.ready((line) => {
          terminal.progress.update(line)
        })
      : await testbed.status()
    terminal.progress.end()
    sayStatus(terminal, status)
  })
  return Exit.nothingFound
}

async function exec(machine: number, argv: readonly string[], flags: ExecFlags): Promise<number> {
  return withTestbed(flags.name, async (testbed) => {
    const child = testbed.spawn(machine, orderOf(argv, flags.fresh))
    process.stdin.pipe(child.stdin)
    child.stdout.pipe(process.stdout)
    child.stderr.pipe(process.stderr)
    const code = await codeOf(child)
    process.stdin.unpipe(child.stdin)
    process.stdin.destroy()
    return code
  })
}

const orderOf = (argv: readonly string[], fresh: boolean | undefined): SpawnOrder => ({
  argv,
  cwd: process.cwd(),
  fresh,
})

/** As a shell would have it. Signals that this process gets are handed on. */
async function codeOf(child: MachineProcess): Promise<number> {
  const handOn = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  process.on('SIGINT', handOn)
  process.on('SIGTERM', handOn)
  const { code, error } = await child.end()
  process.off('SIGINT', handOn)
  process.off('SIGTERM', handOn)
  if (error !== undefined) process.stderr.write(`aviary: ${error}\n`)
  return code ?? (error === undefined ? 128 : 255)
}

async function runEverywhere(argv: readonly string[], flags: UpFlags): Promise<number> {
  // Standard output is the program's.
  const terminal = makeTerminal({ json: true })
  const testbed = await boot(flags, terminal)
  try {
    const machines = Array.from({ length: flags.nodes }, (_, machine) => machine)
    const codes = await Promise.all(
      machines.map(async (machine) => {
        const child = testbed.spawn(machine, orderOf(argv, false))
        child.stdin.end()
        echo(child.stdout, process.stdout, machine)
        echo(child.stderr, process.stderr, machine)
        return codeOf(child)
      }),
    )
    return Math.max(...codes)
  } finally {
    await testbed.down()
  }
}

/** Line by line, each with the machine that it comes from. */
function echo(from: NodeJS.ReadableStream, to: NodeJS.WritableStream, machine: number): void {
  let rest = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) to.write(`${String(machine)}: ${line}\n`)
  })
  from.on('end', () => {
    if (rest !== '') to.write(`${String(machine)}: ${rest}\n`)
  })
}

async function logs(machine: number | undefined, flags: NameFlags): Promise<Exit> {
  await withTestbed(flags.name, async (testbed) => {
    const { machines } = await testbed.status()
    if (machine !== undefined && machine >= machines.length)
      throw new RunError(
        `there is no machine ${String(machine)}`,
        `name one from 0 to ${String(machines.length - 1)}.`,
      )
    const path = machine === undefined ? keeperLog(testbed.folder) : consoleLog(testbed.folder, machine)
    if (existsSync(path)) process.stdout.write(readFileSync(path))
  })
  return Exit.nothingFound
}

async function down(flags: NameFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const stale = removeStale()
  for (const name of stale) terminal.say(`The testbed ${name} was stale, and is removed.`)
  if (!stale.includes(flags.name)) {
    const testbed = await Testbed.attach(flags.name)
    await testbed.down()
    terminal.say(`The testbed ${flags.name} is down.`)
  }
  terminal.json({ down: flags.name, stale })
  return Exit.nothingFound
}

function sayStatus(
  terminal: Terminal,
  status: TestbedStatus,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const { colours } = terminal
  const { machines, accelerator, kernel, cuts, folder } = status
  const head = ['machine', 'address', 'state', 'pid', 'boot'].map((each) => colours.dim(each))
  const rows = machines.map(({ machine, address, state, pid, bootSeconds, reason }) => [
    String(machine),
    address,
    state === 'ready' ? colours.green(state) : colours.yellow(state),
    pid === undefined ? '' : String(pid),
    bootSeconds === undefined ? (reason ?? '') : `${bootSeconds.toFixed(1)} s`,
  ])
  terminal.say(table([head, ...rows]))
  for (const [from, to] of cuts) terminal.say(colours.yellow(`Cut: ${String(from)} → ${String(to)}`))
  terminal.say(
    `Linux ${kernel}, ${accelerator === 'kvm' ? 'KVM' : 'emulated'}; shared folder: ${folder}/share`,
  )
  terminal.json({ ...status, ...more })
}
