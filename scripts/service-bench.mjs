// Makes the comparison of the replicated store with etcd and Redis: measures, and writes docs/service-bench.json and the
// tables of docs/service-bench.md from it.
//
//   node bench/peers/build.mjs etcd etcd-server && node scripts/service-bench.mjs   measures and writes both
//   node scripts/service-bench.mjs --tables [FILE]   measures nothing: writes the tables from the figures, or from those
//                                                    that `bench service --json` gave
//   node scripts/service-bench.mjs --check           writes nothing; exits 1 when the tables are not what the figures give
//
// Figures differ from machine to machine and from run to run, so a check cannot measure again.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { bootstrapOrExit } from './bootstrap.mjs'
import { drawn, formatted, table } from './sections.mjs'

const script = 'scripts/service-bench.mjs'
const root = new URL('../', import.meta.url)
const docPath = 'docs/service-bench.md'
const dataPath = 'docs/service-bench.json'

const names = { aviary: '**Aviary**', etcd: 'etcd', redis: 'Redis, unreplicated' }
const grouped = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
const ratio = (n) => (n >= 10 ? n.toFixed(0) : n.toFixed(2))

const toolsTable = ({ tools, leftOut }) =>
  table(
    ['', 'version', 'how'],
    [
      ...tools.map(({ tool, version, manner }) => [names[tool], version, manner]),
      ...leftOut.map(({ part, reason }) => [part, '–', `skipped: ${reason}`]),
    ],
    3,
  )

const rowsTable = (boundary) => (figures) =>
  table(
    ['mode', '', 'under way', 'p50', 'p90', 'p99', 'p50 of rounds', 'writes/s'],
    figures.rows
      .filter((row) => row.boundary === boundary)
      .map((row) => [
        row.durability,
        names[row.system],
        row.window,
        ...[row.p50, row.p90, row.p99].map(grouped),
        `${grouped(row.p50Least)} … ${grouped(row.p50Most)}`,
        grouped(row.perSecond),
      ]),
  )

const boundaries = { program: 'called from a program', protocol: 'client protocol' }
const ratiosTable = ({ ratios }) =>
  table(
    ['boundary', 'mode', 'under way', 'latency, p50', 'latency, p99', 'writes/s'],
    ratios.map(({ boundary, durability, window, latency, tail, throughput }) => [
      boundaries[boundary],
      durability,
      window,
      ...[latency, tail, throughput].map(ratio),
    ]),
  )

const redisTable = ({ redis }) =>
  table(
    ['test', '', '-P', 'requests/s', 'least … most', 'p50', 'p99'],
    redis.map((row) => [
      row.test,
      names[row.server],
      row.pipeline,
      grouped(row.perSecond),
      `${grouped(row.perSecondLeast)} … ${grouped(row.perSecondMost)}`,
      ...[row.p50, row.p99].map(grouped),
    ]),
  )

const goalsTable = ({ goals }) =>
  table(
    ['goal', 'result', 'wanted', 'reached'],
    goals.map(({ goal, wanted, reached, isMet }) => [
      goal,
      isMet ? 'met' : '**missed**',
      ratio(wanted),
      ratio(reached),
    ]),
  )

const extent = ({ node, processor, processors, nodes, loadAverage, fileSystem, sizeBytes }) =>
  `${nodes} replicas on ${processors} processors (${processor}), Node ${node}, ${fileSystem} for logs; values of ${sizeBytes} bytes. The load average was ${loadAverage[0].toFixed(1)} before and ${loadAverage[1].toFixed(1)} after: other programs used the machine as well.`

const sections = {
  tools: toolsTable,
  extent,
  program: rowsTable('program'),
  protocol: rowsTable('protocol'),
  ratios: ratiosTable,
  goals: goalsTable,
  redis: redisTable,
}
const draw = (document, figures) => drawn(script, docPath, document, sections, figures)

async function measured() {
  await bootstrapOrExit()
  const { benchService } = await import(new URL('dist/bench/service.js', root).href)
  return benchService({ onProgress: (what) => console.error(`measuring ${what} …`) })
}

const [mode, file] = process.argv.slice(2)
const stored = () => JSON.parse(readFileSync(new URL(dataPath, root), 'utf8'))
const document = readFileSync(new URL(docPath, root), 'utf8')
if (mode === '--check') {
  const isSame = (await draw(document, stored())) === document
  if (!isSame) console.error(`${docPath}: the tables are not those of the figures: node ${script} --tables`)
  process.exitCode = isSame ? 0 : 1
} else {
  const place = { node: process.versions.node, processor: cpus()[0]?.model ?? 'unknown' }
  const figures =
    mode !== '--tables'
      ? { ...(await measured()), ...place }
      : file === undefined
        ? stored()
        : { ...JSON.parse(readFileSync(file, 'utf8')), ...place }
  writeFileSync(new URL(dataPath, root), await formatted(JSON.stringify(figures), dataPath))
  writeFileSync(new URL(docPath, root), await draw(document, figures))
}
