/** `aviary doctor`: what this machine can do over RDMA, and what to mend. */
import type { Command } from 'commander'
import { diagnose } from '../../runner/index.js'
import { Exit } from '../errors.js'
import { integer } from '../options.js'
import { makeTerminal, wrap } from '../terminal.js'

interface DoctorFlags {
  readonly device?: string
  readonly port?: number
  readonly gid?: string
  readonly trips: number
  readonly json?: boolean
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at the RDMA device of this machine: link, address, limits, round trips, what to mend')
    .option('--device <name>', 'such as mlx5_0 (default: the first with a port that is up)')
    .option('--port <n>', 'which port of the device (default: the first that is up)', integer(1, 255))
    .option(
      '--gid <address>',
      'RoCE: an IP address of the port, or the index of a GID (default: its first IPv4 address)',
    )
    .option('--trips <n>', 'round trips of each kind that are measured', integer(0, 100_000), 1000)
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      `
Examples:
  aviary doctor
  aviary doctor --device mlx5_0 --gid 10.0.0.7 --json

Exit codes: 0 replicas can run over RDMA here, 1 something must be mended first, 2 usage error.`,
    )
    .action((flags: DoctorFlags) => {
      process.exitCode = doctor(flags)
    })
}

function doctor(flags: DoctorFlags): Exit {
  const terminal = makeTerminal(flags)
  const { say, colours, width } = terminal
  const { device, port, gid } = flags
  const diagnosis = diagnose(
    {
      ...(device === undefined ? {} : { device }),
      ...(port === undefined ? {} : { port }),
      ...(gid === undefined ? {} : { gid }),
    },
    flags.trips,
  )
  const signs = { good: colours.green('ok  '), note: colours.yellow('note'), bad: colours.red('mend') }
  for (const { what, state, found, mend } of diagnosis.findings) {
    say(`${signs[state]}  ${wrap(`${what}: ${found}`, width - 6, 0, 6)}`)
    if (mend !== undefined && state !== 'good') say(wrap(mend, width, 6))
  }
  const isWell = diagnosis.findings.every(({ state }) => state !== 'bad')
  say(
    isWell
      ? '\nReplicas can run over RDMA here: fabric = "verbs", or --fabric verbs.'
      : '\nReplicas cannot run over RDMA here. Over shared memory they can: that is the default.',
  )
  terminal.json({ isWell, ...diagnosis })
  return isWell ? Exit.nothingFound : Exit.violation
}
