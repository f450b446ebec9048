/** `aviary export`: a trace in a format of another tool. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { SystemDefinition } from '../../protocol/index.js'
import { type Trace, itfChunks, jsonLines, perfettoChunks, textLines } from '../../sim/trace/index.js'
import { UsageError, fileError } from '../errors.js'
import { makeTerminal, grouped } from '../terminal.js'
import { leadsToRecording } from '../recording-file.js'
import { recordingChunks } from '../recording-export.js'
import { exportSchedule } from '../recording-schedule.js'
import { readTrace, systemOf } from '../trace-file.js'

const formats = ['perfetto', 'itf', 'jsonl', 'text', 'trace'] as const
type Format = (typeof formats)[number]

interface ExportFlags {
  readonly format: Format
  readonly out?: string
  readonly changes: 'none' | 'parts' | 'fields'
  readonly system?: string
}

const endings: Readonly<Record<Format, string>> = {
  perfetto: 'perfetto-trace',
  itf: 'itf.json',
  jsonl: 'jsonl',
  text: 'txt',
  trace: 'aviary',
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description('write a trace or a recording in a format of another tool')
    .argument('<file>', 'a trace, a recording, or a folder of recordings')
    .addOption(new Option('--format <format>', 'the format').choices(formats).makeOptionMandatory())
    .option('--out <file>', 'where to write, - for standard output (default: FILE with another ending)')
    .addOption(
      new Option('--changes <what>', 'for jsonl: also what each action changed')
        .choices(['none', 'parts', 'fields'])
        .default('none'),
    )
    .option('--system <system>', 'the system, if it is not where the trace says')
    .addHelpText(
      'after',
      `
Formats:
  perfetto  for https://ui.perfetto.dev: nodes and their NICs as lanes, arrows for messages and requests
  itf       Informal Trace Format of Apalache and Quint: every state
  jsonl     one JSON object an action
  text      to read, edit and replay: aviary replay FILE.txt
  trace     of a recording: a schedule of the simulator with the same inputs, where one is found (exit code 3: none)

A recording has no actions of a world, so it is exported as perfetto, jsonl or text: all nodes' inputs in one order.

Examples:
  aviary export trace.aviary --format perfetto --out trace.perfetto-trace
  aviary export trace.aviary --format jsonl --changes fields --out - | head`,
    )
    .action(async (file: string, flags: ExportFlags) => {
      await exportTrace(file, flags)
    })
}

async function exportTrace(file: string, flags: ExportFlags): Promise<void> {
  if (leadsToRecording(file)) {
    const { format } = flags
    if (format === 'itf')
      throw new UsageError(
        '--format itf: has states of a whole system, and a recording has no such thing',
        'choose perfetto, jsonl or text.',
      )
    if (format === 'trace') return exportSchedule(file, flags)
    const chunks = await recordingChunks(file, format, flags.system)
    return write(flags.out ?? `${file.replace(/\/+$|\.aviaryrec$/, '')}.${endings[format]}`, chunks)
  }
  const trace = readTrace(file)
  const { definition } = await systemOf(file, trace, flags.system)
  const out = flags.out ?? `${file.replace(/\.aviary$/, '')}.${endings[flags.format]}`
  write(out, chunks(flags, definition, trace))
}

function write(out: string, pieces: Iterable<string | Uint8Array>): void {
  if (out === '-') {
    for (const chunk of pieces) process.stdout.write(chunk)
    return
  }
  const bytes = writeChunks(out, pieces)
  makeTerminal().say(`Wrote ${out} (${grouped(bytes)} bytes).`)
}

function* chunks(
  flags: ExportFlags,
  definition: SystemDefinition,
  trace: Trace,
): Generator<string | Uint8Array, void> {
  switch (flags.format) {
    case 'perfetto':
      return yield* perfettoChunks(definition, trace)
    case 'itf':
      return yield* itfChunks(definition, trace)
    case 'jsonl':
      return yield* jsonLines(definition, trace, { changes: flags.changes })
    case 'trace':
      throw new UsageError(
        '--format trace: makes a trace of a recording, and this is a trace',
        'name a recording, or another format.',
      )
    case 'text':
      for (const line of textLines(trace, definition)) yield `${line}\n`
  }
}

function writeChunks(path: string, pieces: Iterable<string | Uint8Array>): number {
  // What the system cannot follow is told before a file is made.
  const iterator = pieces[Symbol.iterator]()
  let next = iterator.next()
  let descriptor: number
  try {
    descriptor = openSync(path, 'w')
  } catch (error) {
    throw fileError('cannot write', path, error)
  }
  let written = 0
  try {
    for (; next.done !== true; next = iterator.next()) {
      const bytes = typeof next.value === 'string' ? Buffer.from(next.value) : next.value
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at)
      written += bytes.length
    }
  } finally {
    closeSync(descriptor)
  }
  return written
}
