/**
 * A violation drawn for a person: the sentence, and the operations around the contradiction as bars over time.
 *
 * Contract. Shows the operation that could not be placed, those that the sentence speaks of, and the latest called
 * before it returned, twelve in all; one line each, grouped by client. Time is compressed to the events shown, their
 * order is kept: a bar that ends left of another's start had returned before that was called.
 */
import type { Operation } from './history.js'
import type { NotLinearizable } from './linearizability.js'
import type { SequentialModel } from './model.js'

const operationsShown = 12
const columnsPerEvent = 3

export function explainViolation<S, I, O>(
  result: NotLinearizable<I, O>,
  model: SequentialModel<S, I, O>,
): string {
  const { history, partial, blocked, partition, verdict } = result
  const shown = choose(result)
  const place = new Map(partial.map((operation, index) => [operation, String(index + 1)]))
  const rows = shown.map((operation) => ({
    client: `client ${operation.client}`,
    text: model.describe(operation.input, operation.output),
    place: operation === blocked ? 'X' : (place.get(operation) ?? '-'),
    operation,
  }))
  const width = (column: 'client' | 'text' | 'place'): number =>
    Math.max(...rows.map((row) => row[column].length))
  const columns = columnsOf(shown)
  const lines = rows.map(({ client, text, place, operation }) =>
    [
      client.padEnd(width('client')),
      text.padEnd(width('text')),
      place.padStart(width('place')),
      bar(operation, columns),
    ].join('  '),
  )
  const hidden = history.length - shown.length
  const where = partition === model.name ? model.name : `${model.name}, ${partition}`
  return [
    `${where}: ${verdict === 'violated' ? 'not linearizable' : 'unknown'}`,
    result.sentence,
    '',
    ...lines,
    '',
    `Numbers: places in the longest order found (${partial.length} of ${history.length} operations). ` +
      `X: has no place in it. -: not placed.`,
    ...(hidden > 0 ? [`Not shown: ${hidden} other operations.`] : []),
  ].join('\n')
}

function choose<I, O>({ history, blocked, cited }: NotLinearizable<I, O>): readonly Operation<I, O>[] {
  const chosen = new Set([blocked, ...cited])
  const latestFirst = history
    .filter((operation) => operation.called < blocked.returned)
    .sort((a, b) => b.called - a.called)
  for (const operation of latestFirst) {
    if (chosen.size >= operationsShown) break
    chosen.add(operation)
  }
  return [...chosen].sort((a, b) => a.client - b.client || a.called - b.called)
}

/** The column of each event shown; unknown outcomes reach beyond the last one. */
function columnsOf<I, O>(shown: readonly Operation<I, O>[]): ReadonlyMap<number, number> {
  const positions = shown.flatMap(({ called, returned }) => [called, returned])
  const rising = [...new Set(positions)].sort((a, b) => a - b)
  return new Map(rising.map((position, rank) => [position, rank * columnsPerEvent]))
}

function bar<I, O>({ called, returned }: Operation<I, O>, columns: ReadonlyMap<number, number>): string {
  const start = columns.get(called)!
  const end = columns.get(returned)!
  return `${' '.repeat(start)}|${'-'.repeat(end - start - 1)}${returned === Infinity ? '>' : '|'}`
}
