/** What `aviary chaos` and `aviary bench failover` found, for people. */
import type { ChaosResult } from '../runner/index.js'
import { type Terminal, digits, grouped, plural, table } from './terminal.js'

/** Milliseconds; where nothing was acknowledged any more, that is said. */
const millis = (value: number): string => (Number.isFinite(value) ? `${digits(value)} ms` : 'for ever')

export function sayChaos(
  { say, colours }: Terminal,
  { deeds, operations, unknown, refused, keys, silences, history, diverged, stalled }: ChaosResult,
  { mode, seed, path }: { readonly mode: string; readonly seed: number; readonly path: string | undefined },
): void {
  say(
    `\n${plural(operations, 'operation')} on ${plural(keys, 'key')}, ${grouped(unknown)} with an unknown outcome, ${grouped(refused)} refused; ${plural(deeds.length, 'fault')}.\n`,
  )
  if (silences.length > 0)
    say(
      table(
        [
          ['fault', 'times', 'of the leader', 'longest without an answer: p50', 'p99', 'most'].map((each) =>
            colours.dim(each),
          ),
          ...silences.map(({ kind, count, ofLeader, p50, p99, most }) => [
            kind,
            String(count),
            String(ofLeader),
            millis(p50),
            millis(p99),
            millis(most),
          ]),
        ],
        { align: ['left', 'right', 'right', 'right', 'right', 'right'] },
      ),
    )
  say('')
  const good = (text: string): string => `${colours.green('✓')} ${text}`
  const bad = (text: string): string => `${colours.red('✗')} ${text}`
  const { verdict, violation } = history
  if (violation === undefined) say(good(`linearizable, with acknowledgements that mean: ${mode}`))
  else {
    say(
      bad(
        verdict === 'violated'
          ? `not linearizable: ${violation.key}`
          : `not decided whether it is linearizable: ${violation.key}`,
      ),
    )
    say(`  ${violation.sentence}`)
    say(`  Its history is in ${path ?? ''}; the seed was ${String(seed)}.`)
  }
  if (stalled !== undefined) say(bad(stalled))
  else {
    say(good('something was acknowledged after every fault, and every member came back'))
    say(diverged === undefined ? good('all members agree in the end') : bad(`members differ: ${diverged}`))
  }
}
