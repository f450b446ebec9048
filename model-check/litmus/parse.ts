/**
 * Reads a litmus file: declarations, columns of operations, expected outcomes. The notation is taught in docs/litmus.md.
 *
 * Contract. Throws {@link LitmusError} for whatever cannot be read, with its line and column; what it returns can be
 * built and run, but for what only the world knows (which faults there are).
 */
import { type FaultBudget, type FaultKind } from '../../protocol/index.js'
import { LitmusError } from './errors.js'
import { Declarations, declare, isFaultFree } from './parse-declarations.js'
import { OperationReader } from './parse-operation.js'
import { OutcomeReader } from './parse-outcome.js'
import type { LitmusProgram, NodeProgram, Operation, Thread } from './program.js'
import { NodeScope, mostNodes } from './scope.js'
import { WordReader, withoutComment, wordsOf } from './words.js'

const mostThreadsOfNode = 4
const mostOperationsOfNode = 60

interface Line {
  readonly text: string
  readonly number: number
}

/** One column: the cells below its head. */
interface Column {
  readonly node: number
  readonly cells: { readonly text: string; readonly line: number; readonly column: number }[]
}

export function parseLitmus(file: string, text: string): LitmusProgram {
  const lines = text
    .split(/\r?\n/)
    .map((line, i): Line => ({ text: withoutComment(line), number: i + 1 }))
    .filter((line) => line.text.trim() !== '')
  const head = lines.findIndex((line) => isHead(line.text))
  const last = lines.at(-1)?.number ?? 1
  if (head < 0)
    throw new LitmusError(
      file,
      { line: lines.find((line) => /\|/.test(line.text))?.number ?? last, column: 1 },
      'there are no columns',
      'begin them with a line that names the nodes, for instance: n0 | n1',
    )
  const end = lines.findIndex((line, i) => i > head && /^\s*(observe|allowed|forbidden)\s*:/.test(line.text))
  if (end < 0)
    throw new LitmusError(
      file,
      { line: last, column: 1 },
      'there are no expected outcomes',
      'write "observe:" with registers and words of memory, then "allowed:" with one row for each outcome',
    )
  const scopes = Array.from({ length: nodesOf(lines) }, (_, node) => new NodeScope(node))
  const declarations = new Declarations()
  for (const line of lines.slice(0, head)) declare(file, line.text, line.number, declarations, scopes)
  if (declarations.name === '')
    throw new LitmusError(
      file,
      { line: 1, column: 1 },
      'the program has no name',
      'begin with a line "name: …"',
    )
  const columns = columnsOf(file, lines.slice(head, end))
  for (const column of columns) collectLabels(file, column, scopes[column.node]!)
  const threads = columns.map((column, i) => threadOf(file, column, i, scopes))
  const outcomes = new OutcomeReader(file, scopes)
  for (const line of lines.slice(end)) outcomes.line(line.text, line.number)
  const { observables, allowed, forbidden } = outcomes.finish()
  if (allowed.length === 0)
    throw new LitmusError(
      file,
      { line: last, column: 1 },
      'no outcome is allowed',
      'list every outcome that is possible below "allowed:"; what is not listed must not occur',
    )
  const nodes = scopes.map((scope): NodeProgram => ({
    regions: scope.regions,
    memoryWindows: scope.memoryWindows,
    registers: scope.registers,
    labels: scope.labels,
    threads: threads.filter((_, i) => columns[i]!.node === scope.node),
  }))
  const { name, title, sources, rules, knobs, fabric, disk, clock, faults } = declarations
  const budget = budgetOf(file, declarations, threads)
  return {
    ...{ name, title, sources, rules, nodes, knobs, fabric, disk, clock, faults, budget },
    ...{ observables, allowed, forbidden, text, file },
  }
}

const isHead = (text: string): boolean => text.split('|').every((cell) => /^\s*n\d\s*$/.test(cell))

/** As many nodes as the file speaks of. */
function nodesOf(lines: readonly Line[]): number {
  let most = 1
  for (const line of lines)
    if (!/^\s*(title|source|name|rules)\s*:/.test(line.text))
      for (const [, node] of line.text.matchAll(/\bn(\d)\b/g)) most = Math.max(most, Number(node) + 1)
  return Math.min(most, mostNodes)
}

function columnsOf(file: string, lines: readonly Line[]): Column[] {
  const [head, ...rows] = lines
  const columns = head!.text
    .split('|')
    .map((cell): Column => ({ node: Number(cell.trim().slice(1)), cells: [] }))
  for (const { node } of columns)
    if (node >= mostNodes)
      throw new LitmusError(
        file,
        { line: head!.number, column: 1 },
        `there are at most ${String(mostNodes)} nodes, found "n${String(node)}"`,
        'nodes are n0, n1, n2 and n3',
        `n${String(node)}`,
      )
  for (const row of rows) {
    if (/^[\s|+-]*$/.test(row.text) && row.text.includes('-')) continue
    const cells = row.text.split('|')
    if (cells.length > columns.length)
      throw new LitmusError(
        file,
        { line: row.number, column: row.text.lastIndexOf('|') + 1 },
        `this row has ${String(cells.length)} cells, and the head names ${String(columns.length)} columns`,
        'name every column in the head, or take the "|" away',
        '|',
      )
    let column = 1
    cells.forEach((cell, i) => {
      if (cell.trim() !== '') columns[i]!.cells.push({ text: cell, line: row.number, column })
      column += cell.length + 1
    })
  }
  for (const { node } of columns)
    if (columns.filter((each) => each.node === node).length > mostThreadsOfNode)
      throw new LitmusError(
        file,
        { line: head!.number, column: 1 },
        `n${String(node)} has more than ${String(mostThreadsOfNode)} columns`,
        'give it fewer threads',
      )
  return columns
}

/** Labels may be named before they stand: by another column of the node. */
function collectLabels(file: string, { cells }: Column, scope: NodeScope): void {
  for (const { text, line, column } of cells) {
    const words = wordsOf(file, text, line, column)
    words.forEach((word, i) => {
      if (words[i + 1]?.text !== ':' || word.kind !== 'name' || (i > 0 && words[i - 1]!.text !== ';')) return
      if (word.text === 'restart') return
      const isTaken =
        scope.labels.includes(word.text) || scope.variables.some(({ name }) => name === word.text)
      if (isTaken || /^r\d+$/.test(word.text))
        throw new LitmusError(
          file,
          word,
          `"${word.text}" cannot be a label: it names something else of n${String(scope.node)}`,
          'choose another name',
          word.text,
        )
      scope.labels.push(word.text)
    })
  }
}

function threadOf(
  file: string,
  { node, cells }: Column,
  index: number,
  scopes: readonly NodeScope[],
): Thread {
  const operations: Operation[] = []
  let restartAt = -1
  const end = (line: number): Operation => ({
    action: { kind: 'end' },
    label: -1,
    condition: undefined,
    joined: false,
    line,
    text: 'the end',
  })
  for (const { text, line, column } of cells) {
    const words = wordsOf(file, text, line, column)
    const reader = new WordReader(file, words)
    if (/^\s*restart\s*:\s*$/.test(text)) {
      if (restartAt >= 0) reader.fail('a column has one "restart:"', 'take this one away')
      operations.push(end(line))
      restartAt = operations.length
      continue
    }
    const found = new OperationReader(reader, scopes, scopes[node]!, index).cell(text, column)
    for (const operation of found)
      if (operation.action.kind === 'recovered') {
        const isFirst = restartAt >= 0 && operations.slice(restartAt).every(isRecovered)
        if (!isFirst)
          reader.failAt(
            words[0]!,
            'records are read first after a restart',
            'move it to the line below "restart:"',
          )
      }
    operations.push(...found)
  }
  operations.push(end(cells.at(-1)?.line ?? 0))
  if (operations.length > mostOperationsOfNode)
    throw new LitmusError(
      file,
      { line: cells.at(-1)?.line ?? 0, column: 1 },
      `a column has at most ${String(mostOperationsOfNode)} operations`,
      'make it shorter',
    )
  return { operations, restartAt: restartAt < 0 ? operations.length - 1 : restartAt }
}

const isRecovered = ({ action }: Operation): boolean => action.kind === 'recovered'

function budgetOf(file: string, { faults }: Declarations, threads: readonly Thread[]): FaultBudget {
  const budget: Partial<Record<FaultKind, number>> = {}
  for (const { target, most } of faults) budget[target.kind] = (budget[target.kind] ?? 0) + most
  for (const { operations } of threads)
    for (const { action, line, text } of operations) {
      if (action.kind !== 'fault') continue
      const { kind } = action.fault
      if (!isFaultFree(faults, kind))
        throw new LitmusError(
          file,
          { line, column: 1 },
          `"${text}": ${kind} is taken at this point, and everywhere by the line "faults:"`,
          'keep one of the two',
          kind,
        )
      budget[kind] = (budget[kind] ?? 0) + 1
    }
  return budget
}
