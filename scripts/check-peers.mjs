// Makes the comparison of the model checker with others: measures, and writes docs/check-peers.json and the tables of
// docs/check-peers.md from it.
//
//   node bench/peers/build.mjs && node scripts/check-peers.mjs   measures and writes both (half an hour and more)
//   node scripts/check-peers.mjs --tables [FILE]                 measures nothing: writes the tables from the figures, or
//                                                                from those that `bench check --peers --json` gave
//   node scripts/check-peers.mjs --check                         writes nothing; exits 1 when the tables are not what the
//                                                                figures give, or a count is not what is known
//
// Times differ from machine to machine and from run to run, so a check cannot measure again; counts do not differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { bootstrapOrExit } from './bootstrap.mjs'
import { drawn, formatted, table } from './sections.mjs'

const root = new URL('../', import.meta.url)
const dataUrl = new URL('docs/check-peers.json', root)
const docUrl = new URL('docs/check-peers.md', root)

/** Distinct and generated states that the literature and the tools themselves give. */
const known = {
  '2pc 8': [1_745_408, 18_507_778],
  '2pc 9': [10_340_352, 123_558_402],
  'paxos 3': [1_194_428, 2_420_477],
}

const names = { aviary: '**Aviary**', stateright: 'Stateright', spin: 'SPIN', tlc: 'TLC' }
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
const millions = (n) => `${(n / 1e6).toFixed(n >= 1e7 ? 1 : 2)} M`
const ratio = (n) => (n >= 10 ? n.toFixed(0) : n.toFixed(2))

const toolsTable = ({ tools, leftOut }) =>
  table(
    ['tool', 'version', 'how'],
    [
      ...tools.map(({ tool, version, manner }) => [names[tool], version, manner]),
      ...leftOut.map(({ tool, reason }) => [names[tool], '–', `skipped: ${reason}`]),
    ],
  )

function resultsTable({ rows }) {
  const head = [
    'model',
    'tool',
    'cores',
    'best s',
    'median s',
    'processor s',
    'runs',
    'generated/s',
    'distinct/s',
  ]
  return table(
    head,
    rows.map((row) => [
      row.model,
      names[row.tool],
      row.cores,
      row.seconds.toFixed(2),
      row.medianSeconds.toFixed(2),
      row.cpuSeconds.toFixed(2),
      row.runs,
      millions(row.generatedPerSecond),
      millions(row.distinctPerSecond),
    ]),
  )
}

function countsTable({ rows }) {
  const ours = rows.filter(({ tool, cores }) => tool === 'aviary' && cores === 1)
  return table(
    ['model', 'counted by', 'distinct', 'generated', 'moved', 'bytes a state'],
    ours.map(({ model, distinct, generated, moved, bytesPerState }) => [
      model,
      rows
        .filter((row) => row.model === model && row.cores === 1)
        .map(({ tool }) => names[tool])
        .join(', '),
      grouped(distinct),
      grouped(generated),
      grouped(moved),
      bytesPerState.toFixed(1),
    ]),
  )
}

const amount = (value) => (value >= 1000 ? millions(value) : ratio(value))
const goalsTable = ({ goals }) =>
  table(
    ['goal', 'result', 'wanted', 'reached', 'by processor time'],
    goals.map(({ goal, wanted, reached, reachedByCpu, isMet }) => [
      goal,
      isMet ? 'met' : '**missed**',
      amount(wanted),
      amount(reached),
      reachedByCpu === undefined ? '' : amount(reachedByCpu),
    ]),
  )

const extent = ({ node, cores }) =>
  `Node ${node}, on a machine of ${cores} cores that other programs used as well.`

const sections = { tools: toolsTable, counts: countsTable, results: resultsTable, goals: goalsTable, extent }

const draw = (document, figures) =>
  drawn('scripts/check-peers.mjs', 'docs/check-peers.md', document, sections, figures)

function wrongCounts({ rows }) {
  return rows
    .filter(({ model, distinct, generated }) => String(known[model]) !== String([distinct, generated]))
    .map(
      ({ model, tool, distinct, generated }) => `${model}: ${tool} has counted ${distinct} of ${generated}`,
    )
}

async function measured() {
  await bootstrapOrExit()
  const { benchCheckPeers } = await import(new URL('dist/bench/check-peers.js', root).href)
  const figures = await benchCheckPeers({ onProgress: (what) => console.error(`measuring ${what} …`) })
  return { ...figures, node: process.versions.node, cores: cpus().length }
}

const [mode, file] = process.argv.slice(2)
const stored = () => JSON.parse(readFileSync(dataUrl, 'utf8'))
const document = readFileSync(docUrl, 'utf8')
if (mode === '--check') {
  const figures = stored()
  const wrong = wrongCounts(figures)
  if ((await draw(document, figures)) !== document)
    wrong.push('the tables are not those of the figures: node scripts/check-peers.mjs --tables')
  for (const line of wrong) console.error(`docs/check-peers: ${line}`)
  process.exitCode = wrong.length === 0 ? 0 : 1
} else {
  const extent = { node: process.versions.node, cores: cpus().length }
  const figures =
    mode !== '--tables'
      ? await measured()
      : file === undefined
        ? stored()
        : { ...JSON.parse(readFileSync(file, 'utf8')), ...extent }
  writeFileSync(dataUrl, await formatted(JSON.stringify(figures), 'docs/check-peers.json'))
  writeFileSync(docUrl, await draw(document, figures))
}
