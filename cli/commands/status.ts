/** `aviary status`: what the members of a running cluster say of themselves. */
import type { Command } from 'commander'
import { type Cluster, type MemberStatus, RunError, askMember, readCluster } from '../../runner/index.js'
import { Exit, UsageError } from '../errors.js'
import { positive } from '../options.js'
import { sayStatus, statusTable } from '../run-status.js'
import { makeTerminal } from '../terminal.js'

interface StatusFlags {
  readonly watch?: number | true
  readonly json?: boolean
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the members of a running cluster: roles, views, commit index, lag, connections')
    .argument('<cluster>', 'its configuration: the TOML file that `aviary run` names')
    .option('--watch [seconds]', 'shows it again and again (default: every second)', positive(3600))
    .option('--json', 'one JSON object on standard output; with --watch one a line')
    .addHelpText(
      'after',
      `
Examples:
  aviary status cluster.toml
  aviary status cluster.toml --watch 0.5
  aviary status cluster.toml --json

Exit codes: 0 all members answer, 1 some do not, 2 usage or input error.`,
    )
    .action(async (path: string, flags: StatusFlags) => {
      try {
        process.exitCode = await status(readCluster(path), flags)
      } catch (error) {
        if (error instanceof RunError) throw new UsageError(error.message, error.mend)
        throw error
      }
    })
}

async function status(cluster: Cluster, flags: StatusFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  for (;;) {
    const answers = await Promise.allSettled(
      cluster.members.map(
        (_, member) => askMember(cluster, member, { kind: 'status' }) as Promise<MemberStatus>,
      ),
    )
    const statuses = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined))
    const reasons = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [(answer.reason as Error).message] : [],
    )
    if (flags.watch !== undefined && process.stdout.isTTY && flags.json !== true)
      process.stdout.write(`\x1b[2J\x1b[H${statusTable(statuses, terminal)}\n`)
    else sayStatus(terminal, statuses)
    for (const reason of reasons) terminal.say(reason)
    terminal.json({ cluster: cluster.name, members: statuses, errors: reasons })
    if (flags.watch === undefined) return reasons.length === 0 ? Exit.nothingFound : Exit.violation
    await new Promise((resolve) => setTimeout(resolve, 1000 * (flags.watch === true ? 1 : flags.watch!)))
  }
}
